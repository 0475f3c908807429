/* One row a keyspace: how its keys are made, and what its values are. */
#include "records/row.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "model/codec.h"
#include "model/record.h"
#include "records/held.h"

#define RECORD_AT offsetof(struct held_instance, record)

static_assert(RECORD_AT == offsetof(struct held_bind, record), "a held record is behind its revision");
static_assert(RECORD_AT == offsetof(struct held_operation, record), "a held record is behind its revision");
static_assert(RECORD_AT == offsetof(struct held_tombstone, record), "a held record is behind its revision");

static void add_incarnation(const void *about, struct text *text)
{
	const struct instance *instance = about;

	text_add(text, instance->incarnation);
}

static void add_name(const void *about, struct text *text)
{
	const struct instance *instance = about;

	key_name(text, instance->service, instance->name);
}

static void add_retained(const void *about, struct text *text)
{
	const struct instance *instance = about;

	key_retained(text, instance->retained_until, instance->incarnation);
}

static void add_to_end(const void *about, struct text *text)
{
	text_add(text, TO_END);
	add_incarnation(about, text);
}

static void add_bind(const void *about, struct text *text)
{
	const struct bind *bind = about;

	key_bind(text, bind->incarnation, bind->kind, bind->name);
}

static void add_operation(const void *about, struct text *text)
{
	const struct operation *operation = about;

	key_operation(text, operation->incarnation, operation->id);
}

static void add_operation_id(const void *about, struct text *text)
{
	const struct operation *operation = about;

	text_add(text, operation->id);
}

static void add_operation_owner(const void *about, struct text *text)
{
	const struct operation *operation = about;

	text_add(text, operation->incarnation);
}

static void add_id(const void *about, struct text *text)
{
	text_add(text, about);
}

static const struct row {
	void (*add_key)(const void *about, struct text *text);
	const struct schema *schema;                             /* of its records; NULL: it leads to one elsewhere, */
	void (*add_value)(const void *about, struct text *text); /* by this; NULL: there are only keys */
	size_t held;                                             /* bytes of a record as it is read */
} rows[] = {
    [KEYSPACE_NAMES] = {.add_key = add_name, .add_value = add_incarnation},
    [KEYSPACE_INSTANCES] = {.add_key = add_incarnation,
                            .schema = &schema_instance,
                            .held = sizeof(struct held_instance)},
    [KEYSPACE_BINDS] = {.add_key = add_bind, .schema = &schema_bind, .held = sizeof(struct held_bind)},
    [KEYSPACE_OPERATIONS] = {.add_key = add_operation,
                             .schema = &schema_operation,
                             .held = sizeof(struct held_operation)},
    [KEYSPACE_PENDING] = {.add_key = add_operation_id, .add_value = add_operation_owner},
    [KEYSPACE_TOMBSTONES] = {.add_key = add_name, .schema = &schema_tombstone, .held = sizeof(struct held_tombstone)},
    [KEYSPACE_UNBOUND] = {.add_key = add_bind, .schema = &schema_bind, .held = sizeof(struct held_bind)},
    [KEYSPACE_RETAINED] = {.add_key = add_retained},
    [KEYSPACE_AUDIT] = {.add_key = add_id, .schema = &schema_audit},
    [KEYSPACE_META] = {.add_key = add_to_end},
};

void row_key(enum keyspace keyspace, const void *about, struct text *ret_key)
{
	text_init(ret_key, STORE_KEY_MAX);
	rows[keyspace].add_key(about, ret_key);
}

int row_encode(enum keyspace keyspace, const void *record, struct text *ret_value, struct error *error)
{
	const struct row *row = &rows[keyspace];

	text_init(ret_value, RECORD_MAX);
	if (row->schema != NULL)
		return codec_encode(row->schema, record, ret_value, error);
	if (row->add_value != NULL)
		row->add_value(record, ret_value);
	return ret_value->failed ? error_no_memory(error) : 0;
}

int row_decode(enum keyspace keyspace, const struct store_value *value, void *ret_held, struct error *error)
{
	union {
		uint64_t revision;
		struct held_instance instance;
		struct held_bind bind;
		struct held_operation operation;
		struct held_tombstone tombstone;
	} held;
	int rc;

	memset(&held, 0, sizeof(held));
	rc = codec_decode(rows[keyspace].schema, value->bytes, value->length, (char *)&held + RECORD_AT, error);
	if (rc != 0)
		return rc;
	held.revision = value->revision;
	memcpy(ret_held, &held, row_size(keyspace));
	return 0;
}

size_t row_size(enum keyspace keyspace)
{
	return rows[keyspace].held;
}
