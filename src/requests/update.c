/* PUT /resources/{name}: the wanted state is recorded at once and reached by an operation (sequence S3). */
#include "queue/queue.h"
#include "requests/accept.h"

/* Puts what is wanted into the record, and queues what reaches it. */
static enum intent_next accept(struct intent *intent, struct held_instance *held, const struct plan *plan)
{
	const struct broker_request *request = intent->request;
	const struct operation update = {.kind = OPERATION_UPDATE};
	struct instance *instance = &held->record;
	const struct instance before = *instance;
	enum intent_next next;

	instance->wanted_plan = plan->name;
	instance->parameters = request->parameters;
	instance->description = request->description;
	instance->tags = request->tags;
	instance->team = request->team != NULL ? request->team : instance->team;
	instance->updated_at = timers_wall(intent->requests->catalog->timers);
	next = accept_owned(intent, &before, instance);
	/* Also when nothing was asked anew: the plan's options may have changed in the configuration. */
	if (next == INTENT_COMMIT && intent_add_operation(intent, instance, &update, NULL) != 0)
		next = INTENT_REFUSE;
	changes_count_owned(&intent->changes, &before, -1);
	changes_count_owned(&intent->changes, instance, 1);
	changes_put_instance(&intent->changes, KEYSPACE_INSTANCES, instance, held->revision);
	return next;
}

static enum intent_next decide_update(struct intent *intent)
{
	const char *parameters = intent->request->parameters;
	const struct plan *plan = NULL;
	struct held_instance held;
	const struct instance *instance = &held.record;
	int rc = intent_find_instance(intent, &held);

	if (rc == 0)
		rc = accept_living(intent, instance);
	if (rc == 0)
		rc = accept_plan(intent, instance->wanted_plan, &plan);
	if (rc == 0)
		rc = accept_parameters(intent, plan, false);
	if (rc == 0 && same_text(instance->wanted_plan, plan->name) && same_text(instance->parameters, parameters) &&
	    queue_has(intent->requests->queue, instance->incarnation, 1U << OPERATION_UPDATE))
		return intent_join(intent, instance->incarnation, NULL, OPERATION_UPDATE);
	if (rc == 0)
		rc = accept_work(intent, instance);
	return rc == 0 ? accept(intent, &held, plan) : INTENT_REFUSE;
}

const struct asked ask_update = {decide_update, 0};
