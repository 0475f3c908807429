/* Records as bytes: a version, then fields of tag, length and content. The reader trusts nothing that it is given.
 * Which fields a record has is said by the tables that codec.c walks. */
#include "model/record.h"

#include <string.h>

#define HEADER_BYTES 5 /* tag and length */
#define NUMBER_BYTES 8

static void put_little_endian(unsigned char *ret_bytes, size_t count, uint64_t value)
{
	for (size_t i = 0; i < count; i++)
		ret_bytes[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t get_little_endian(const unsigned char *bytes, size_t count)
{
	uint64_t value = 0;

	for (size_t i = 0; i < count; i++)
		value |= (uint64_t)bytes[i] << (8 * i);
	return value;
}

void record_begin(struct text *record)
{
	const unsigned char version = RECORD_VERSION;

	text_reset(record);
	text_add_bytes(record, &version, sizeof(version));
}

void record_put_bytes(struct text *record, uint8_t tag, const void *bytes, size_t length)
{
	unsigned char header[HEADER_BYTES];

	if (length > RECORD_MAX) {
		record->failed = true;
		return;
	}
	header[0] = tag;
	put_little_endian(header + 1, HEADER_BYTES - 1, length);
	text_add_bytes(record, header, sizeof(header));
	if (length > 0)
		text_add_bytes(record, bytes, length);
}

void record_put_text(struct text *record, uint8_t tag, const char *value)
{
	if (value != NULL)
		record_put_bytes(record, tag, value, strlen(value) + 1);
}

void record_put_number(struct text *record, uint8_t tag, int64_t value)
{
	unsigned char bytes[NUMBER_BYTES];

	if (value == 0)
		return;
	put_little_endian(bytes, sizeof(bytes), (uint64_t)value);
	record_put_bytes(record, tag, bytes, sizeof(bytes));
}

int record_open(struct record_reader *reader, const void *bytes, size_t length, struct error *error)
{
	const unsigned char *first = bytes;

	if (length == 0)
		return error_set(error, ERR_CORRUPT, "the record is empty");
	if (length > RECORD_MAX)
		return error_set(error, ERR_CORRUPT, "the record of %zu bytes is over the %d allowed", length,
		                 RECORD_MAX);
	if (first[0] != RECORD_VERSION)
		return error_set(error, ERR_CORRUPT, "the record is of version %d; this program knows version %d",
		                 first[0], RECORD_VERSION);
	reader->at = first + 1;
	reader->end = first + length;
	return 0;
}

int record_next(struct record_reader *reader, struct record_field *ret_field)
{
	size_t left = (size_t)(reader->end - reader->at);
	size_t length;

	if (left == 0)
		return 0;
	if (left < HEADER_BYTES)
		return ERR_CORRUPT;
	length = (size_t)get_little_endian(reader->at + 1, HEADER_BYTES - 1);
	if (length > left - HEADER_BYTES)
		return ERR_CORRUPT;
	ret_field->tag = reader->at[0];
	ret_field->bytes = reader->at + HEADER_BYTES;
	ret_field->length = length;
	reader->at += HEADER_BYTES + length;
	return 1;
}

const char *record_text(const struct record_field *field)
{
	if (field->length == 0 || memchr(field->bytes, '\0', field->length) != field->bytes + field->length - 1)
		return NULL;
	return (const char *)field->bytes;
}

bool record_number(const struct record_field *field, int64_t *ret_number)
{
	if (field->length != NUMBER_BYTES)
		return false;
	*ret_number = (int64_t)get_little_endian(field->bytes, NUMBER_BYTES);
	return true;
}
