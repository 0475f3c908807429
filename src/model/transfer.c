/* The walk over a record's fields, by the same tables that codec.c walks. */
#include "model/transfer.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "model/codec.h"
#include "model/model.h"
#include "model/record.h"

static const struct schema *const schemas[] = {
    [RECORD_INSTANCE] = &schema_instance,   [RECORD_BIND] = &schema_bind,   [RECORD_OPERATION] = &schema_operation,
    [RECORD_TOMBSTONE] = &schema_tombstone, [RECORD_AUDIT] = &schema_audit,
};

/* ---- to JSON ---- */

static struct cJSON *make_bytes(const struct record_field *from)
{
	struct cJSON *json = NULL;
	struct text base64;

	text_init(&base64, 2 * (size_t)RECORD_MAX);
	text_add_base64(&base64, from->bytes, from->length);
	if (!base64.failed)
		json = cJSON_CreateString(text_string(&base64));
	text_release(&base64);
	return json;
}

/* NULL: it is not of the field's type, or memory is out. */
static struct cJSON *make_member(const struct field *field, const struct record_field *from)
{
	int64_t number;

	if (field->type == FIELD_TEXT)
		return record_text(from) != NULL ? cJSON_CreateString(record_text(from)) : NULL;
	if (field->type == FIELD_BYTES)
		return make_bytes(from);
	return record_number(from, &number) ? json_new_whole(number) : NULL;
}

static const struct field *field_of_tag(const struct schema *schema, uint8_t tag)
{
	for (size_t i = 0; i < schema->field_count; i++) {
		if (schema->fields[i].tag == tag)
			return &schema->fields[i];
	}
	return NULL;
}

static int add_members(const struct schema *schema, struct record_reader *reader, struct cJSON *json,
                       struct error *error)
{
	struct record_field from;
	int more;

	while ((more = record_next(reader, &from)) == 1) {
		const struct field *field = field_of_tag(schema, from.tag);
		struct cJSON *member = field != NULL ? make_member(field, &from) : NULL;

		if (member == NULL || !cJSON_AddItemToObject(json, field->name, member)) {
			cJSON_Delete(member);
			return error_set(error, ERR_CORRUPT, "the %s has a field %d that this program does not know",
			                 schema->subject, from.tag);
		}
	}
	return more == 0 ? 0 : error_set(error, ERR_CORRUPT, "the %s is cut off", schema->subject);
}

int transfer_export(enum record_kind kind, const void *bytes, size_t length, struct cJSON **ret_json,
                    struct error *error)
{
	struct record_reader reader;
	struct cJSON *json;
	int rc = record_open(&reader, bytes, length, error);

	if (rc != 0)
		return rc;
	json = cJSON_CreateObject();
	rc = json == NULL ? error_no_memory(error) : add_members(schemas[kind], &reader, json, error);
	if (rc == 0)
		*ret_json = json;
	else
		cJSON_Delete(json);
	return rc;
}

/* ---- from JSON ---- */

static const struct field *field_of_name(const struct schema *schema, const char *name)
{
	for (size_t i = 0; i < schema->field_count; i++) {
		if (strcmp(schema->fields[i].name, name) == 0)
			return &schema->fields[i];
	}
	return NULL;
}

static int put_bytes(const struct field *field, const char *base64, struct text *record)
{
	const size_t capacity = strlen(base64) + 1; /* base64 decodes to three quarters of its length */
	unsigned char *bytes = malloc(capacity);
	const long length = bytes != NULL ? text_base64_decode(base64, strlen(base64), bytes, capacity) : 0;

	if (bytes == NULL)
		record->failed = true;
	else if (length >= 0)
		record_put_bytes(record, field->tag, bytes, (size_t)length);
	free(bytes);
	return length < 0 ? ERR_INVALID : 0;
}

static int put_member(const struct field *field, const struct cJSON *member, struct text *record)
{
	int64_t number;

	if (field->type != FIELD_TEXT && field->type != FIELD_BYTES) {
		if (!json_read_whole(member, &number))
			return ERR_INVALID;
		record_put_number(record, field->tag, number);
		return 0;
	}
	if (!cJSON_IsString(member))
		return ERR_INVALID;
	if (field->type == FIELD_BYTES)
		return put_bytes(field, member->valuestring, record);
	record_put_text(record, field->tag, member->valuestring);
	return 0;
}

/* The fields were put together as they came: decoding tells whether they make a record. */
static int check(const struct schema *schema, const struct text *record, struct error *error)
{
	union {
		struct instance instance;
		struct bind bind;
		struct operation operation;
		struct tombstone tombstone;
		struct audit audit;
	} object;
	int rc;

	memset(&object, 0, sizeof(object));
	if (record->failed)
		return error_no_memory(error);
	rc = codec_decode(schema, record->bytes, record->length, &object, error);
	if (rc != ERR_CORRUPT)
		return rc;
	if (error != NULL)
		error->code =
		    ERR_INVALID; /* the sentence stays, but the line that was given is at fault, not the store */
	return ERR_INVALID;
}

int transfer_import(enum record_kind kind, const struct cJSON *json, struct text *record, struct error *error)
{
	const struct schema *schema = schemas[kind];
	const struct cJSON *member;

	if (!cJSON_IsObject(json))
		return error_set(error, ERR_INVALID, "a record of an %s is no JSON object", schema->subject);
	record_begin(record);
	cJSON_ArrayForEach(member, json)
	{
		const struct field *field = field_of_name(schema, member->string);

		if (field == NULL || put_member(field, member, record) != 0)
			return error_set(error, ERR_INVALID,
			                 "\"%.100s\" is no field of a record of an %s, or not of its type",
			                 member->string, schema->subject);
	}
	return check(schema, record, error);
}
