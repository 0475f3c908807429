/* Bindings flattened to variables: names, types, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "base/json.h"
#include "base/text.h"
#include "driver/osb/credentials.h"

static void add(void *arg, const char *name, const char *value)
{
	text_add_format(arg, "%s=%s;", name, value);
}

static int flatten(const char *json, struct text *ret_variables, struct error *error)
{
	cJSON *binding = json_parse_value(json, strlen(json));
	int rc;

	assert_non_null(binding);
	text_reset(ret_variables);
	rc = credentials_flatten(binding, add, ret_variables, error);
	cJSON_Delete(binding);
	return rc;
}

static bool are_in(const char *json)
{
	cJSON *binding = json_parse_value(json, strlen(json));
	const bool are = credentials_are_in(binding);

	cJSON_Delete(binding);
	return are;
}

static void test_names(void **state)
{
	static const char *const cases[][2] = {
	    {"{\"credentials\":{\"uri\":\"db://x\",\"port\":5432,\"tls\":true,\"ro\":false}}",
	     "URI=db://x;PORT=5432;TLS=true;RO=false;"},
	    {"{\"credentials\":{\"hosts\":[{\"name\":\"a\",\"port\":1},\"b\"],\"deep\":{\"er\":{\"key\":0.1}}}}",
	     "HOSTS_0_NAME=a;HOSTS_0_PORT=1;HOSTS_1=b;DEEP_ER_KEY=0.1;"},
	    {"{\"credentials\":{\"jdbc-url\":\"j\",\"1st\":\"f\",\"a b.c\":\"d\"}}", "JDBC_URL=j;_1ST=f;A_B_C=d;"},
	    {"{\"credentials\":{\"a-b\":\"first\",\"a_b\":\"second\",\"A_B\":\"third\"}}", "A_B=first;"},
	    {"{\"credentials\":{\"a\":null,\"b\":[],\"c\":{},\"d\":\"\"}}", "D=;"},
	    {"{\"credentials\":{\"a\":\"1\"},\"syslog_drain_url\":\"s\",\"endpoints\":[{\"host\":\"h\"}],\"other\":1}",
	     "A=1;SYSLOG_DRAIN_URL=s;ENDPOINTS_0_HOST=h;"},
	    {"{\"syslog_drain_url\":\"syslog://x\"}", "SYSLOG_DRAIN_URL=syslog://x;"},
	    {"{\"credentials\":{\"big\":9007199254740993,\"neg\":-3,\"huge\":1e30,\"pi\":3.14159265358979323846}}",
	     "BIG=9007199254740993;NEG=-3;HUGE=1e+30;PI=3.14159265358979323846;"},
	    {"{\"credentials\":{\"a\":123456789012345678,\"b\":[100000000000000000,0.1],\"c\":1e400}}",
	     "A=123456789012345678;B_0=100000000000000000;B_1=0.1;C=1e400;"},
	    {"{\"credentials\":{\"a\\u0000b\":1,\"a\\u0000c\":2}}", "A_U0000B=1;A_U0000C=2;"},
	    {"{}", ""},
	    {"{\"credentials\":{}}", ""},
	    {"{\"credentials\":null,\"volume_mounts\":[]}", ""},
	    {"{\"credentials\":{\"a\":null}}", ""},
	};
	struct text variables;
	struct error error;

	(void)state;
	text_init(&variables, 4096);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(flatten(cases[i][0], &variables, &error), 0);
		assert_string_equal(text_string(&variables), cases[i][1]);
	}
	text_release(&variables);
}

static void test_refused(void **state)
{
	static const char *const cases[] = {
	    "{\"credentials\":\"text\"}",
	    "{\"credentials\":[1]}",
	    "{\"credentials\":12345678901234567}",
	    "{\"credentials\":{\"password\":\"a\\u0000b\"}}",
	    "{\"credentials\":{\"a\":[\"\\u0000\"]}}",
	    "{\"credentials\":{\"a\":\"line\\u0001\"}}",
	    "{\"credentials\":{\"a\":[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]}}",
	};
	struct text variables;
	struct error error;

	(void)state;
	text_init(&variables, 4096);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(flatten(cases[i], &variables, &error), ERR_ANSWER);
	text_release(&variables);
}

/* An empty list or object tells nothing: what was kept counts. */
static void test_credentials_are_in(void **state)
{
	static const char *const none[] = {"{}", "{\"credentials\":null}", "{\"credentials\":{},\"volume_mounts\":[]}"};
	static const char *const some[] = {"{\"credentials\":{\"a\":null}}", "{\"credentials\":7}",
	                                   "{\"endpoints\":[{}]}", "{\"syslog_drain_url\":\"\"}"};

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		assert_false(are_in(none[i]));
	for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++)
		assert_true(are_in(some[i]));
}

static void test_long_name(void **state)
{
	struct text variables, json;
	struct error error;

	(void)state;
	text_init(&variables, 4096);
	text_init(&json, 4096);
	text_add(&json, "{\"credentials\":{\"");
	for (int i = 0; i < 128; i++)
		text_add(&json, "a");
	text_add(&json, "\":\"fits\"}}");
	assert_int_equal(flatten(text_string(&json), &variables, &error), 0);
	text_reset(&json);
	text_add(&json, "{\"credentials\":{\"");
	for (int i = 0; i < 200; i++)
		text_add(&json, "a");
	text_add(&json, "\":\"does not\"}}");
	assert_int_equal(flatten(text_string(&json), &variables, &error), ERR_ANSWER);
	text_release(&variables);
	text_release(&json);
}

static void test_many(void **state)
{
	struct text variables, json;
	struct error error;

	(void)state;
	text_init(&variables, 1 << 20);
	text_init(&json, 1 << 20);
	text_add(&json, "{\"credentials\":{\"list\":[0");
	for (int i = 1; i <= CREDENTIALS_MAX; i++)
		text_add_format(&json, ",%d", i);
	text_add(&json, "]}}");
	assert_int_equal(flatten(text_string(&json), &variables, &error), ERR_ANSWER);
	text_release(&variables);
	text_release(&json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names),     cmocka_unit_test(test_refused), cmocka_unit_test(test_credentials_are_in),
	    cmocka_unit_test(test_long_name), cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
