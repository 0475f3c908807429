/* PUT /resources/{name}: the wanted state is recorded at once and reached by an operation (sequence S3). */
#include "queue/queue.h"
#include "requests/accept.h"

static int decide_update(struct intent *intent, struct changes *changes, enum intent_next *ret_next,
                         struct error *error)
{
	const struct broker_request *request = intent->request;
	const struct operation update = {.kind = OPERATION_UPDATE};
	const struct plan *plan = NULL;
	struct held_instance held;
	struct instance *instance = &held.record;
	struct instance before;
	bool same;
	int rc = intent_find_instance(intent, &held, error);

	if (rc == 0)
		rc = accept_living(instance, error);
	if (rc == 0)
		rc = accept_plan(intent, instance->wanted_plan, &plan, error);
	if (rc == 0)
		rc = accept_parameters(intent, plan, false, error);
	if (rc != 0)
		return rc;
	same = same_text(instance->wanted_plan, plan->name) && same_text(instance->parameters, request->parameters);
	if (same && queue_has(intent->requests->queue, instance->incarnation, 1U << OPERATION_UPDATE)) {
		*ret_next = intent_join(intent, instance->incarnation, NULL, OPERATION_UPDATE);
		return 0;
	}
	rc = accept_work(intent, instance, error);
	if (rc != 0)
		return rc;
	before = *instance;
	instance->wanted_plan = plan->name;
	instance->parameters = request->parameters;
	instance->description = request->description;
	instance->tags = request->tags;
	instance->team = request->team != NULL ? request->team : instance->team;
	instance->updated_at = timers_wall(intent->requests->timers);
	/* Also when nothing was asked anew: the plan's options may have changed in the configuration. */
	rc = accept_owned(intent, &before, instance, ret_next, error);
	if (rc == 0)
		rc = intent_add_operation(intent, changes, instance, &update, NULL, error);
	if (rc != 0)
		return rc;
	changes_count_owned(changes, &before, -1);
	changes_count_owned(changes, instance, 1);
	changes_put_instance(changes, KEYSPACE_INSTANCES, instance, held.revision);
	*ret_next = INTENT_COMMIT;
	return 0;
}

const struct asked ask_update = {decide_update, 0};
