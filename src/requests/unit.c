/* Units of tsuru before 1.18: let in and shut out by host, fast and idempotent (sequence S12). */
#include "requests/accept.h"

static enum intent_next decide_unit(struct intent *intent, enum operation_kind kind)
{
	const struct operation operation = {.kind = kind, .unit = intent->request->unit};
	struct held_instance instance;
	int rc = bind_check_host(intent->request->unit, &intent->error);

	if (rc == 0)
		rc = intent_find_instance(intent, &instance);
	if (rc == 0 && kind == OPERATION_ALLOW_UNIT)
		rc = accept_living(intent, &instance.record);
	if (rc == 0)
		rc = accept_work(intent, &instance.record);
	if (rc == 0 && !intent->offering->backend->driver->units)
		return INTENT_ANSWER;
	if (rc == 0)
		rc = intent_add_operation(intent, &instance.record, &operation, NULL);
	if (rc != 0)
		return INTENT_REFUSE;
	changes_check_instance(&intent->changes, &instance);
	return INTENT_COMMIT;
}

static enum intent_next decide_allow(struct intent *intent)
{
	return decide_unit(intent, OPERATION_ALLOW_UNIT);
}

static enum intent_next decide_deny(struct intent *intent)
{
	return decide_unit(intent, OPERATION_DENY_UNIT);
}

const struct asked ask_allow_unit = {decide_allow, 0};

const struct asked ask_deny_unit = {decide_deny, 0};
