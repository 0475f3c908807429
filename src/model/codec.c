/* The walk over a table of fields, to a record and back. The bytes are handled by record.c, the tables stand in
 * instance.c, bind.c, operation.c and tombstone.c. */
#include "model/codec.h"

#include <assert.h>
#include <string.h>

#include "model/record.h"

_Static_assert(sizeof(enum field_type) == sizeof(unsigned int), "an enum is read and written as an unsigned int");

/* ---- checks that hold in both directions ---- */

static int check_length(const struct schema *schema, const struct field *field, size_t length, int code,
                        struct error *error)
{
	if (length >= field->min && length <= field->max)
		return 0;
	return error_set(error, code, "the %s of the %s has %zu bytes; allowed are %zu to %zu", field->name,
	                 schema->subject, length, field->min, field->max);
}

static int check_enum(const struct schema *schema, const struct field *field, int64_t value, int code,
                      struct error *error)
{
	if (value >= 1 && value <= (int64_t)field->max)
		return 0;
	return error_set(error, code, "the %s of the %s is %lld; allowed are 1 to %zu", field->name, schema->subject,
	                 (long long)value, field->max);
}

static int check_number(const struct schema *schema, const struct field *field, int64_t value, int code,
                        struct error *error)
{
	if (value >= 0)
		return 0;
	return error_set(error, code, "the %s of the %s is negative", field->name, schema->subject);
}

static int check_missing(const struct schema *schema, const void *object, int code, struct error *error)
{
	const char *missing = schema->find_missing != NULL ? schema->find_missing(object) : NULL;

	return missing == NULL ? 0 : error_set(error, code, "the %s has no %s", schema->subject, missing);
}

/* ---- encoding ---- */

static int lacks(const struct schema *schema, const struct field *field, struct error *error)
{
	if (!field->required)
		return 0;
	return error_set(error, ERR_INTERNAL, "the %s has no %s", schema->subject, field->name);
}

static int encode_bytes(const struct schema *schema, const struct field *field, const char *object, struct text *record,
                        struct error *error)
{
	const void *bytes;
	size_t length;
	int rc;

	memcpy(&bytes, object + field->offset, sizeof(bytes));
	if (bytes == NULL)
		return lacks(schema, field, error);
	if (field->type == FIELD_TEXT)
		length = strlen(bytes);
	else
		memcpy(&length, object + field->length_offset, sizeof(length));
	rc = check_length(schema, field, length, ERR_TOO_LARGE, error);
	if (rc != 0)
		return rc;
	if (field->type == FIELD_TEXT)
		record_put_text(record, field->tag, bytes);
	else
		record_put_bytes(record, field->tag, bytes, length);
	return 0;
}

static int encode_enum(const struct schema *schema, const struct field *field, const char *object, struct text *record,
                       struct error *error)
{
	unsigned int value;
	int rc;

	memcpy(&value, object + field->offset, sizeof(value));
	if (value == 0)
		return lacks(schema, field, error);
	rc = check_enum(schema, field, value, ERR_INTERNAL, error);
	if (rc == 0)
		record_put_number(record, field->tag, value);
	return rc;
}

static int encode_number(const struct schema *schema, const struct field *field, const char *object,
                         struct text *record, struct error *error)
{
	int64_t value;
	bool flag;
	int rc;

	if (field->type == FIELD_FLAG) {
		memcpy(&flag, object + field->offset, sizeof(flag));
		value = flag;
	} else {
		memcpy(&value, object + field->offset, sizeof(value));
	}
	rc = check_number(schema, field, value, ERR_INTERNAL, error);
	if (rc == 0)
		record_put_number(record, field->tag, value);
	return rc;
}

static int encode_field(const struct schema *schema, const struct field *field, const void *object, struct text *record,
                        struct error *error)
{
	switch (field->type) {
	case FIELD_TEXT:
	case FIELD_BYTES:
		return encode_bytes(schema, field, object, record, error);
	case FIELD_ENUM:
		return encode_enum(schema, field, object, record, error);
	case FIELD_NUMBER:
	case FIELD_FLAG:
		break;
	}
	return encode_number(schema, field, object, record, error);
}

int codec_encode(const struct schema *schema, const void *object, struct text *record, struct error *error)
{
	int rc = check_missing(schema, object, ERR_INTERNAL, error);

	record_begin(record);
	for (size_t i = 0; rc == 0 && i < schema->field_count; i++)
		rc = encode_field(schema, &schema->fields[i], object, record, error);
	if (rc != 0)
		return rc;
	/* The limits of all fields together stay below RECORD_MAX, so nothing but memory can have run out. */
	if (record->failed)
		return error_no_memory(error);
	assert(record->length <= RECORD_MAX);
	return 0;
}

