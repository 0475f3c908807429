/* DELETE /resources/{name}: the instance and every bind it has (sequences S2, S8 and S9). Its content is locked away
 * first where the plan says so, and dropped when that time is over. */
#include "life/promise.h"
#include "model/parameters.h"
#include "queue/queue.h"
#include "requests/accept.h"
#include "requests/removal.h"

static enum intent_next decide_absent(const struct intent *intent)
{
	const struct broker_request *request = intent->request;

	return records_is_removed(intent->requests->catalog->records, request->service->name, request->instance)
	           ? INTENT_ANSWER
	           : INTENT_REFUSE;
}

/* Queues the removal and writes both; retain is what its operation says. */
static enum intent_next accept(struct intent *intent, struct held_instance *held, int64_t retain)
{
	const struct operation remove = {.kind = OPERATION_REMOVE, .retain = retain};
	const int64_t wall = timers_wall(intent->requests->catalog->timers);
	int rc = instance_move_to_removal(&held->record, wall, &intent->error);

	if (rc == 0)
		rc = intent_add_operation(intent, &held->record, &remove, NULL);
	held->record.updated_at = wall;
	changes_put_instance(&intent->changes, KEYSPACE_INSTANCES, &held->record, held->revision);
	return rc == 0 ? INTENT_COMMIT : INTENT_REFUSE;
}

enum intent_next removal_repeat(struct intent *intent, struct held_instance *held)
{
	int rc = promise_settle(intent->requests->life, &intent->arena, &held->record, intent->request->caller.event,
	                        &intent->error);

	held->record.retained_until = 0;
	return rc == 0 ? accept(intent, held, promise_kept(&held->record)) : INTENT_REFUSE;
}

/* What exists, and what accept lets go. */
static enum intent_next decide_found(struct intent *intent, struct held_instance *held,
                                     int (*accept_it)(struct intent *intent, const struct instance *instance))
{
	int rc = 0;

	if (held->record.state == INSTANCE_REMOVING)
		return intent_join(intent, held->record.incarnation, NULL, OPERATION_REMOVE);
	if (queue_has(intent->requests->queue, held->record.incarnation, 1U << OPERATION_ADOPT))
		rc = error_set(&intent->error, ERR_NOT_READY, "the instance \"%s\" is still being adopted; try again",
		               held->record.name);
	if (rc == 0)
		rc = accept_it(intent, &held->record);
	if (rc != 0)
		return INTENT_REFUSE;
	changes_use_reserve(&intent->changes);
	held->record.ended_by = intent->request->caller.repeat;
	return removal_repeat(intent, held);
}

static enum intent_next decide_remove(struct intent *intent)
{
	struct held_instance held;
	int rc = intent_find_instance(intent, &held);

	if (rc == ERR_NOT_FOUND)
		return decide_absent(intent);
	return rc == 0 ? decide_found(intent, &held, accept_removal) : INTENT_REFUSE;
}

const struct asked ask_remove = {decide_remove, 0};

/* ---- by an operator ---- */

static void note_protected(struct intent *intent, const struct instance *instance)
{
	const struct caller *caller = &intent->request->caller;

	changes_put_audit(&intent->changes, &(struct audit){.action = "override-protection",
	                                                    .outcome = "done",
	                                                    .user = caller->user,
	                                                    .request = caller->request,
	                                                    .service = instance->service,
	                                                    .instance = instance->name,
	                                                    .incarnation = instance->incarnation,
	                                                    .text = "removed although " PARAMETER_PROTECTION " is set",
	                                                    .at = timers_wall(intent->requests->catalog->timers)});
}

/* The protection is the team's to lift; but where tsuru has lost the instance, the team cannot. */
static int accept_end(struct intent *intent, const struct instance *instance)
{
	int rc;

	if (instance->state == INSTANCE_RETAINED)
		return error_set(&intent->error, ERR_INVALID,
		                 "the instance \"%s\" is removed already, and retained; ctl purge drops it now, ctl "
		                 "undelete brings it back",
		                 instance->name);
	rc = accept_removal(intent, instance);
	if (rc != ERR_FORBIDDEN)
		return rc;
	if (!intent->request->even_protected)
		return error_set(&intent->error, rc,
		                 "%s; where tsuru has lost it and nobody can, ctl remove --protected removes it",
		                 intent->error.text);
	note_protected(intent, instance);
	return 0;
}

static enum intent_next decide_end(struct intent *intent)
{
	struct held_instance held;

	return intent_find_instance(intent, &held) == 0 ? decide_found(intent, &held, accept_end) : INTENT_REFUSE;
}

const struct asked ask_end_instance = {decide_end, 0};

/* ---- what was retained is dropped ---- */

enum intent_next removal_purge(struct intent *intent, struct held_instance *held)
{
	changes_delete_instance(&intent->changes, KEYSPACE_RETAINED, &held->record, REVISION_ANY);
	return accept(intent, held, 0);
}

static enum intent_next decide_purge(struct intent *intent)
{
	struct held_instance held;
	int rc = intent_find_instance(intent, &held);

	if (rc == 0 && held.record.state != INSTANCE_RETAINED)
		rc = error_set(&intent->error, ERR_INVALID,
		               "the instance \"%s\" is %s; only a retained one can be purged", held.record.incarnation,
		               instance_state_name(held.record.state));
	if (rc != 0)
		return INTENT_REFUSE;
	changes_use_reserve(&intent->changes);
	return removal_purge(intent, &held);
}

const struct asked ask_purge = {decide_purge, 0};
