/* JSON in parts: what is told of it, wherever it is cut, and what is no JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json_stream.h"

static bool on_event(void *arg, enum json_event event, const char *text, size_t length)
{
	static const char *const marks[] = {"{", "}", "[", "]", "name ", "text ", "number ", "true", "false", "null"};
	struct text *told = arg;

	text_add(told, marks[event]);
	if (event == JSON_NAME || event == JSON_TEXT || event == JSON_NUMBER)
		text_add_format(told, "%zu:", text != NULL ? length : 99);
	text_add_bytes(told, text, length);
	text_add(told, ";");
	return text == NULL || strcmp(text, "stop") != 0;
}

/* Reads json in parts of that size. */
static bool read_parts(const char *json, size_t length, size_t part, struct text *told)
{
	struct json_stream stream;
	bool good = true;

	text_init(told, 1 << 20);
	json_stream_init(&stream, on_event, told);
	for (size_t at = 0; good && at < length; at += part)
		good = json_stream_read(&stream, json + at, length - at < part ? length - at : part);
	good = json_stream_end(&stream) && good;
	json_stream_release(&stream);
	return good;
}

static void expect(const char *json, const char *events)
{
	struct text told;

	for (size_t part = 1; part <= strlen(json); part++) {
		assert_true(read_parts(json, strlen(json), part, &told));
		assert_string_equal(text_string(&told), events);
		text_release(&told);
	}
}

static void test_events(void **state)
{
	(void)state;
	expect(" [ ]\n", "[;];");
	expect("{\"a\" : [1,-2.5e+3,true,false,null,{}] ,\t\"b\":\"c\"}\r\n",
	       "{;name 1:a;[;number 1:1;number 7:-2.5e+3;true;false;null;{;};];name 1:b;text 1:c;};");
	expect("0", "number 1:0;");
	expect("\"\"", "text 0:;");
	expect("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "text 8:\"\\/\b\f\n\r\t;");
	expect("\"\\u003cx\\u00e9\\u20AC\\ud83d\\ude00\"", "text 11:<x\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80;");
	expect("[\"\xc3\xa9\"]", "[;text 2:\xc3\xa9;];");
}

static const char *const no_json[] = {
    "",
    " ",
    "[",
    "]",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[1 2]",
    "[1}",
    "{",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{1:2}",
    "{a:1}",
    "{\"a\"1}",
    "{\"a\":1]",
    "[1]]",
    "[1][2]",
    "[1]x",
    "[1]\"",
    "01",
    "1.",
    ".5",
    "+1",
    "1e",
    "-",
    "--1",
    "0x10",
    "1 1",
    "tru",
    "trux",
    "truee",
    "nul",
    "NaN",
    "Infinity",
    "\"",
    "\"\n\"",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\u12g4\"",
    "\"\\ud83d\"",
    "\"\\ude00\"",
    "\"\\ud83dx\"",
    "\"\\ud83d\\n\"",
    "\"\\ud83d\\u0041\"",
    "'a'",
    "[1,/**/2]",
    "\xef\xbb\xbf[]",
    "<html>",
    "[\"stop\"]",
    "{\"stop\":1}",
};

static void test_no_json(void **state)
{
	struct text told;

	(void)state;
	for (size_t i = 0; i < sizeof(no_json) / sizeof(*no_json); i++) {
		for (size_t part = 1; part <= strlen(no_json[i]) + 1; part++) {
			if (read_parts(no_json[i], strlen(no_json[i]), part, &told))
				fail_msg("\"%s\" was taken for JSON", no_json[i]);
			text_release(&told);
		}
	}
}

/* A NUL is told as any other byte where JSON writes it, and is none of JSON's by itself. */
static void test_nul(void **state)
{
	struct text told;

	(void)state;
	assert_true(read_parts("\"a\\u0000b\"", 10, 3, &told));
	assert_int_equal(told.length, strlen("text 3:") + 3 + 1);
	assert_memory_equal(told.bytes, "text 3:a\0b;", told.length);
	text_release(&told);
	assert_false(read_parts("[1]\0", 4, 4, &told));
	text_release(&told);
	assert_false(read_parts("\"\0\"", 3, 1, &told));
	text_release(&told);
}

static void test_limits(void **state)
{
	char deep[2 * JSON_DEPTH_MAX + 3] = "";
	static char json[JSON_TEXT_MAX + 4];
	struct text told;

	(void)state;
	memset(deep, '[', JSON_DEPTH_MAX);
	memset(deep + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	assert_true(read_parts(deep, strlen(deep), 1, &told));
	text_release(&told);
	memset(deep, '[', JSON_DEPTH_MAX + 1);
	memset(deep + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	assert_false(read_parts(deep, strlen(deep), 1, &told));
	text_release(&told);
	memset(json, 'x', sizeof(json) - 1);
	json[0] = json[JSON_TEXT_MAX + 2] = '"';
	json[JSON_TEXT_MAX + 3] = '\0';
	assert_true(read_parts(json, strlen(json), 1000, &told));
	assert_string_equal(text_string(&told), "text 99:;"); /* there, and not told */
	text_release(&told);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_events),
	    cmocka_unit_test(test_no_json),
	    cmocka_unit_test(test_nul),
	    cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