/* ---- decoding ---- */

static int decode_bytes(const struct schema *schema, const struct field *field, const struct record_field *from,
                        char *object, struct error *error)
{
	const void *bytes = from->bytes;
	size_t length = from->length;
	int rc;

	if (field->type == FIELD_TEXT) {
		bytes = record_text(from);
		if (bytes == NULL)
			return error_set(error, ERR_CORRUPT, "the %s of the %s is no text", field->name,
			                 schema->subject);
		length--;
	}
	rc = check_length(schema, field, length, ERR_CORRUPT, error);
	if (rc != 0)
		return rc;
	memcpy(object + field->offset, &bytes, sizeof(bytes));
	if (field->type == FIELD_BYTES)
		memcpy(object + field->length_offset, &length, sizeof(length));
	return 0;
}

static int decode_number(const struct schema *schema, const struct field *field, int64_t value, char *object,
                         struct error *error)
{
	bool flag = value != 0;
	int rc = check_number(schema, field, value, ERR_CORRUPT, error);

	if (rc != 0)
		return rc;
	if (field->type == FIELD_FLAG)
		memcpy(object + field->offset, &flag, sizeof(flag));
	else
		memcpy(object + field->offset, &value, sizeof(value));
	return 0;
}

static int decode_enum(const struct schema *schema, const struct field *field, int64_t value, char *object,
                       struct error *error)
{
	unsigned int small = (unsigned int)value;
	int rc = check_enum(schema, field, value, ERR_CORRUPT, error);

	if (rc == 0)
		memcpy(object + field->offset, &small, sizeof(small));
	return rc;
}

static int decode_field(const struct schema *schema, const struct field *field, const struct record_field *from,
                        void *object, struct error *error)
{
	int64_t value;

	if (field->type == FIELD_TEXT || field->type == FIELD_BYTES)
		return decode_bytes(schema, field, from, object, error);
	if (!record_number(from, &value))
		return error_set(error, ERR_CORRUPT, "the %s of the %s is no number", field->name, schema->subject);
	if (field->type == FIELD_ENUM)
		return decode_enum(schema, field, value, object, error);
	return decode_number(schema, field, value, object, error);
}

/* The row of a tag; field_count for a tag that only a newer program knows. Fields are written in the order of the
 * table, so the search begins at `first`, the row behind the last one that was found. */
static size_t find_field(const struct schema *schema, uint8_t tag, size_t first)
{
	size_t i = first;

	while (i < schema->field_count && schema->fields[i].tag != tag)
		i++;
	if (i < schema->field_count || first == 0)
		return i;
	return find_field(schema, tag, 0);
}

/* *next is the row where the search for this field begins; it becomes the row behind the field's own. */
static int decode_next(const struct schema *schema, const struct record_field *from, void *object, uint64_t *seen,
                       size_t *next, struct error *error)
{
	size_t i = find_field(schema, from->tag, *next);

	if (i == schema->field_count)
		return 0;
	*next = i + 1;
	if ((*seen & (uint64_t)1 << i) != 0)
		return error_set(error, ERR_CORRUPT, "the %s of the %s stands twice in its record",
		                 schema->fields[i].name, schema->subject);
	*seen |= (uint64_t)1 << i;
	return decode_field(schema, &schema->fields[i], from, object, error);
}

static int check_required(const struct schema *schema, uint64_t seen, struct error *error)
{
	for (size_t i = 0; i < schema->field_count; i++)
		if (schema->fields[i].required && (seen & (uint64_t)1 << i) == 0)
			return error_set(error, ERR_CORRUPT, "the %s has no %s", schema->subject,
			                 schema->fields[i].name);
	return 0;
}

int codec_decode(const struct schema *schema, const void *bytes, size_t length, void *object, struct error *error)
{
	struct record_reader reader;
	struct record_field from;
	uint64_t seen = 0;
	size_t next = 0;
	int more, rc;

	assert(schema->field_count <= 64);
	rc = record_open(&reader, bytes, length, error);
	if (rc != 0)
		return rc;
	while ((more = record_next(&reader, &from)) == 1) {
		rc = decode_next(schema, &from, object, &seen, &next, error);
		if (rc != 0)
			return rc;
	}
	if (more != 0)
		return error_set(error, ERR_CORRUPT, "the record of the %s is cut off", schema->subject);
	rc = check_required(schema, seen, error);
	return rc != 0 ? rc : check_missing(schema, object, ERR_CORRUPT, error);
}
