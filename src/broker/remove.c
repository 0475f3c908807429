/* DELETE /resources/{name}: the instance and every bind it has (sequences S2, S8 and S9). */
#include "broker/accept.h"
#include "broker/queue.h"

static int decide_absent(struct intent *intent, enum intent_next *ret_next, struct error *error)
{
	const struct broker_request *request = intent->request;

	if (!records_is_removed(intent->broker, request->service->name, request->instance))
		return ERR_NOT_FOUND;
	error_clear(error);
	*ret_next = INTENT_ANSWER;
	return 0;
}

static int decide_remove(struct intent *intent, struct changes *changes, enum intent_next *ret_next,
                         struct error *error)
{
	const struct operation remove = {.kind = OPERATION_REMOVE};
	struct held_instance held;
	int rc = intent_find_instance(intent, &held, error);

	if (rc == ERR_NOT_FOUND)
		return decide_absent(intent, ret_next, error);
	if (rc != 0)
		return rc;
	if (queue_has(intent->broker, held.record.incarnation, 1u << OPERATION_REMOVE)) {
		*ret_next = intent_join(intent, held.record.incarnation, NULL, OPERATION_REMOVE);
		return 0;
	}
	rc = accept_removal(intent, &held.record, error);
	if (rc != 0)
		return rc;
	changes_use_reserve(changes);
	rc = instance_move(&held.record, INSTANCE_REMOVING, error);
	if (rc == 0)
		rc = intent_add_operation(intent, changes, &held.record, &remove, NULL, error);
	held.record.updated_at = timers_wall(intent->broker->timers);
	changes_put_instance(changes, &held.record, held.revision);
	*ret_next = INTENT_COMMIT;
	return rc;
}

void broker_remove(struct broker *broker, const struct broker_request *request, broker_done *on_done, void *arg)
{
	intent_start(broker, request, decide_remove, 0, on_done, arg);
}
