/* POST operations/retry: what waits runs now, what failed for good is tried anew. */
#include "broker/intent.h"
#include "broker/queue.h"

/* The operation that a failure calls for; false when nothing has failed. */
static bool needs_operation(const struct intent *intent, const struct instance *instance, enum operation_kind *ret_kind)
{
	if (instance->state == INSTANCE_FAILED)
		*ret_kind = OPERATION_CREATE;
	else if (instance->state == INSTANCE_REMOVING)
		*ret_kind = OPERATION_REMOVE;
	else if (instance->update_failed)
		*ret_kind = OPERATION_UPDATE;
	else
		return false;
	return !queue_has(intent->broker, instance->incarnation, 1U << *ret_kind);
}

static int decide_retry(struct intent *intent, struct changes *changes, enum intent_next *ret_next, struct error *error)
{
	struct operation operation = {0};
	struct held_instance held;
	int rc = intent_find_instance(intent, &held, error);

	if (rc != 0)
		return rc;
	queue_hurry(intent->broker, held.record.incarnation);
	if (!needs_operation(intent, &held.record, &operation.kind)) {
		*ret_next = INTENT_ANSWER;
		return 0;
	}
	if (operation.kind == OPERATION_CREATE)
		rc = instance_move(&held.record, INSTANCE_CREATING, error);
	if (rc == 0)
		rc = intent_add_operation(intent, changes, &held.record, &operation, NULL, error);
	held.record.updated_at = timers_wall(intent->broker->timers);
	changes_put_instance(changes, &held.record, held.revision);
	*ret_next = INTENT_COMMIT;
	return rc;
}

void broker_retry(struct broker *broker, const struct broker_request *request, broker_done *on_done, void *arg)
{
	intent_start(broker, request, decide_retry, INTENT_NO_WAIT, on_done, arg);
}
