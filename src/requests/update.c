/* PUT /resources/{name}: the wanted state is recorded at once and reached by an operation (sequence S3). tsuru has
 * saved the new plan before it asks, and shows it from then on, also of an update that is refused: so the refusal is
 * recorded, and info tells it beside the plan that is in force. */
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
	instance->refusal = NULL;
	next = accept_owned(intent, &before, instance);
	/* Also when nothing was asked anew: the plan's options may have changed in the configuration. */
	if (next == INTENT_COMMIT && intent_add_operation(intent, instance, &update, NULL) != 0)
		next = INTENT_REFUSE;
	if (next != INTENT_COMMIT) {
		*instance = before;
		return next;
	}
	changes_count_owned(&intent->changes, &before, -1);
	changes_count_owned(&intent->changes, instance, 1);
	changes_put_instance(&intent->changes, KEYSPACE_INSTANCES, instance, held->revision);
	return next;
}

/* The error is the refusal. One of an instance that is not there, or is on its way out, says all itself. */
static enum intent_next refuse(struct intent *intent, struct held_instance *held)
{
	struct instance *instance = &held->record;
	const bool lives = instance->state == INSTANCE_READY || instance->state == INSTANCE_CREATING;

	if (!lives || intent->error.code == ERR_NO_MEMORY || same_text(instance->refusal, intent->error.text))
		return INTENT_REFUSE;
	instance->refusal = arena_text(&intent->arena, intent->error.text);
	if (instance->refusal == NULL)
		return INTENT_REFUSE;
	changes_put_instance(&intent->changes, KEYSPACE_INSTANCES, instance, held->revision);
	return INTENT_NOTE_REFUSAL;
}

/* What is asked is what an update under way is about to reach. */
static bool is_under_way(struct intent *intent, const struct instance *instance, const struct plan *plan)
{
	return same_text(instance->wanted_plan, plan->name) &&
	       same_text(instance->parameters, intent->request->parameters) &&
	       queue_has(intent->requests->queue, instance->incarnation, 1U << OPERATION_UPDATE);
}

/* No more work; but an update is accepted, so the refusal of an earlier one goes first. */
static enum intent_next join(struct intent *intent, struct held_instance *held)
{
	struct instance *instance = &held->record;

	if (instance->refusal == NULL)
		return intent_join(intent, instance->incarnation, NULL, OPERATION_UPDATE);
	instance->refusal = NULL;
	changes_put_instance(&intent->changes, KEYSPACE_INSTANCES, instance, held->revision);
	return INTENT_COMMIT_AGAIN;
}

static enum intent_next decide_update(struct intent *intent)
{
	enum intent_next next = INTENT_REFUSE;
	const struct plan *plan = NULL;
	struct held_instance held;
	int rc;

	if (intent_find_instance(intent, &held) != 0)
		return INTENT_REFUSE;
	rc = accept_living(intent, &held.record);
	if (rc == 0)
		rc = accept_plan(intent, held.record.wanted_plan, &plan);
	if (rc == 0)
		rc = accept_parameters(intent, plan, false);
	if (rc == 0 && is_under_way(intent, &held.record, plan))
		return join(intent, &held);
	if (rc == 0)
		rc = accept_work(intent, &held.record);
	if (rc == 0)
		next = accept(intent, &held, plan);
	return next == INTENT_REFUSE ? refuse(intent, &held) : next;
}

const struct asked ask_update = {decide_update, 0};
