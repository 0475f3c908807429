/* The encoding of records: what is written is read, and what was not written by us is refused. */
#include "hostile.h"

#include <stdbool.h>

static int decode_any(const void *bytes, size_t length, struct error *error)
{
	struct record_reader reader;
	struct record_field field;
	int64_t number;
	int rc = record_open(&reader, bytes, length, error);

	if (rc != 0)
		return rc;
	while ((rc = record_next(&reader, &field)) == 1) {
		const char *text = record_text(&field);

		if (text != NULL)
			assert_int_equal(strlen(text) + 1, field.length);
		record_number(&field, &number);
	}
	return rc == 0 ? 0 : error_set(error, ERR_CORRUPT, "cut");
}

static void test_round_trip(void **state)
{
	static const int64_t numbers[] = {1, -1, 255, 256, INT64_MAX, INT64_MIN};
	struct record_reader reader;
	struct record_field field;
	struct text record;
	int64_t number = 0;

	(void)state;
	text_init(&record, RECORD_MAX);
	record_begin(&record);
	record_put_text(&record, 1, "text");
	record_put_text(&record, 2, "");
	record_put_text(&record, 3, NULL);
	record_put_bytes(&record, 4, "\0\1", 2);
	record_put_number(&record, 5, 0);
	for (size_t i = 0; i < 6; i++)
		record_put_number(&record, 6, numbers[i]);
	assert_int_equal(record_open(&reader, record.bytes, record.length, NULL), 0);
	assert_int_equal(record_next(&reader, &field), 1);
	assert_int_equal(field.tag, 1);
	assert_string_equal(record_text(&field), "text");
	assert_false(record_number(&field, &number));
	assert_int_equal(record_next(&reader, &field), 1);
	assert_int_equal(field.tag, 2);
	assert_string_equal(record_text(&field), "");
	assert_int_equal(record_next(&reader, &field), 1);
	assert_int_equal(field.tag, 4);
	assert_int_equal(field.length, 2);
	assert_memory_equal(field.bytes, "\0\1", 2);
	assert_null(record_text(&field));
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(record_next(&reader, &field), 1);
		assert_int_equal(field.tag, 6);
		assert_true(record_number(&field, &number));
		assert_true(number == numbers[i]);
	}
	assert_int_equal(record_next(&reader, &field), 0);
	assert_int_equal(record_next(&reader, &field), 0);
	text_release(&record);
}

/* The bytes on the disk are a promise to later programs. */
static void test_bytes(void **state)
{
	static const unsigned char expected[] = {1, 7, 3, 0, 0, 0, 'a', 'b', 0, 9, 8, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0};
	struct text record;

	(void)state;
	text_init(&record, RECORD_MAX);
	record_begin(&record);
	record_put_text(&record, 7, "ab");
	record_put_number(&record, 9, 258);
	assert_int_equal(record.length, sizeof(expected));
	assert_memory_equal(record.bytes, expected, sizeof(expected));
	record_begin(&record);
	assert_int_equal(record.length, 1);
	text_release(&record);
}

static void test_open_refuses(void **state)
{
	static char large[RECORD_MAX + 1] = {RECORD_VERSION};
	struct record_reader reader = {0};
	struct error error = {0};

	(void)state;
	assert_int_equal(record_open(&reader, "", 0, &error), ERR_CORRUPT);
	assert_int_equal(record_open(&reader, "\2", 1, &error), ERR_CORRUPT);
	assert_non_null(strstr(error.text, "version 2"));
	assert_int_equal(record_open(&reader, large, sizeof(large), &error), ERR_CORRUPT);
	assert_null(reader.at);
	assert_int_equal(record_open(&reader, large, sizeof(large) - 1, &error), 0);
}

static void test_text_needs_its_nul_at_the_end(void **state)
{
	const struct record_field cases[] = {{1, (const unsigned char *)"ab", 2},
	                                     {1, (const unsigned char *)"a\0b", 4},
	                                     {1, (const unsigned char *)"", 0}};

	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_null(record_text(&cases[i]));
}

static void test_too_large_a_field_fails(void **state)
{
	struct text record;

	(void)state;
	text_init(&record, RECORD_MAX);
	record_begin(&record);
	record_put_bytes(&record, 1, "", (size_t)RECORD_MAX + 1);
	assert_true(record.failed);
	text_release(&record);
}

static void test_hostile(void **state)
{
	struct text record;

	(void)state;
	text_init(&record, RECORD_MAX);
	record_begin(&record);
	record_put_text(&record, 1, "some text");
	record_put_number(&record, 2, 77);
	record_put_bytes(&record, 3, "\0\1\2\3", 4);
	hostile_all(decode_any, &record);
	text_release(&record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_bytes),
	    cmocka_unit_test(test_open_refuses),
	    cmocka_unit_test(test_text_needs_its_nul_at_the_end),
	    cmocka_unit_test(test_too_large_a_field_fails),
	    cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
