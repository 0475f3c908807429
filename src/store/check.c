/* Checks of a store in LMDB and of a journal. What the records mean is the caller's to know. */
#include "store/check.h"

#include <stdio.h>
#include <string.h>

#include "journal.h"
#include "store_internal.h"

#define OWN_FORMAT   "store.format"
#define OWN_REVISION "store.revision"

/* ---- LMDB ---- */

struct alone {
	const struct store_check *check;
	uint64_t revision; /* of the store itself */
	uint64_t newest;   /* of its records */
};

static bool is_key(const void *key, size_t length, const char *name)
{
	return length == strlen(name) && memcmp(key, name, length) == 0;
}

static void check_format_of(const struct store_check *check, const struct store_value *value)
{
	const uint64_t format = value->length == sizeof(uint64_t) ? number_decode(value->bytes) : 0;
	char finding[128];

	if (format > 0 && format <= STORE_FORMAT)
		return;
	snprintf(finding, sizeof(finding), "its format is %llu, and this program reads up to %llu",
	         (unsigned long long)format, (unsigned long long)STORE_FORMAT);
	check->report(check->arg, finding);
}

static int visit_alone(void *arg, enum keyspace keyspace, const void *key, size_t key_length,
                       const struct store_value *value, struct error *error)
{
	struct alone *alone = arg;

	if (keyspace == KEYSPACE_META && is_key(key, key_length, OWN_FORMAT))
		check_format_of(alone->check, value);
	if (keyspace == KEYSPACE_META && is_key(key, key_length, OWN_REVISION))
		alone->revision = value->revision;
	if (value->revision > alone->newest)
		alone->newest = value->revision;
	return alone->check->visit(alone->check->arg, keyspace, key, key_length, value, error);
}

int store_check_alone(const char *directory, const struct store_check *check, struct error *error)
{
	struct alone alone = {.check = check};
	char finding[128];
	const int rc = store_dump(directory, visit_alone, &alone, error);

	if (rc != 0 || alone.newest <= alone.revision)
		return rc;
	snprintf(finding, sizeof(finding), "a record has the revision %llu, and the store only %llu",
	         (unsigned long long)alone.newest, (unsigned long long)alone.revision);
	check->report(check->arg, finding);
	return 0;
}

/* ---- a journal ---- */

struct shared {
	const struct store_check *check;
	struct error *error;
};

static void on_finding(void *arg, const char *finding)
{
	const struct shared *shared = arg;

	shared->check->report(shared->check->arg, finding);
}

static int on_record(void *arg, const struct key_change *change)
{
	const struct shared *shared = arg;
	const struct store_check *check = shared->check;

	return check->visit(check->arg, change->keyspace, change->key.mv_data, change->key.mv_size, &change->value,
	                    shared->error);
}

int store_check_shared(const struct store_shared *options, const struct store_check *check, struct error *error)
{
	struct shared shared = {.check = check, .error = error};
	struct journal *journal = NULL;
	int rc = journal_postgres.open(options, &journal, error);

	if (rc != 0)
		return rc;
	rc = journal->kind->check(journal, on_finding, on_record, &shared, error);
	journal->kind->close(journal);
	return rc;
}
