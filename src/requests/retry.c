/* POST operations/retry: what waits runs now, what failed for good is tried anew as it was asked for: with the plan and
 * the parameters of the record, the promise of the first removal, the password of the rotation. */
#include "queue/queue.h"
#include "requests/bind.h"
#include "requests/removal.h"
#include "requests/restore.h"

static enum intent_next retry_create(struct intent *intent, struct held_instance *held)
{
	int rc = instance_move(&held->record, INSTANCE_CREATING, &intent->error);

	if (rc == 0)
		rc = intent_add_operation(intent, &held->record, &(struct operation){.kind = OPERATION_CREATE}, NULL);
	held->record.updated_at = timers_wall(intent->requests->catalog->timers);
	changes_put_instance(&intent->changes, KEYSPACE_INSTANCES, &held->record, held->revision);
	return rc == 0 ? INTENT_COMMIT : INTENT_REFUSE;
}

/* What is locked away is purged or brought back again only when that was asked for last, and failed. */
static enum intent_next retry_retained(struct intent *intent, struct held_instance *held)
{
	struct held_operation *operations = NULL;
	const struct operation *last;
	size_t count = 0;

	if (records_read_operations(intent->requests->catalog->records, &intent->arena, held->record.incarnation,
	                            &operations, &count, &intent->error) != 0)
		return INTENT_REFUSE;
	last = count > 0 ? &operations[count - 1].record : NULL;
	if (last != NULL && last->state == OPERATION_FAILED && last->kind == OPERATION_REMOVE)
		return removal_purge(intent, held);
	if (last != NULL && last->state == OPERATION_FAILED && last->kind == OPERATION_RESTORE)
		return restore_begin(intent, held, held->record.name);
	return INTENT_ANSWER;
}

/* ---- of a ready instance ---- */

static bool needs_update(struct intent *intent, const struct instance *instance)
{
	const unsigned reaching = 1U << OPERATION_UPDATE | 1U << OPERATION_CREATE | 1U << OPERATION_ADOPT;

	return (instance->update_failed || !same_text(instance->plan, instance->wanted_plan)) &&
	       !queue_has(intent->requests->queue, instance->incarnation, reaching);
}

static int retry_binds(struct intent *intent, const struct instance *instance)
{
	struct held_bind *binds = NULL;
	size_t count = 0;
	int rc = records_read_binds(intent->requests->catalog->records, &intent->arena, instance->incarnation, &binds,
	                            &count, &intent->error);

	for (size_t i = 0; rc == 0 && i < count; i++) {
		if (bind_is_left(intent->requests->catalog->records, &binds[i].record))
			rc = bind_end(intent, instance, &binds[i]);
		else if (binds[i].record.state == BIND_BOUND && binds[i].record.failure != NULL)
			rc = bind_rotate(intent, instance, &binds[i]);
	}
	return rc;
}

static enum intent_next retry_ready(struct intent *intent, struct held_instance *held)
{
	int rc = 0;

	if (needs_update(intent, &held->record))
		rc = intent_add_operation(intent, &held->record, &(struct operation){.kind = OPERATION_UPDATE}, NULL);
	if (rc == 0)
		rc = retry_binds(intent, &held->record);
	if (rc != 0)
		return INTENT_REFUSE;
	if (TAILQ_EMPTY(&intent->jobs))
		return INTENT_ANSWER;
	changes_check_instance(&intent->changes, held);
	return INTENT_COMMIT;
}

static enum intent_next decide_retry(struct intent *intent)
{
	struct held_instance held;

	if (intent_find_instance(intent, &held) != 0)
		return INTENT_REFUSE;
	queue_hurry(intent->requests->queue, held.record.incarnation);
	changes_use_reserve(&intent->changes);
	switch (held.record.state) {
	case INSTANCE_FAILED:
		return retry_create(intent, &held);
	case INSTANCE_REMOVAL_FAILED:
		held.record.ended_by = intent->request->caller.repeat;
		return removal_repeat(intent, &held);
	case INSTANCE_RETAINED:
		return retry_retained(intent, &held);
	case INSTANCE_READY:
		return retry_ready(intent, &held);
	case INSTANCE_CREATING:
	case INSTANCE_REMOVING:
		break;
	}
	return INTENT_ANSWER;
}

const struct asked ask_retry = {decide_retry, INTENT_NO_WAIT};
