/* Parameters: the same value as a form's text and as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "model/model.h"
#include "model/parameters.h"

static struct cJSON *parse(const char *json)
{
	struct cJSON *object = NULL;

	assert_int_equal(parameters_parse(json, &object, NULL), 0);
	assert_non_null(object);
	return object;
}

static void test_parse(void **state)
{
	static const char *const bad[] = {"[]", "1", "null", "\"a\"", "{", "{}x", "{\"a\":}", "nonsense"};
	struct cJSON *object = NULL;
	struct error error = {0};
	char *large = malloc(PARAMETERS_MAX + 2);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(parameters_parse(bad[i], &object, &error), ERR_INVALID);
	assert_non_null(large);
	memset(large, '[', PARAMETERS_MAX + 1);
	large[PARAMETERS_MAX + 1] = '\0';
	assert_int_equal(parameters_parse(large, &object, &error), ERR_TOO_LARGE);
	large[PARAMETERS_MAX] = '\0';
	assert_int_equal(parameters_parse(large, &object, &error), ERR_INVALID);
	free(large);
	assert_null(object);
	cJSON_Delete(parse(NULL));
	cJSON_Delete(parse(""));
	object = parse("{\"a\":1}");
	assert_int_equal(cJSON_GetArraySize(object), 1);
	cJSON_Delete(object);
}

static void test_check_names(void **state)
{
	static const char *const allowed[] = {"size", "zone", NULL};
	static const char *const none[] = {NULL};
	struct cJSON *object = parse("{\"size\":1,\"Zone\":2}");
	struct cJSON *empty = parse("{}");
	struct error error = {0};

	(void)state;
	assert_int_equal(parameters_check_names(object, allowed, &error), ERR_INVALID);
	assert_string_equal(error.text, "the parameter \"Zone\" is not known; allowed are: size, zone");
	assert_int_equal(parameters_check_names(object, none, &error), ERR_INVALID);
	assert_string_equal(error.text, "the parameter \"size\" is not known; allowed are: none");
	assert_int_equal(parameters_check_names(empty, none, &error), 0);
	cJSON_DeleteItemFromObjectCaseSensitive(object, "Zone");
	assert_int_equal(parameters_check_names(object, allowed, &error), 0);
	cJSON_Delete(object);
	cJSON_Delete(empty);
}

static void expect_flag(const char *json, int code, bool expected)
{
	struct cJSON *object = parse(json);
	bool flag = !expected;

	assert_int_equal(parameters_flag(object, "f", &flag, NULL), code);
	assert_int_equal(flag, code == 0 ? expected : !expected);
	cJSON_Delete(object);
}

static void test_flag(void **state)
{
	static const char *const truths[] = {"true", "\"true\"", "1", "\"1\"", "\"yes\""};
	static const char *const falsehoods[] = {"false", "\"false\"", "0", "\"0\"", "\"no\"", "\"\"", "null"};
	static const char *const neither[] = {"2", "\" \"", "\"2\"", "[]", "{}", "1.5", "\"maybe\""};
	struct cJSON *empty = parse("{}");
	char json[32];
	bool flag = true;

	(void)state;
	for (size_t i = 0; i < sizeof(truths) / sizeof(*truths); i++) {
		snprintf(json, sizeof(json), "{\"f\":%s}", truths[i]);
		expect_flag(json, 0, true);
	}
	for (size_t i = 0; i < sizeof(falsehoods) / sizeof(*falsehoods); i++) {
		snprintf(json, sizeof(json), "{\"f\":%s}", falsehoods[i]);
		expect_flag(json, 0, false);
	}
	for (size_t i = 0; i < sizeof(neither) / sizeof(*neither); i++) {
		snprintf(json, sizeof(json), "{\"f\":%s}", neither[i]);
		expect_flag(json, ERR_INVALID, true);
	}
	assert_int_equal(parameters_flag(empty, "f", &flag, NULL), 0);
	assert_true(flag);
	cJSON_Delete(empty);
}

static void test_number(void **state)
{
	static const char *const good[] = {"7", "7.0", "\"7\"", "7e0"};
	static const char *const bad[] = {"0",
	                                  "101",
	                                  "7.5",
	                                  "\"7.5\"",
	                                  "\"\"",
	                                  "\"seven\"",
	                                  "true",
	                                  "null",
	                                  "1e300",
	                                  "-1e300",
	                                  "[7]",
	                                  "\"7 \"",
	                                  "\"99999999999999999999\"",
	                                  "99999999999999999999",
	                                  "9007199254740993"};
	struct error error = {0};
	struct cJSON *object;
	char json[48];
	int64_t number;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		snprintf(json, sizeof(json), "{\"n\":%s}", good[i]);
		object = parse(json);
		number = 0;
		assert_int_equal(parameters_number(object, "n", 1, 100, &number, &error), 0);
		assert_int_equal(number, 7);
		assert_int_equal(parameters_number(object, "absent", 1, 100, &number, &error), 0);
		assert_int_equal(number, 7);
		cJSON_Delete(object);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(json, sizeof(json), "{\"n\":%s}", bad[i]);
		object = parse(json);
		number = -5;
		assert_int_equal(parameters_number(object, "n", 1, 100, &number, &error), ERR_INVALID);
		assert_int_equal(number, -5);
		cJSON_Delete(object);
	}
	assert_string_equal(error.text, "the parameter \"n\" is not a whole number from 1 to 100");
}

/* To the last digit, which a double would change. */
static void test_long_number(void **state)
{
	struct cJSON *object = parse("{\"n\":9007199254740993}");
	int64_t number = 0;

	(void)state;
	assert_int_equal(parameters_number(object, "n", 0, INT64_MAX, &number, NULL), 0);
	assert_true(number == 9007199254740993);
	cJSON_Delete(object);
}

