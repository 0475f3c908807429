/* DELETE /resources/{name}: the instance and every bind it has (sequences S2, S8 and S9). Its content is locked away
 * first where the plan says so, and dropped when that time is over. */
#include "life/promise.h"
#include "queue/queue.h"
#include "requests/accept.h"
#include "requests/removal.h"

static int decide_absent(struct intent *intent, enum intent_next *ret_next, struct error *error)
{
	const struct broker_request *request = intent->request;

	if (!records_is_removed(intent->requests->records, request->service->name, request->instance))
		return ERR_NOT_FOUND;
	error_clear(error);
	*ret_next = INTENT_ANSWER;
	return 0;
}

/* Queues the removal and writes both; retain is what its operation says. */
static int accept(struct intent *intent, struct changes *changes, struct held_instance *held, int64_t retain,
                  enum intent_next *ret_next, struct error *error)
{
	const struct operation remove = {.kind = OPERATION_REMOVE, .retain = retain};
	const int64_t wall = timers_wall(intent->requests->timers);
	int rc = instance_move_to_removal(&held->record, wall, error);

	if (rc == 0)
		rc = intent_add_operation(intent, changes, &held->record, &remove, NULL, error);
	held->record.updated_at = wall;
	changes_put_instance(changes, KEYSPACE_INSTANCES, &held->record, held->revision);
	*ret_next = INTENT_COMMIT;
	return rc;
}

int removal_repeat(struct intent *intent, struct changes *changes, struct held_instance *held,
                   enum intent_next *ret_next, struct error *error)
{
	int rc =
	    promise_settle(intent->requests->life, &intent->arena, &held->record, intent->request->caller.event, error);

	held->record.retained_until = 0;
	return rc != 0 ? rc : accept(intent, changes, held, promise_kept(&held->record), ret_next, error);
}

static int decide_remove(struct intent *intent, struct changes *changes, enum intent_next *ret_next,
                         struct error *error)
{
	struct held_instance held;
	int rc = intent_find_instance(intent, &held, error);

	if (rc == ERR_NOT_FOUND)
		return decide_absent(intent, ret_next, error);
	if (rc != 0)
		return rc;
	if (held.record.state == INSTANCE_REMOVING) {
		*ret_next = intent_join(intent, held.record.incarnation, NULL, OPERATION_REMOVE);
		return 0;
	}
	if (queue_has(intent->requests->queue, held.record.incarnation, 1U << OPERATION_ADOPT))
		return error_set(error, ERR_NOT_READY, "the instance \"%s\" is still being adopted; try again",
		                 held.record.name);
	changes_use_reserve(changes);
	rc = accept_removal(intent, &held.record, error);
	return rc != 0 ? rc : removal_repeat(intent, changes, &held, ret_next, error);
}

const struct asked ask_remove = {decide_remove, 0};

/* ---- what was retained is dropped ---- */

int removal_purge(struct intent *intent, struct changes *changes, struct held_instance *held,
                  enum intent_next *ret_next, struct error *error)
{
	changes_delete_instance(changes, KEYSPACE_RETAINED, &held->record, REVISION_ANY);
	return accept(intent, changes, held, 0, ret_next, error);
}

static int decide_purge(struct intent *intent, struct changes *changes, enum intent_next *ret_next, struct error *error)
{
	struct held_instance held;
	int rc = intent_find_instance(intent, &held, error);

	if (rc != 0)
		return rc;
	if (held.record.state != INSTANCE_RETAINED)
		return error_set(error, ERR_INVALID, "the instance \"%s\" is %s; only a retained one can be purged",
		                 held.record.incarnation, instance_state_name(held.record.state));
	changes_use_reserve(changes);
	return removal_purge(intent, changes, &held, ret_next, error);
}

const struct asked ask_purge = {decide_purge, 0};
