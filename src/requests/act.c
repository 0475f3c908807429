/* POST actions: what only the driver knows how to do, and the operator has declared. */
#include <string.h>

#include "requests/accept.h"

static int accept_action(const struct intent *intent, const struct instance *instance, struct error *error)
{
	const struct service *service = intent->offering->service;
	const struct plan *plan = instance->plan != NULL ? service_plan(service, instance->plan) : NULL;
	const char *const *actions = NULL;
	size_t count = 0;

	if (instance->plan == NULL)
		return error_set(error, ERR_BUSY, "the instance \"%s\" is still being made", instance->name);
	if (plan != NULL)
		count = driver_actions(intent->offering->backend->driver, plan, &actions);
	for (size_t i = 0; i < count; i++)
		if (strcmp(actions[i], intent->request->action) == 0)
			return 0;
	return error_set(error, ERR_NOT_FOUND, "instances of the plan \"%s\" have no action \"%s\"", instance->plan,
	                 intent->request->action);
}

static int decide_act(struct intent *intent, struct changes *changes, enum intent_next *ret_next, struct error *error)
{
	const struct broker_request *request = intent->request;
	const struct operation act = {
	    .kind = OPERATION_ACT, .action = request->action, .parameters = request->parameters};
	struct held_instance held;
	int rc = intent_find_instance(intent, &held, error);

	if (rc == 0)
		rc = accept_living(&held.record, error);
	if (rc == 0)
		rc = accept_action(intent, &held.record, error);
	if (rc == 0)
		rc = accept_work(intent, &held.record, error);
	if (rc == 0 && request->parameters != NULL && strlen(request->parameters) > PARAMETERS_MAX)
		rc = error_set(error, ERR_TOO_LARGE, "the parameters are over %d bytes", PARAMETERS_MAX);
	if (rc == 0)
		rc = intent_add_operation(intent, changes, &held.record, &act, NULL, error);
	if (rc != 0)
		return rc;
	changes_check_instance(changes, &held);
	*ret_next = INTENT_COMMIT;
	return 0;
}

const struct asked ask_act = {decide_act, INTENT_NO_WAIT};
