/* A check of all records, in one pass: each is decoded as it comes, and who is led to is kept as sets of ids until all
 * have come. So memory is needed for some hundred bytes an instance, bind and pending operation, and order does not
 * matter. */
#include "records/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "model/codec.h"
#include "model/model.h"
#include "store/copy.h"

#define LABEL_MAX 128 /* bytes of a key in a sentence */

/* An id, or two of them joined. */
struct known {
	UT_hash_handle hh;
	char id[];
};

enum set {
	SET_INSTANCES,  /* incarnations that have a record */
	SET_NAMED,      /* that a name leads to */
	SET_BOUND,      /* that binds are of */
	SET_WORKED_ON,  /* that operations are of */
	SET_RETAINED,   /* that are kept until a time */
	SET_UNFINISHED, /* incarnation and id of operations that have not ended */
	SET_PENDING,    /* of those that the list has */
	SET_COUNT
};

struct records_check {
	records_report *report;
	void *arg;
	struct known *sets[SET_COUNT];
};

/* ---- sets ---- */

static int add(struct records_check *check, enum set set, const char *id, size_t length, struct error *error)
{
	struct known *known = NULL;

	HASH_FIND(hh, check->sets[set], id, length, known);
	if (known != NULL)
		return 0;
	known = calloc(1, sizeof(*known) + length + 1);
	if (known == NULL)
		return error_no_memory(error);
	memcpy(known->id, id, length);
	HASH_ADD(hh, check->sets[set], id, length, known);
	if (known->hh.tbl != NULL)
		return 0;
	free(known);
	return error_no_memory(error);
}

static bool has(const struct records_check *check, enum set set, const char *id)
{
	const struct known *known = NULL;

	HASH_FIND(hh, check->sets[set], id, strlen(id), known);
	return known != NULL;
}

static void free_set(struct known *set)
{
	struct known *known, *next;

	HASH_ITER (hh, set, known, next) {
		HASH_DEL(set, known);
		free(known);
	}
}

int records_check_new(records_report *report, void *arg, struct records_check **ret_check, struct error *error)
{
	struct records_check *check = calloc(1, sizeof(*check));

	if (check == NULL)
		return error_no_memory(error);
	check->report = report;
	check->arg = arg;
	*ret_check = check;
	return 0;
}

void records_check_free(struct records_check *check)
{
	if (check == NULL)
		return;
	for (enum set set = 0; set < SET_COUNT; set++)
		free_set(check->sets[set]);
	free(check);
}

/* ---- a record ---- */

/* A key as it can be shown: its parts are joined by NUL. */
static void label(const char *key, size_t length, char *ret_label)
{
	size_t kept = 0;

	for (; kept < length && kept < LABEL_MAX - 1; kept++)
		ret_label[kept] = key[kept] == '\0' ? '/' : key[kept];
	ret_label[kept] = '\0';
	text_clean(ret_label);
}

static void complain(const struct records_check *check, enum keyspace keyspace, const char *key, size_t length,
                     const char *what)
{
	char finding[ERROR_TEXT_MAX], name[LABEL_MAX];

	label(key, length, name);
	snprintf(finding, sizeof(finding), "\"%s\" of \"%s\": %.300s", name, store_keyspace_name(keyspace), what);
	check->report(check->arg, finding);
}

static const struct schema *schema_of(enum keyspace keyspace)
{
	switch (keyspace) {
	case KEYSPACE_INSTANCES:
		return &schema_instance;
	case KEYSPACE_BINDS:
	case KEYSPACE_UNBOUND:
		return &schema_bind;
	case KEYSPACE_OPERATIONS:
		return &schema_operation;
	case KEYSPACE_TOMBSTONES:
		return &schema_tombstone;
	case KEYSPACE_AUDIT:
		return &schema_audit;
	default:
		return NULL;
	}
}

union record {
	struct instance instance;
	struct bind bind;
	struct operation operation;
	struct tombstone tombstone;
	struct audit audit;
};

static int take_pair(struct records_check *check, enum set set, const char *incarnation, size_t length, const char *id,
                     struct error *error)
{
	char both[INCARNATION_LENGTH + 1 + OPERATION_ID_LENGTH + 1];

