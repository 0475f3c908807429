/* The counters of teams and plans came later than instances: they are counted once. */
#include "broker/migrate.h"

#include <string.h>

#include "broker/records.h"

static const char mark[] = "counted.owners";

struct migration {
	struct changes changes;
	struct error error;
};

static bool on_instance(void *arg, const void *key, size_t key_length, const struct store_value *value)
{
	struct migration *migration = arg;
	struct instance instance;

	(void)key;
	(void)key_length;
	if (instance_decode(value->bytes, value->length, &instance, &migration->error) != 0)
		return false;
	if (instance.state != INSTANCE_RETAINED)
		changes_count_owned(&migration->changes, &instance, 1);
	return true;
}

static void on_committed(void *arg, int code, const struct error *error, uint64_t revision)
{
	struct error *outcome = arg;

	(void)revision;
	if (code != 0)
		*outcome = *error;
}

int migrate(struct broker *broker, struct error *error)
{
	struct migration migration = {.error = {0}};
	struct error outcome = {0};
	struct store_value value;
	int rc;

	if (store_get(broker->store, KEYSPACE_META, mark, strlen(mark), &value) == 0)
		return 0;
	changes_begin(&migration.changes, broker);
	changes_use_reserve(&migration.changes);
	rc = store_scan(broker->store, KEYSPACE_INSTANCES, "", 0, NULL, 0, on_instance, &migration);
	if (rc != 0 || migration.error.code != 0) {
		changes_drop(&migration.changes);
		return rc != 0 ? error_set(error, rc, "the store cannot be read")
		               : error_set(error, migration.error.code, "%s", migration.error.text);
	}
	batch_put(migration.changes.batch, KEYSPACE_META, mark, strlen(mark), "", 0, REVISION_ABSENT);
	rc = changes_commit(&migration.changes, on_committed, &outcome, error);
	if (rc != 0)
		return rc;
	store_flush(broker->store);
	return outcome.code == 0 ? 0 : error_set(error, outcome.code, "%s", outcome.text);
}
