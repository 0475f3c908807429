/* Records that are to go are looked up here, and their removal is added to the changes that the caller commits. */
#include "records/forget.h"

#include <string.h>

#include "records/internal.h"

int forget_name(struct arena *arena, struct changes *changes, const struct instance *instance, struct error *error)
{
	struct held_instance holder;
	uint64_t revision;
	int rc = records_find_instance(changes->records, arena, instance->service, instance->name, &holder, &revision,
	                               error);

	if (rc == ERR_NOT_FOUND)
		return 0;
	if (rc != 0 || strcmp(holder.record.incarnation, instance->incarnation) != 0)
		return rc;
	changes_delete_instance(changes, KEYSPACE_NAMES, instance, revision);
	return 0;
}

static int forget_children(struct arena *arena, struct changes *changes, const char *incarnation, struct error *error)
{
	struct held_operation *operations;
	struct held_bind *binds;
	size_t count;
	int rc = records_read_binds(changes->records, arena, incarnation, &binds, &count, error);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < count; i++)
		changes_delete_bind(changes, KEYSPACE_BINDS, &binds[i].record, binds[i].revision);
	rc = records_read_operations(changes->records, arena, incarnation, &operations, &count, error);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < count; i++)
		changes_delete_operation(changes, &operations[i].record);
	return 0;
}

int forget_records(struct arena *arena, struct changes *changes, const struct held_instance *held, struct error *error)
{
	const struct instance *instance = &held->record;
	const bool living = instance->state == INSTANCE_READY;      /* also one that is being brought back */
	const bool owned = living || instance->retained_until == 0; /* a retained one is not counted any more */
	int rc = forget_name(arena, changes, instance, error);

	if (rc == 0)
		rc = forget_children(arena, changes, instance->incarnation, error);
	if (rc != 0)
		return rc;
	if (instance->state == INSTANCE_RETAINED)
		changes_delete_instance(changes, KEYSPACE_RETAINED, instance, REVISION_ANY);
	changes_delete_instance(changes, KEYSPACE_INSTANCES, instance, held->revision);
	changes_put_tombstone(changes, instance, timers_wall(changes->records->timers));
	changes_count_placed(changes, instance, -1);
	if (owned)
		changes_count_owned(changes, instance, -1);
	return 0;
}
