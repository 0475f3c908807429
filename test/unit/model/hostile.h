/* Bytes that no honest program wrote, for every decoder: cut off, altered, made up. Each is decoded from a heap block
 * of its exact size, so that a sanitizer sees a read outside. */
#ifndef TEST_MODEL_HOSTILE_H
#define TEST_MODEL_HOSTILE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/text.h"
#include "model/record.h"

#define HOSTILE_ROUNDS 20000

typedef int hostile_decode(const void *bytes, size_t length, struct error *error);

static inline uint32_t hostile_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Decodes a copy; the outcome is success or ERR_CORRUPT with a sentence, whatever the bytes are. */
static inline int hostile_try(hostile_decode *decode, const void *bytes, size_t length)
{
	struct error error = {0};
	char *copy = malloc(length > 0 ? length : 1);
	int rc;

	assert_non_null(copy);
	memcpy(copy, bytes, length);
	rc = decode(copy, length, &error);
	free(copy);
	if (rc != 0) {
		assert_int_equal(rc, ERR_CORRUPT);
		assert_int_equal(error.code, ERR_CORRUPT);
		assert_true(error.text[0] != '\0');
	}
	return rc;
}

/* Cuts the record at every byte: inside a field that is always corrupt. */
static inline void hostile_truncate(hostile_decode *decode, const struct text *record)
{
	struct record_reader reader;
	struct record_field field;
	size_t begin = 0;

	assert_int_equal(record_open(&reader, record->bytes, record->length, NULL), 0);
	assert_int_equal(hostile_try(decode, record->bytes, 0), ERR_CORRUPT);
	while (begin = (size_t)((const char *)reader.at - record->bytes), record_next(&reader, &field) == 1) {
		hostile_try(decode, record->bytes, begin);
		for (size_t cut = begin + 1; cut < (size_t)((const char *)reader.at - record->bytes); cut++)
			assert_int_equal(hostile_try(decode, record->bytes, cut), ERR_CORRUPT);
	}
	assert_int_equal(hostile_try(decode, record->bytes, record->length), 0);
}

static inline void hostile_alter(hostile_decode *decode, const struct text *record)
{
	uint32_t state = 20260801;
	char *bytes = malloc(record->length);

	assert_non_null(bytes);
	for (int round = 0; round < HOSTILE_ROUNDS; round++) {
		memcpy(bytes, record->bytes, record->length);
		for (uint32_t changes = 1 + hostile_random(&state) % 4; changes > 0; changes--)
			bytes[hostile_random(&state) % record->length] = (char)hostile_random(&state);
		hostile_try(decode, bytes,
		            hostile_random(&state) % 8 == 0 ? hostile_random(&state) % (record->length + 1)
		                                            : record->length);
	}
	free(bytes);
}

static inline void hostile_invent(hostile_decode *decode)
{
	unsigned char bytes[96];
	uint32_t state = 4242;

	for (int round = 0; round < HOSTILE_ROUNDS; round++) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] =
			    (unsigned char)(hostile_random(&state) % (hostile_random(&state) % 2 == 0 ? 24 : 256));
		bytes[0] = RECORD_VERSION;
		hostile_try(decode, bytes, hostile_random(&state) % (sizeof(bytes) + 1));
	}
}

/* All of the above, and a field of a later program, which is skipped. */
static inline void hostile_all(hostile_decode *decode, struct text *record)
{
	hostile_truncate(decode, record);
	hostile_alter(decode, record);
	hostile_invent(decode);
	record_put_text(record, 250, "from a newer program");
	record_put_bytes(record, 251, "", 0);
	assert_false(record->failed);
	assert_int_equal(hostile_try(decode, record->bytes, record->length), 0);
}

#endif
