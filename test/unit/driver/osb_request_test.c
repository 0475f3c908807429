/* Requests to upstream brokers: bodies with hostile texts, parameters merged and cast, ids, paths, the identity. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "base/secret.h"
#include "driver/osb/request.h"

static const struct pair given[] = {
    {"size", "10"},        {"zone", "a"}, {"tags", "[1]"}, {"code", "\"7\""}, {"account", "12345678901234567"},
    {"end", "\"\\u0000\""}};
static const struct config_key parameters_key = {.name = "parameters", .type = KEY_MAP};
static const struct option with_parameters = {.key = &parameters_key, .value = {.map = {given, 6}}};
static const struct option without_parameters = {.key = &parameters_key};
static const struct plan plain = {.name = "small", .options = {&without_parameters, 1}};
static const struct plan filled = {.name = "small", .options = {&with_parameters, 1}};
static const struct offer offer = {.service_id = "s\"1", .plan_id = "p 1", .updateable = true};
static const struct instance instance = {
    .name = "mydb", .resource = "mydb_1", .service = "db", .incarnation = "0123456789abcdef", .team = "r\"ed"};
static const struct bind app = {
    .kind = BIND_APP, .name = "shop", .login = "shop_1", .incarnation = "0123456789abcdef", .created_at = 5};

#define CONTEXT                                                                                                        \
	"\"context\":{\"platform\":\"tsuru\",\"service_name\":\"db\",\"instance_name\":\"mydb\",\"resource\":\"mydb_"  \
	"1\",\"team\":\"r\\\"ed\""
#define IDS "\"service_id\":\"s\\\"1\",\"plan_id\":\"p 1\""

static void expect_instance(const struct plan *plan, const struct offer *from, const char *parameters,
                            const char *expected)
{
	struct instance made = instance;
	const struct driver_call call = {.instance = &made, .plan = plan};
	struct text body;
	struct error error;
	cJSON *parsed;

	made.parameters = parameters;
	text_init(&body, REQUEST_BODY_MAX);
	assert_int_equal(osb_write_instance(&call, from, &body, &error), 0);
	parsed = cJSON_ParseWithOpts(text_string(&body), NULL, 1);
	assert_non_null(parsed);
	cJSON_Delete(parsed);
	assert_string_equal(text_string(&body), expected);
	text_release(&body);
}

#define GUIDS "\"organization_guid\":\"r\\\"ed\",\"space_guid\":\"r\\\"ed\""

static void test_instance(void **state)
{
	(void)state;
	expect_instance(&plain, &offer, NULL, "{" IDS "," CONTEXT "}," GUIDS "}");
	expect_instance(&plain, &offer, "{\"deletion_protection\":\"true\"}", "{" IDS "," CONTEXT "}," GUIDS "}");
	expect_instance(&plain, &offer, "{\"a\":{\"b\":\"1\"}}",
	                "{" IDS "," CONTEXT "}," GUIDS ",\"parameters\":{\"a\":{\"b\":\"1\"}}}");
	expect_instance(&filled, &offer, "{\"zone\":\"b\"}",
	                "{" IDS "," CONTEXT "}," GUIDS ",\"parameters\":{\"zone\":\"b\",\"size\":10,\"tags\":[1],"
	                "\"code\":\"\\\"7\\\"\",\"account\":12345678901234567,\"end\":"
	                "\"\\\"\\\\u0000\\\"\"}}");
}

/* A user's text becomes what the schema wants, unless it may be a text or does not read as it. */
static void test_cast(void **state)
{
	cJSON *schemas = cJSON_Parse(
	    "{\"service_instance\":{\"create\":{\"parameters\":{\"properties\":{\"n\":{\"type\":\"integer\"},"
	    "\"b\":{\"type\":[\"boolean\",\"null\"]},\"t\":{\"type\":[\"string\",\"integer\"]},"
	    "\"o\":{\"type\":\"object\"},\"bad\":{\"type\":\"integer\"},\"any\":{}}}}}}");
	struct offer typed = offer;

	(void)state;
	typed.schemas = schemas;
	expect_instance(
	    &plain, &typed,
	    "{\"n\":\"10\",\"b\":\"true\",\"t\":\"5\",\"o\":\"{\\\"x\\\":1}\",\"bad\":\"ten\",\"any\":\"1\"}",
	    "{" IDS "," CONTEXT "}," GUIDS
	    ",\"parameters\":{\"n\":10,\"b\":true,\"t\":\"5\",\"o\":{\"x\":1},\"bad\":\"ten\",\"any\":\"1\"}}");
	cJSON_Delete(schemas);
}

