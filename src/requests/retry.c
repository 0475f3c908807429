/* POST operations/retry: what waits runs now, what failed for good is tried anew as it was asked for: with the plan and
 * the parameters of the record, the promise of the first removal, the password of the rotation. */
#include "queue/queue.h"
#include "requests/accept.h"
#include "requests/bind.h"
#include "requests/removal.h"
#include "requests/restore.h"

static int add_operation(struct intent *intent, struct changes *changes, const struct instance *instance,
                         enum operation_kind kind, struct error *error)
{
	const struct operation operation = {.kind = kind};

	return intent_add_operation(intent, changes, instance, &operation, NULL, error);
}

static int retry_create(struct intent *intent, struct changes *changes, struct held_instance *held,
                        enum intent_next *ret_next, struct error *error)
{
	int rc = instance_move(&held->record, INSTANCE_CREATING, error);

	if (rc == 0)
		rc = add_operation(intent, changes, &held->record, OPERATION_CREATE, error);
	held->record.updated_at = timers_wall(intent->requests->timers);
	changes_put_instance(changes, KEYSPACE_INSTANCES, &held->record, held->revision);
	*ret_next = INTENT_COMMIT;
	return rc;
}

/* What is locked away is purged or brought back again only when that was asked for last, and failed. */
static int retry_retained(struct intent *intent, struct changes *changes, struct held_instance *held,
                          enum intent_next *ret_next, struct error *error)
{
	struct held_operation *operations = NULL;
	const struct operation *last;
	size_t count = 0;
	int rc = records_read_operations(intent->requests->records, &intent->arena, held->record.incarnation,
	                                 &operations, &count, error);

	if (rc != 0 || count == 0)
		return rc;
	last = &operations[count - 1].record;
	if (last->state == OPERATION_FAILED && last->kind == OPERATION_REMOVE)
		return removal_purge(intent, changes, held, ret_next, error);
	if (last->state == OPERATION_FAILED && last->kind == OPERATION_RESTORE)
		return restore_begin(intent, changes, held, held->record.name, ret_next, error);
	return 0;
}

/* ---- of a ready instance ---- */

static bool needs_update(const struct intent *intent, const struct instance *instance)
{
	const unsigned reaching = 1U << OPERATION_UPDATE | 1U << OPERATION_CREATE | 1U << OPERATION_ADOPT;

	return (instance->update_failed || !same_text(instance->plan, instance->wanted_plan)) &&
	       !queue_has(intent->requests->queue, instance->incarnation, reaching);
}

static int retry_rotation(struct intent *intent, struct changes *changes, const struct instance *instance,
                          struct held_bind *held, struct error *error)
{
	struct bind *bind = &held->record;
	const struct operation rotate = {
	    .kind = OPERATION_ROTATE, .bind_kind = bind->kind, .bind_name = bind->name, .renew = true};
	int rc = bind_move(bind, BIND_BINDING, error);

	if (rc == 0)
		rc = intent_add_operation(intent, changes, instance, &rotate, &bind->operation, error);
	changes_put_bind(changes, KEYSPACE_BINDS, bind, held->revision);
	return rc;
}

static int retry_binds(struct intent *intent, struct changes *changes, const struct instance *instance,
                       struct error *error)
{
	struct held_bind *binds = NULL;
	size_t count = 0;
	int rc =
	    records_read_binds(intent->requests->records, &intent->arena, instance->incarnation, &binds, &count, error);

	for (size_t i = 0; rc == 0 && i < count; i++) {
		if (bind_is_left(intent->requests->records, &binds[i].record))
			rc = bind_end(intent, changes, instance, &binds[i], error);
		else if (binds[i].record.state == BIND_BOUND && binds[i].record.failure != NULL)
			rc = retry_rotation(intent, changes, instance, &binds[i], error);
	}
	return rc;
}

static int retry_ready(struct intent *intent, struct changes *changes, struct held_instance *held,
                       enum intent_next *ret_next, struct error *error)
{
	int rc = 0;

	if (needs_update(intent, &held->record))
		rc = add_operation(intent, changes, &held->record, OPERATION_UPDATE, error);
	if (rc == 0)
		rc = retry_binds(intent, changes, &held->record, error);
	if (rc != 0 || TAILQ_EMPTY(&intent->jobs))
		return rc;
	changes_check_instance(changes, held);
	*ret_next = INTENT_COMMIT;
	return 0;
}

static int decide_retry(struct intent *intent, struct changes *changes, enum intent_next *ret_next, struct error *error)
{
	struct held_instance held;
	int rc = intent_find_instance(intent, &held, error);

	if (rc != 0)
		return rc;
	queue_hurry(intent->requests->queue, held.record.incarnation);
	changes_use_reserve(changes);
	*ret_next = INTENT_ANSWER;
	switch (held.record.state) {
	case INSTANCE_FAILED:
		return retry_create(intent, changes, &held, ret_next, error);
	case INSTANCE_REMOVAL_FAILED:
		return removal_repeat(intent, changes, &held, ret_next, error);
	case INSTANCE_RETAINED:
		return retry_retained(intent, changes, &held, ret_next, error);
	case INSTANCE_READY:
		return retry_ready(intent, changes, &held, ret_next, error);
	case INSTANCE_CREATING:
	case INSTANCE_REMOVING:
		break;
	}
	return 0;
}

const struct asked ask_retry = {decide_retry, INTENT_NO_WAIT};
