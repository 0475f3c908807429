/* Each migration goes once over the instances of a store that an earlier program wrote, and leaves its mark. */
#include "records/migrate.h"

#include <string.h>

#include "records/internal.h"
#include "records/lingering.h"

struct migration {
	const struct migrating *which;
	struct records *records;
	struct changes changes;
	struct error error;
};

struct migrating {
	const char *mark; /* in KEYSPACE_META, once it is done */
	void (*visit)(struct migration *migration, struct held_instance *held);
};

/* The counters of teams and plans came later than instances. */
static void count_owned(struct migration *migration, struct held_instance *held)
{
	if (held->record.state != INSTANCE_RETAINED)
		changes_count_owned(&migration->changes, &held->record, 1);
}

static int has_pending(struct migration *migration, struct arena *arena, const struct instance *instance,
                       bool *ret_pending)
{
	struct held_operation *operations = NULL;
	size_t count = 0;
	int rc = records_read_operations(migration->records, arena, instance->incarnation, &operations, &count,
	                                 &migration->error);

	*ret_pending = false;
	for (size_t i = 0; rc == 0 && i < count; i++)
		*ret_pending |=
		    operations[i].record.kind == OPERATION_REMOVE && !operation_finished(operations[i].record.state);
	return rc;
}

/* An instance whose removal had failed had no state of its own, and logins that might live were not noted. What had
 * been locked away before is so still. */
static void settle_removal(struct migration *migration, struct held_instance *held)
{
	struct instance *instance = &held->record;
	const bool purge = instance->retained_until > 0;
	struct arena arena;
	bool pending;

	if (lingering_of(migration->records, instance) > 0)
		changes_put_instance(&migration->changes, KEYSPACE_META, instance, REVISION_ANY);
	if (instance->state != INSTANCE_REMOVING)
		return;
	arena_init(&arena);
	if (has_pending(migration, &arena, instance, &pending) == 0 && !pending &&
	    instance_move(instance, purge ? INSTANCE_RETAINED : INSTANCE_REMOVAL_FAILED, &migration->error) == 0) {
		if (purge)
			changes_put_instance(&migration->changes, KEYSPACE_RETAINED, instance, REVISION_ANY);
		changes_put_instance(&migration->changes, KEYSPACE_INSTANCES, instance, held->revision);
	}
	arena_release(&arena);
}

static const struct migrating migrations[] = {
    {"counted.owners", count_owned},
    {"settled.removals", settle_removal},
};

/* ---- the walk ---- */

static bool on_instance(void *arg, const void *key, size_t key_length, const struct store_value *value)
{
	struct migration *migration = arg;
	struct held_instance held = {.revision = value->revision};

	(void)key;
	(void)key_length;
	if (instance_decode(value->bytes, value->length, &held.record, &migration->error) != 0)
		return false;
	migration->which->visit(migration, &held);
	return migration->error.code == 0;
}

static int migrate_one(struct records *records, const struct migrating *migrating, struct error *error)
{
	struct migration migration = {.which = migrating, .records = records};
	struct store_value value;
	int rc;

	if (store_get(records->store, KEYSPACE_META, migrating->mark, strlen(migrating->mark), &value) == 0)
		return 0;
	changes_begin(&migration.changes, records);
	changes_use_reserve(&migration.changes);
	rc = store_scan(records->store, KEYSPACE_INSTANCES, "", 0, NULL, 0, on_instance, &migration);
	if (rc != 0 || migration.error.code != 0) {
		changes_drop(&migration.changes);
		return rc != 0 ? error_set(error, rc, "the store cannot be read")
		               : error_set(error, migration.error.code, "%s", migration.error.text);
	}
	batch_put(migration.changes.batch, KEYSPACE_META, migrating->mark, strlen(migrating->mark), "", 0,
	          REVISION_ABSENT);
	return changes_commit_now(&migration.changes, error);
}

int migrate(struct records *records, struct error *error)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(migrations) / sizeof(*migrations); i++)
		rc = migrate_one(records, &migrations[i], error);
	return rc;
}