/* false and 0 are empty in tsuru's form, also inside of objects and lists; a text may be empty. */
static void test_cast_of_empty_texts(void **state)
{
	cJSON *schemas = cJSON_Parse(
	    "{\"service_instance\":{\"create\":{\"parameters\":{\"properties\":{\"n\":{\"type\":\"integer\"},"
	    "\"f\":{\"type\":\"number\"},\"b\":{\"type\":\"boolean\"},\"t\":{\"type\":\"string\"},\"any\":{},"
	    "\"o\":{\"type\":\"object\",\"properties\":{\"b\":{\"type\":\"boolean\"},\"n\":{\"type\":"
	    "\"integer\"}}},\"l\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}}}}}}");
	struct offer typed = offer;

	(void)state;
	assert_non_null(schemas);
	typed.schemas = schemas;
	expect_instance(&plain, &typed, "{\"n\":\"\",\"f\":\"\",\"b\":\"\",\"t\":\"\",\"any\":\"\"}",
	                "{" IDS "," CONTEXT "}," GUIDS
	                ",\"parameters\":{\"n\":0,\"f\":0,\"b\":false,\"t\":\"\",\"any\":\"\"}}");
	expect_instance(
	    &plain, &typed, "{\"o\":{\"b\":\"\",\"n\":\"7\",\"x\":\"\"},\"l\":[\"\",\"1\",\"two\"],\"z\":{\"a\":\"\"}}",
	    "{" IDS "," CONTEXT "}," GUIDS
	    ",\"parameters\":{\"o\":{\"b\":false,\"n\":7,\"x\":\"\"},\"l\":[0,1,\"two\"],\"z\":{\"a\":\"\"}}}");
	cJSON_Delete(schemas);
}

/* Users' numbers arrive as they were written, cast or not; an object with a NUL stays the text that it is. */
static void test_long_numbers(void **state)
{
	cJSON *schemas = cJSON_Parse(
	    "{\"service_instance\":{\"create\":{\"parameters\":{\"properties\":{\"n\":{\"type\":\"integer\"},"
	    "\"f\":{\"type\":\"number\"},\"o\":{\"type\":\"object\"}}}}}}");
	struct offer typed = offer;

	(void)state;
	assert_non_null(schemas);
	typed.schemas = schemas;
	expect_instance(
	    &plain, &typed,
	    "{\"n\":\"12345678901234567\",\"f\":\"0.12345678901234567\",\"o\":\"{\\\"a\\\":98765432109876543}\","
	    "\"any\":9007199254740993}",
	    "{" IDS "," CONTEXT "}," GUIDS ",\"parameters\":{\"n\":12345678901234567,\"f\":0.12345678901234567,"
	    "\"o\":{\"a\":98765432109876543},\"any\":9007199254740993}}");
	expect_instance(&plain, &typed, "{\"o\":\"{\\\"a\\\\u0000\\\":1}\"}",
	                "{" IDS "," CONTEXT "}," GUIDS ",\"parameters\":{\"o\":\"{\\\"a\\\\u0000\\\":1}\"}}");
	cJSON_Delete(schemas);
}

static void test_update(void **state)
{
	const struct driver_call call = {.instance = &instance, .plan = &filled};
	const struct offer movable = {.service_id = "s", .plan_id = "old", .updateable = true};
	const struct offer fixed = {.service_id = "s", .plan_id = "p 1", .updateable = false};
	struct text body;
	struct error error;

	(void)state;
	text_init(&body, REQUEST_BODY_MAX);
	assert_int_equal(osb_write_update(&call, &offer, &movable, &body, &error), 0);
	assert_string_equal(text_string(&body), "{" IDS "," CONTEXT "},\"previous_values\":{\"plan_id\":\"old\"}}");
	text_reset(&body);
	assert_int_equal(osb_write_update(&call, &offer, &fixed, &body, &error), 0);
	assert_string_equal(text_string(&body),
	                    "{\"service_id\":\"s\\\"1\"," CONTEXT "},\"previous_values\":{\"plan_id\":\"p 1\"}}");
	text_release(&body);
}

