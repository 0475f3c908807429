/* POST actions: what only the driver knows how to do, and the operator has declared. */
#include <string.h>

#include "requests/accept.h"

static int accept_action(struct intent *intent, const struct instance *instance)
{
	const struct service *service = intent->offering->service;
	const struct plan *plan = instance->plan != NULL ? service_plan(service, instance->plan) : NULL;
	const char *const *actions = NULL;
	size_t count = 0;

	if (instance->plan == NULL)
		return error_set(&intent->error, ERR_BUSY, "the instance \"%s\" is still being made", instance->name);
	if (plan != NULL)
		count = driver_actions(intent->offering->backend->driver, plan, &actions);
	for (size_t i = 0; i < count; i++)
		if (strcmp(actions[i], intent->request->action) == 0)
			return 0;
	return error_set(&intent->error, ERR_NOT_FOUND, "instances of the plan \"%s\" have no action \"%s\"",
	                 instance->plan, intent->request->action);
}

static enum intent_next decide_act(struct intent *intent)
{
	const struct broker_request *request = intent->request;
	const struct operation act = {
	    .kind = OPERATION_ACT, .action = request->action, .parameters = request->parameters};
	struct held_instance held;
	int rc = intent_find_instance(intent, &held);

	if (rc == 0)
		rc = accept_living(intent, &held.record);
	if (rc == 0)
		rc = accept_action(intent, &held.record);
	if (rc == 0)
		rc = accept_work(intent, &held.record);
	if (rc == 0 && request->parameters != NULL && strlen(request->parameters) > PARAMETERS_MAX)
		rc = error_set(&intent->error, ERR_TOO_LARGE, "the parameters are over %d bytes", PARAMETERS_MAX);
	if (rc == 0)
		rc = intent_add_operation(intent, &held.record, &act, NULL);
	if (rc != 0)
		return INTENT_REFUSE;
	changes_check_instance(&intent->changes, &held);
	return INTENT_COMMIT;
}

const struct asked ask_act = {decide_act, INTENT_NO_WAIT};