	snprintf(both, sizeof(both), "%.*s/%.*s", (int)length, incarnation, OPERATION_ID_LENGTH, id);
	return add(check, set, both, strlen(both), error);
}

static int take_operation(struct records_check *check, const struct operation *operation, struct error *error)
{
	if (operation_finished(operation->state))
		return 0;
	return take_pair(check, SET_UNFINISHED, operation->incarnation, strlen(operation->incarnation), operation->id,
	                 error);
}

/* Ids that are too short lead nowhere, and are told as such. */
static int take_incarnation(struct records_check *check, enum set set, const void *bytes, size_t length,
                            struct error *error)
{
	return add(check, set, bytes, length < INCARNATION_LENGTH ? length : INCARNATION_LENGTH, error);
}

static int take_reference(struct records_check *check, enum keyspace keyspace, const char *key, size_t key_length,
                          const struct store_value *value, struct error *error)
{
	char id[OPERATION_ID_LENGTH + 1];
	size_t length = key_length;

	switch (keyspace) {
	case KEYSPACE_NAMES:
		return take_incarnation(check, SET_NAMED, value->bytes, value->length, error);
	case KEYSPACE_INSTANCES:
		return add(check, SET_INSTANCES, key, length, error);
	case KEYSPACE_BINDS:
		return take_incarnation(check, SET_BOUND, key, length, error);
	case KEYSPACE_OPERATIONS:
		return take_incarnation(check, SET_WORKED_ON, key, length, error);
	case KEYSPACE_RETAINED: /* a time is before it */
		length = length < INCARNATION_LENGTH ? length : INCARNATION_LENGTH;
		return add(check, SET_RETAINED, key + key_length - length, length, error);
	case KEYSPACE_PENDING:
		snprintf(id, sizeof(id), "%.*s", (int)(length < sizeof(id) ? length : sizeof(id) - 1), key);
		return take_pair(check, SET_PENDING, value->bytes, value->length, id, error);
	default:
		return 0;
	}
}

int records_check_take(struct records_check *check, enum keyspace keyspace, const void *key, size_t key_length,
                       const struct store_value *value, struct error *error)
{
	const struct schema *schema = schema_of(keyspace);
	union record record;
	struct error fault;
	int rc = 0;

	memset(&record, 0, sizeof(record));
	if (schema != NULL && codec_decode(schema, value->bytes, value->length, &record, &fault) != 0) {
		complain(check, keyspace, key, key_length, fault.text);
		return take_reference(check, keyspace, key, key_length, value, error);
	}
	if (keyspace == KEYSPACE_OPERATIONS)
		rc = take_operation(check, &record.operation, error);
	return rc == 0 ? take_reference(check, keyspace, key, key_length, value, error) : rc;
}

/* ---- all of them ---- */

/* Each of the first set has to be in the second. */
static void report_missing(const struct records_check *check, enum set set, enum set in, const char *sentence)
{
	char finding[ERROR_TEXT_MAX];

	for (const struct known *known = check->sets[set]; known != NULL; known = known->hh.next) {
		char id[LABEL_MAX];

		if (has(check, in, known->id))
			continue;
		label(known->id, strlen(known->id), id);
		(void)snprintf(finding, sizeof(finding), "%s: \"%s\"", sentence, id);
		check->report(check->arg, finding);
	}
}

void records_check_end(struct records_check *check)
{
	report_missing(check, SET_NAMED, SET_INSTANCES, "a name leads to an instance that is not there");
	report_missing(check, SET_BOUND, SET_INSTANCES, "a bind is of an instance that is not there");
	report_missing(check, SET_WORKED_ON, SET_INSTANCES, "an operation is of an instance that is not there");
	report_missing(check, SET_RETAINED, SET_INSTANCES, "an instance that is not there is retained");
	report_missing(check, SET_UNFINISHED, SET_PENDING,
	               "an operation has not ended, and is not in the list of those that are taken up");
	report_missing(check, SET_PENDING, SET_UNFINISHED,
	               "the list of operations that are taken up has one that is not there, or has ended");
}