/* read_only is the upstream's, whatever it means by it; what is for one bind alone is not the instance's. */
static void test_parameters_of_binds_are_left_out(void **state)
{
	const struct instance told = {.service = "kv",
	                              .name = "mydb",
	                              .parameters = "{\"binds\":{\"shop\":{\"role\":\"r\"}},\"binds.mail.role\":\"r\","
	                                            "\"env_prefix\":\"A_\",\"read_only\":true}"};
	const struct offer movable = {.service_id = "s", .plan_id = "old", .updateable = true};
	const struct driver_call call = {.instance = &told, .plan = &filled};
	struct text body;
	struct error error;

	(void)state;
	text_init(&body, REQUEST_BODY_MAX);
	assert_int_equal(osb_write_instance(&call, &offer, &body, &error), 0);
	assert_non_null(strstr(text_string(&body), "\"parameters\":{\"read_only\":true"));
	assert_null(strstr(text_string(&body), "binds"));
	text_reset(&body);
	assert_int_equal(osb_write_update(&call, &offer, &movable, &body, &error), 0);
	assert_non_null(strstr(text_string(&body), "\"parameters\":{\"read_only\":true}"));
	text_release(&body);
}

static void test_binding(void **state)
{
	struct bind bind = app;
	const struct driver_call call = {.instance = &instance, .bind = &bind, .plan = &filled};
	struct text body;
	struct error error;

	(void)state;
	bind.parameters = "{\"env_prefix\":\"X_\",\"role\":\"reader\"}";
	text_init(&body, REQUEST_BODY_MAX);
	assert_int_equal(osb_write_binding(&call, &offer, &body, &error), 0);
	assert_string_equal(text_string(&body), "{" IDS "," CONTEXT ",\"app_name\":\"shop\",\"login\":\"shop_1\"},"
	                                        "\"bind_resource\":{\"app_guid\":\"shop\"},"
	                                        "\"parameters\":{\"role\":\"reader\"}}");
	text_release(&body);
}

static void test_ids(void **state)
{
	char first[ID_SIZE], second[ID_SIZE];
	struct bind later = app, job = app;

	(void)state;
	osb_id_of_instance(first, &instance);
	osb_id_of_instance(second, &instance);
	assert_string_equal(first, second);
	assert_int_equal(strlen(first), ID_SIZE - 1);
	assert_true(first[8] == '-' && first[13] == '-' && first[14] == '8' && first[18] == '-' && first[23] == '-');
	osb_id_of_binding(first, &app, 1);
	osb_id_of_binding(second, &app, 2);
	assert_string_not_equal(first, second);
	later.created_at = 6;
	osb_id_of_binding(second, &later, 1);
	assert_string_not_equal(first, second);
	job.kind = BIND_JOB;
	osb_id_of_binding(second, &job, 1);
	assert_string_not_equal(first, second);
	osb_id_random(second);
	assert_int_equal(strlen(second), ID_SIZE - 1);
}

static void test_paths(void **state)
{
	struct text path;

	(void)state;
	text_init(&path, REQUEST_PATH_MAX);
	osb_add_object(&path, "i", NULL);
	osb_add_ids(&path, '?', &offer);
	assert_string_equal(text_string(&path), "/v2/service_instances/i?service_id=s%221&plan_id=p%201");
	text_reset(&path);
	osb_add_object(&path, "i", "b");
	assert_string_equal(text_string(&path), "/v2/service_instances/i/service_bindings/b");
	text_release(&path);
}

static void test_identity(void **state)
{
	static const char *const cases[][2] = {
	    {"a", "tsuru eyJ1c2VyIjoiYSJ9"},
	    {"ab", "tsuru eyJ1c2VyIjoiYWIifQ=="},
	    {"abc", "tsuru eyJ1c2VyIjoiYWJjIn0="},
	    {"\"\r\n", "tsuru eyJ1c2VyIjoiXCJcclxuIn0="},
	};
	struct text value;

	(void)state;
	text_init(&value, 1024);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		text_reset(&value);
		osb_write_identity(cases[i][0], &value);
		assert_string_equal(text_string(&value), cases[i][1]);
	}
	text_release(&value);
}

static int initialize(void **state)
{
	struct error error;

	(void)state;
	return secret_init(&error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_instance),
	    cmocka_unit_test(test_cast),
	    cmocka_unit_test(test_cast_of_empty_texts),
	    cmocka_unit_test(test_long_numbers),
	    cmocka_unit_test(test_update),
	    cmocka_unit_test(test_parameters_of_binds_are_left_out),
	    cmocka_unit_test(test_binding),
	    cmocka_unit_test(test_ids),
	    cmocka_unit_test(test_paths),
	    cmocka_unit_test(test_identity),
	};

	return cmocka_run_group_tests(tests, initialize, NULL);
}