/* What tsuru's form leaves empty is 0, and goes through the same range as any other number. */
static void test_empty_is_zero(void **state)
{
	static const char *const empty[] = {"{\"n\":\"\"}", "{\"n\":null}", "{\"n\":0}", "{\"n\":\"0\"}"};

	(void)state;
	for (size_t i = 0; i < sizeof(empty) / sizeof(*empty); i++) {
		struct cJSON *object = parse(empty[i]);
		int64_t number = -5;

		assert_int_equal(parameters_number(object, "n", 0, 100, &number, NULL), 0);
		assert_int_equal(number, 0);
		number = -5;
		assert_int_equal(parameters_number(object, "n", 1, 100, &number, NULL), ERR_INVALID);
		assert_int_equal(number, -5);
		cJSON_Delete(object);
	}
}

static void test_text(void **state)
{
	struct cJSON *object = parse("{\"t\":\"abc\",\"n\":1,\"c\":\"a\\u0001\",\"e\":\"\",\"z\":null}");
	const char *text = "untouched";

	(void)state;
	assert_int_equal(parameters_text(object, "t", 2, &text, NULL), ERR_INVALID);
	assert_int_equal(parameters_text(object, "n", 9, &text, NULL), ERR_INVALID);
	assert_int_equal(parameters_text(object, "c", 9, &text, NULL), ERR_INVALID);
	assert_int_equal(parameters_text(object, "absent", 9, &text, NULL), 0);
	assert_string_equal(text, "untouched");
	assert_int_equal(parameters_text(object, "e", 9, &text, NULL), 0);
	assert_string_equal(text, "");
	text = "untouched";
	assert_int_equal(parameters_text(object, "z", 9, &text, NULL), 0);
	assert_string_equal(text, "");
	assert_int_equal(parameters_text(object, "t", 3, &text, NULL), 0);
	assert_string_equal(text, "abc");
	cJSON_Delete(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parse),  cmocka_unit_test(test_check_names), cmocka_unit_test(test_flag),
	    cmocka_unit_test(test_number), cmocka_unit_test(test_long_number), cmocka_unit_test(test_empty_is_zero),
	    cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
