/* Units of tsuru before 1.18: let in and shut out by host, fast and idempotent (sequence S12). */
#include "requests/accept.h"
#include "requests/intent.h"

static int decide_unit(struct intent *intent, struct changes *changes, enum operation_kind kind,
                       enum intent_next *ret_next, struct error *error)
{
	const struct operation operation = {.kind = kind, .unit = intent->request->unit};
	struct held_instance instance;
	int rc = bind_check_host(intent->request->unit, error);

	if (rc == 0)
		rc = intent_find_instance(intent, &instance, error);
	if (rc == 0 && kind == OPERATION_ALLOW_UNIT)
		rc = accept_living(&instance.record, error);
	if (rc == 0)
		rc = accept_work(intent, &instance.record, error);
	if (rc != 0)
		return rc;
	if (!intent->offering->backend->driver->units) {
		*ret_next = INTENT_ANSWER;
		return 0;
	}
	changes_check_instance(changes, &instance);
	*ret_next = INTENT_COMMIT;
	return intent_add_operation(intent, changes, &instance.record, &operation, NULL, error);
}

static int decide_allow(struct intent *intent, struct changes *changes, enum intent_next *ret_next, struct error *error)
{
	return decide_unit(intent, changes, OPERATION_ALLOW_UNIT, ret_next, error);
}

static int decide_deny(struct intent *intent, struct changes *changes, enum intent_next *ret_next, struct error *error)
{
	return decide_unit(intent, changes, OPERATION_DENY_UNIT, ret_next, error);
}

const struct asked ask_allow_unit = {decide_allow, 0};

const struct asked ask_deny_unit = {decide_deny, 0};
