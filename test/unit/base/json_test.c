/* JSON parsed without changing what it says: numbers that doubles cannot hold, texts with a NUL, and what is no JSON.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "base/json.h"

static void expect(const char *json, const char *printed)
{
	cJSON *root = json_parse_value(json, strlen(json));
	char *text = root != NULL ? cJSON_PrintUnformatted(root) : NULL;

	assert_non_null(text);
	assert_string_equal(text, printed);
	cJSON_free(text);
	cJSON_Delete(root);
}

/* What is printed is what was read, digit by digit. */
static void test_unchanged(void **state)
{
	static const char *const cases[] = {
	    "9007199254740993",
	    "-9007199254740993",
	    "123456789012345678",
	    "100000000000000000",
	    "18446744073709551615",
	    "9007199254740991", /* cJSON 1.7.15 prints 9.00719925474099e+15 */
	    "0.12345678901234567",
	    "3.141592653589793238462643383279",
	    "123456789012345.6789",
	    "1e400",
	    "-1e-400",
	    "[1,-2,3.5,0]",
	    "{\"a\":123456789012345678,\"b\":[\"1\\\"2\",98765432109876543],\"c\":{\"d\":11111111111111111}}",
	    "{\"a\":\"x\\u0000y\",\"b\":\"x\"}",
	    "[true,false,null,\"-1e5\",12345678901234567]",
	    "\"\"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		expect(cases[i], cases[i]);
}

/* The same values, in cJSON's own form. */
static void test_equal(void **state)
{
	(void)state;
	expect(" [ 1.50 , 1E3,\t10 ] \r\n", "[1.5,1000,10]");
	expect("0.0", "0");
	expect("0.000000000000000000001", "1e-21");
	expect("{\"a\\u0000b\":12345678901234567}", "{\"a\\\\u0000b\":12345678901234567}");
	expect("{\"a\\\\u0000b\":\"\\\\u0000\"}", "{\"a\\\\u0000b\":\"\\\\u0000\"}");
}

static void test_no_json(void **state)
{
	static const char *const cases[] = {
	    "",
	    " ",
	    "{",
	    "[1,]",
	    "1 2",
	    "{} x",
	    "[01]",
	    "[1.]",
	    "[-]",
	    "[.5]",
	    "[-.5]",
	    "[1e]",
	    "[1e+]",
	    "[+1]",
	    "[0123456789012345678]",
	    "[1.2.3]",
	    "{\"a\":1}}",
	    "nul",
	    "[1111111111111111111111111111111111111111111111111111111111111111111111111.]"};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_null(json_parse_value(cases[i], strlen(cases[i])));
	assert_null(json_parse_value("{}\0x", 4));
	assert_null(json_parse_value("[\"a\0b\"]", 7));
	assert_null(json_parse_value("[1\0]", 4));
	assert_null(json_parse_value("", 0));
}

/* It reads no further than it is told to. */
static void test_length(void **state)
{
	cJSON *root = json_parse_value("[12345678901234567]89", 19);

	(void)state;
	assert_non_null(root);
	assert_string_equal(root->child->valuestring, "12345678901234567");
	cJSON_Delete(root);
}

static void test_kinds(void **state)
{
	static const char json[] = "[1, 12345678901234567, \"a\", \"\\u0000\", true, {}]";
	static const bool numbers[] = {true, true, false, false, false, false};
	static const bool texts[] = {false, false, true, true, false, false};
	cJSON *root = json_parse_value(json, strlen(json));
	const cJSON *item;
	size_t i = 0;

	(void)state;
	assert_non_null(root);
	cJSON_ArrayForEach(item, root)
	{
		assert_int_equal(json_is_number(item), numbers[i]);
		assert_int_equal(json_is_text(item), texts[i++]);
	}
	assert_false(json_is_number(NULL) || json_is_text(NULL));
	cJSON_Delete(root);
}

static bool read_whole(const char *json, int64_t *ret_number)
{
	cJSON *root = json_parse_value(json, strlen(json));
	const bool read = json_read_whole(root, ret_number);

	cJSON_Delete(root);
	return read;
}

static void test_whole(void **state)
{
	static const char *const unfit[] = {"1.5",   "1e300", "9223372036854775808", "12345678901234567.5",
	                                    "\"1\"", "null",  "\"\\u0000\""};
	int64_t number = -7;
	cJSON *item;
	char *text;

	(void)state;
	for (size_t i = 0; i < sizeof(unfit) / sizeof(*unfit); i++)
		assert_false(read_whole(unfit[i], &number));
	assert_int_equal(number, -7);
	assert_true(read_whole("9223372036854775807", &number));
	assert_true(number == INT64_MAX);
	assert_true(read_whole("-9007199254740993", &number));
	assert_true(number == -9007199254740993);
	assert_true(read_whole("1e3", &number));
	assert_int_equal(number, 1000);
	item = json_new_whole(9007199254740993);
	text = cJSON_PrintUnformatted(item);
	assert_string_equal(text, "9007199254740993");
	cJSON_free(text);
	cJSON_Delete(item);
}

static void test_nul(void **state)
{
	(void)state;
	assert_true(json_has_nul("\"\\u0000\"", 8));
	assert_true(json_has_nul("\"\\\\\\u0000\"", 10));
	assert_false(json_has_nul("\"\\\\u0000\"", 9));
	assert_false(json_has_nul("\"\\u0000", 6));
	assert_false(json_has_nul("\"\\u0001\"", 8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_unchanged), cmocka_unit_test(test_equal), cmocka_unit_test(test_no_json),
	    cmocka_unit_test(test_length),    cmocka_unit_test(test_kinds), cmocka_unit_test(test_whole),
	    cmocka_unit_test(test_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
