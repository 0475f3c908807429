/* Text: the buffer's limits, JSON and percent escapes, numbers with units, slugs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/text.h"

static void test_limit_sticks(void **state)
{
	struct text text;

	(void)state;
	text_init(&text, 5);
	text_add(&text, "1234");
	assert_false(text.failed);
	text_add(&text, "56");
	assert_true(text.failed);
	text_add(&text, "5");
	assert_string_equal(text_string(&text), "1234");
	text_reset(&text);
	text_add_format(&text, "%d", 12345);
	assert_string_equal(text_string(&text), "12345");
	text_release(&text);
	assert_string_equal(text_string(&text), "");
}

static void test_growth_keeps_content(void **state)
{
	struct text text;

	(void)state;
	text_init(&text, 100000);
	for (int i = 0; i < 10000; i++)
		text_add(&text, "abc");
	assert_int_equal(text.length, 30000);
	assert_memory_equal(text.bytes + 29997, "abc", 4);
	text_wipe(&text);
}

static void test_json(void **state)
{
	static const struct {
		const char *plain, *json;
	} cases[] = {
	    {"", "\"\""},
	    {"a\"b\\c", "\"a\\\"b\\\\c\""},
	    {"\b\t\n\f\r", "\"\\b\\t\\n\\f\\r\""},
	    {"\v\x01\x7f", "\"\\u000b\\u0001\\u007f\""},
	    {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x98", "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x98\""},
	    {"a\xff"
	     "b\xc3",
	     "\"a\xef\xbf\xbd"
	     "b\xef\xbf\xbd\""},
	    {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct text text;

		text_init(&text, 1000);
		text_add_json(&text, cases[i].plain);
		assert_string_equal(text_string(&text), cases[i].json);
		text_release(&text);
	}
}

static void test_percent(void **state)
{
	char bytes[64] = "a%20b+c%C3%A4";
	struct text text;

	(void)state;
	assert_int_equal(text_percent_decode(bytes, strlen(bytes), true), 7);
	assert_memory_equal(bytes, "a b c\xc3\xa4", 7);
	for (const char *const *bad = (const char *const[]){"%", "%2", "%zz", "%00", "a%0", NULL}; *bad != NULL;
	     bad++) {
		strcpy(bytes, *bad);
		assert_int_equal(text_percent_decode(bytes, strlen(bytes), false), -1);
	}
	text_init(&text, 100);
	text_add_percent(&text, "aZ9-._~ /:@?%\xc3\xa4");
	assert_string_equal(text_string(&text), "aZ9-._~%20%2F%3A%40%3F%25%C3%A4");
	text_release(&text);
}

static void test_units(void **state)
{
	int64_t number = -1;
	char text[24];

	(void)state;
	assert_int_equal(text_parse_duration("250ms", &number), 0);
	assert_int_equal(number, 250);
	assert_int_equal(text_parse_duration("7d", &number), 0);
	assert_int_equal(number, 604800000);
	assert_int_equal(text_parse_duration("0", &number), 0);
	assert_int_equal(text_parse_size("64KiB", &number), 0);
	assert_int_equal(number, 65536);
	assert_int_equal(text_parse_size("2TiB", &number), 0);
	assert_int_equal(number, 2199023255552);
	assert_int_equal(text_parse_number("-12", &number), 0);
	assert_int_equal(number, -12);
	for (const char *const *bad = (const char *const[]){"", "5", "s", "-1s", "1.5s", "5 s", "5S",
	                                                    "99999999999999999999s", "9223372036854775807d", NULL};
	     *bad != NULL; bad++)
		assert_int_equal(text_parse_duration(*bad, &number), -1);
	for (const char *const *bad =
	         (const char *const[]){"", "1K", "1MB", "-1", "9223372036854775807GiB", "8388608TiB", NULL};
	     *bad != NULL; bad++)
		assert_int_equal(text_parse_size(*bad, &number), -1);
	for (const char *const *bad = (const char *const[]){"", "-", "1x", "+1", "0x1", "9223372036854775808", NULL};
	     *bad != NULL; bad++)
		assert_int_equal(text_parse_number(*bad, &number), -1);
	assert_int_equal(number, -12);
	text_format_duration(1500, text, sizeof(text));
	assert_string_equal(text, "1500ms");
	text_format_duration(120000, text, sizeof(text));
	assert_string_equal(text, "2m");
	text_format_duration(0, text, sizeof(text));
	assert_string_equal(text, "0");
	text_format_size(1099511627776, text, sizeof(text));
	assert_string_equal(text, "1TiB");
	text_format_size(1536, text, sizeof(text));
	assert_string_equal(text, "1536");
	text_format_size(0, text, sizeof(text));
	assert_string_equal(text, "0");
}

static void test_time(void **state)
{
	char text[32];

	(void)state;
	text_format_time(1769860800123, text, sizeof(text));
	assert_string_equal(text, "2026-01-31T12:00:00.123Z");
}

static void test_parse_time(void **state)
{
	static const char *const wrong[] = {"",
	                                    "2026-01-31",
	                                    "2026-01-31T12:00:00Z",
	                                    "2026-02-30T12:00:00.123Z",
	                                    "2026-01-31T12:00:00.123Z ",
	                                    "2026-01-31T12:00:00.12Z",
	                                    "2026-1-31T12:00:00.123Z",
	                                    "1969-12-31T23:59:59.999Z",
	                                    "yesterday"};
	int64_t wall = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(text_parse_time(wrong[i], &wall), -1);
	assert_int_equal(wall, 7);
	assert_int_equal(text_parse_time("2026-01-31T12:00:00.123Z", &wall), 0);
	assert_int_equal(wall, 1769860800123);
}

static void test_slug(void **state)
{
	static const struct {
		const char *source, *slug;
	} cases[] = {
	    {"my-DB", "my_db"}, {"--a--b--", "a_b"},          {"9lives", "lives"},      {"", "x"},
	    {"\xc3\xa4", "x"},  {"abcdefghijkl", "abcdefgh"}, {"abcdefg-h", "abcdefg"},
	};
	char slug[9];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		text_slug(cases[i].source, slug, 8);
		assert_string_equal(slug, cases[i].slug);
	}
}

static void test_clean(void **state)
{
	char dirty[] = "\x1b[2J\xf5 \xc3\xa9\t\xe2\x82";

	(void)state;
	text_clean(dirty);
	assert_string_equal(dirty, "?[2J? \xc3\xa9\t??");
	assert_true(text_is_clean("a\tb\r\n\xc3\xa4", 7));
	assert_false(text_is_clean("a\0b", 3));
	assert_true(text_is_clean(" ~", 2));
	assert_false(text_is_clean("a\x1f", 2));
	assert_false(text_is_clean("a\x7f", 2));
	assert_false(text_is_clean("a\x80", 2));
	assert_false(text_is_clean("\xff", 1));
	assert_false(text_is_clean("\x1b", 1));
	assert_false(text_is_clean("\xc0\x80", 2));
	assert_false(text_is_clean("\xe0\x80\x80", 3));
	assert_false(text_is_clean("\xf4\x90\x80\x80", 4));
	assert_false(text_is_clean("\xc3", 1));
}

static void test_base64(void **state)
{
	unsigned char bytes[4];

	(void)state;
	assert_int_equal(text_base64_decode("YTpi", 4, bytes, sizeof(bytes)), 3);
	assert_memory_equal(bytes, "a:b", 3);
	assert_int_equal(text_base64_decode("YTpi", 4, bytes, 2), -1);
	assert_int_equal(text_base64_decode("YTp", 3, bytes, sizeof(bytes)), -1);
	assert_int_equal(text_base64_decode("Y*pi", 4, bytes, sizeof(bytes)), -1);
	assert_int_equal(text_base64_decode("Y\x80pi", 4, bytes, sizeof(bytes)), -1);
	assert_int_equal(text_base64_decode("YTo=", 4, bytes, sizeof(bytes)), 2);
	assert_int_equal(text_base64_decode("YQ==", 4, bytes, sizeof(bytes)), 1);
	assert_int_equal(text_base64_decode("YTp=", 4, bytes, sizeof(bytes)), -1); /* bits behind the last byte */
	assert_int_equal(text_base64_decode("YQ==YTpi", 8, bytes, sizeof(bytes)), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_limit_sticks), cmocka_unit_test(test_growth_keeps_content),
	    cmocka_unit_test(test_json),         cmocka_unit_test(test_percent),
	    cmocka_unit_test(test_units),        cmocka_unit_test(test_time),
	    cmocka_unit_test(test_parse_time),   cmocka_unit_test(test_slug),
	    cmocka_unit_test(test_clean),        cmocka_unit_test(test_base64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
