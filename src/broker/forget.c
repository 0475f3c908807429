/* Records that go: after a removal, and when an operator says so. */
#include "broker/forget.h"

#include <string.h>

#include "broker/health.h"
#include "broker/intent.h"

int forget_name(struct broker *broker, struct arena *arena, struct changes *changes, const struct instance *instance,
                struct error *error)
{
	struct held_instance holder;
	uint64_t revision;
	int rc =
	    records_find_instance(broker->records, arena, instance->service, instance->name, &holder, &revision, error);

	if (rc == ERR_NOT_FOUND)
		return 0;
	if (rc != 0 || strcmp(holder.record.incarnation, instance->incarnation) != 0)
		return rc;
	changes_delete_instance(changes, KEYSPACE_NAMES, instance, revision);
	return 0;
}

static int forget_children(struct broker *broker, struct arena *arena, struct changes *changes, const char *incarnation,
                           struct error *error)
{
	struct held_operation *operations;
	struct held_bind *binds;
	size_t count;
	int rc = records_read_binds(broker->records, arena, incarnation, &binds, &count, error);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < count; i++)
		changes_delete_bind(changes, KEYSPACE_BINDS, &binds[i].record, binds[i].revision);
	rc = records_read_operations(broker->records, arena, incarnation, &operations, &count, error);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < count; i++)
		changes_delete_operation(changes, &operations[i].record);
	return 0;
}

int forget_records(struct broker *broker, struct arena *arena, struct changes *changes,
                   const struct held_instance *held, struct error *error)
{
	const struct instance *instance = &held->record;
	const bool living = instance->state == INSTANCE_READY;      /* also one that is being brought back */
	const bool owned = living || instance->retained_until == 0; /* a retained one is not counted any more */
	int rc = forget_name(broker, arena, changes, instance, error);

	if (rc == 0)
		rc = forget_children(broker, arena, changes, instance->incarnation, error);
	if (rc != 0)
		return rc;
	if (instance->state == INSTANCE_RETAINED)
		changes_delete_instance(changes, KEYSPACE_RETAINED, instance, REVISION_ANY);
	changes_delete_instance(changes, KEYSPACE_INSTANCES, instance, held->revision);
	changes_put_tombstone(changes, instance, timers_wall(broker->timers));
	changes_count_placed(changes, instance, -1);
	if (owned)
		changes_count_owned(changes, instance, -1);
	return 0;
}

/* ---- by an operator ---- */

static int decide_forget(struct intent *intent, struct changes *changes, enum intent_next *ret_next,
                         struct error *error)
{
	struct held_instance held;
	int rc = intent_find_instance(intent, &held, error);

	if (rc != 0)
		return rc;
	changes_use_reserve(changes);
	rc = forget_records(intent->broker, &intent->arena, changes, &held, error);
	changes_put_audit(changes, &(struct audit){.action = "forget",
	                                           .outcome = "done",
	                                           .user = intent->request->caller.user,
	                                           .request = intent->request->caller.request,
	                                           .service = held.record.service,
	                                           .instance = held.record.name,
	                                           .incarnation = held.record.incarnation,
	                                           .text = intent->request->description,
	                                           .at = timers_wall(intent->broker->timers)});
	health_forget(intent->broker, held.record.incarnation);
	*ret_next = INTENT_COMMIT;
	return rc;
}

void broker_forget(struct broker *broker, const struct broker_request *request, broker_done *on_done, void *arg)
{
	intent_start(broker, request, decide_forget, INTENT_NO_WAIT, on_done, arg);
}
