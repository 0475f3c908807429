/* What an instance's parameters say for its binds: both forms of it, its limits, and which value holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "model/defaults.h"
#include "model/parameters.h"

static struct cJSON *parse(const char *json)
{
	struct cJSON *object = NULL;

	assert_int_equal(parameters_parse(json, &object, NULL), 0);
	return object;
}

static void expect_text(const cJSON *object, const char *expected)
{
	char *text = cJSON_PrintUnformatted(object);

	assert_string_equal(text, expected);
	cJSON_free(text);
}

static void expect_taken(const char *json, const char *taken, const char *left)
{
	struct cJSON *object = parse(json), *binds = NULL;
	struct error error = {0};

	assert_int_equal(defaults_take(object, &binds, &error), 0);
	expect_text(binds, taken);
	expect_text(object, left);
	cJSON_Delete(binds);
	cJSON_Delete(object);
}

static void expect_refused(const char *json, const char *sentence)
{
	struct cJSON *object = parse(json), *binds = NULL;
	struct error error = {0};

	assert_int_equal(defaults_take(object, &binds, &error), ERR_INVALID);
	assert_null(binds);
	if (strstr(error.text, sentence) == NULL)
		fail_msg("%s: %s", json, error.text);
	cJSON_Delete(object);
}

static void test_both_forms_are_taken(void **state)
{
	(void)state;
	expect_taken("{}", "{}", "{}");
	expect_taken("{\"size\":1,\"binds\":{\"shop\":{\"env_prefix\":\"A_\"},\"job:shop\":{\"read_only\":true}}}",
	             "{\"shop\":{\"env_prefix\":\"A_\"},\"job:shop\":{\"read_only\":true}}", "{\"size\":1}");
	expect_taken(
	    "{\"binds.shop.env_prefix\":\"A_\",\"binds.job:shop.read_only\":\"\",\"binds.shop.read_only\":\"1\"}",
	    "{\"shop\":{\"env_prefix\":\"A_\",\"read_only\":\"1\"},\"job:shop\":{\"read_only\":\"\"}}", "{}");
	expect_taken("{\"binds\":{\"shop\":{\"env_prefix\":\"A_\"}},\"binds.shop.read_only\":true,\"bindsx\":1}",
	             "{\"shop\":{\"env_prefix\":\"A_\",\"read_only\":true}}", "{\"bindsx\":1}");
	expect_taken("{\"binds.shop\":{\"env_prefix\":\"A_\"},\"binds.shop.role.x\":\"r\"}",
	             "{\"shop\":{\"env_prefix\":\"A_\",\"role.x\":\"r\"}}", "{}");
	/* tsuru's form leaves what is nothing empty. */
	expect_taken("{\"binds\":\"\",\"binds.shop\":\"\"}", "{}", "{}");
	expect_taken("{\"binds\":null}", "{}", "{}");
	expect_taken("{\"binds\":{\"shop\":null,\"mail\":{}}}", "{\"mail\":{}}", "{}");
}

static void test_what_is_no_such_thing(void **state)
{
	(void)state;
	expect_refused("{\"binds\":\"shop\"}", "the parameter \"binds\" is \"shop\"; what is for one bind is given as "
	                                       "binds.APP.NAME=VALUE, or binds.job:JOB.NAME=VALUE for a job");
	expect_refused("{\"binds\":[{\"env_prefix\":\"A_\"}]}", "\"binds\" is a list");
	expect_refused("{\"binds\":true}", "\"binds\" is true");
	expect_refused("{\"binds\":{\"shop\":\"A_\"}}", "\"binds.shop\" is \"A_\"");
	expect_refused("{\"binds.shop\":\"A_\"}", "\"binds.shop\" is \"A_\"");
	expect_refused("{\"binds.\":\"A_\"}", "\"binds.\" is");
	expect_refused("{\"binds..env_prefix\":\"A_\"}", "\"binds..env_prefix\" is");
	expect_refused("{\"binds.shop.\":\"A_\"}", "\"binds.shop.\" is");
	expect_refused("{\"binds.Shop.env_prefix\":\"A_\"}", "\"binds.Shop\" names no app and no job: the app's name");
	expect_refused("{\"binds.job:.env_prefix\":\"A_\"}", "\"binds.job:\" names no app and no job: the job's name");
	expect_refused("{\"binds.app:shop.env_prefix\":\"A_\"}", "the app's name \"app:shop\"");
	expect_refused("{\"binds\":{\"a b\":{}}}", "the app's name \"a b\"");
	expect_refused("{\"binds\":{\"\":{\"env_prefix\":\"A_\"}}}", "names no app");
	expect_refused("{\"binds\":{\"shop\":{\"env_prefix\":\"A_\"}},\"binds.shop.env_prefix\":\"A_\"}",
	               "\"binds.shop.env_prefix\" is given twice");
	expect_refused("{\"binds.abcdefghijklmnopqrstuvwxyzabcdefghijklmno.env_prefix\":\"A_\"}", "names no app");
}

static void make_many(struct text *json, int count)
{
	text_add(json, "{");
	for (int i = 0; i < count; i++)
		text_add_format(json, "%s\"binds.app%d.env_prefix\":\"A%d_\"", i > 0 ? "," : "", i, i);
	text_add(json, ",\"binds.app0.read_only\":\"1\"}");
}

static void test_their_number_has_a_limit(void **state)
{
	struct cJSON *object, *binds = NULL;
	struct text json;

	(void)state;
	text_init(&json, PARAMETERS_MAX);
	make_many(&json, DEFAULTS_BINDS_MAX + 1);
	expect_refused(text_string(&json), "\"binds\" names more than 256 apps and jobs");
	text_reset(&json);
	make_many(&json, DEFAULTS_BINDS_MAX);
	object = parse(text_string(&json));
	assert_int_equal(defaults_take(object, &binds, NULL), 0);
	assert_int_equal(cJSON_GetArraySize(binds), DEFAULTS_BINDS_MAX);
	cJSON_Delete(binds);
	cJSON_Delete(object);
	text_release(&json);
}

static void test_what_is_left_without_them(void **state)
{
	static const char plain[] = "{\"size\":1}";
	struct arena arena;

	(void)state;
	arena_init(&arena);
	assert_ptr_equal(defaults_without(plain, &arena), plain);
	assert_null(defaults_without(NULL, &arena));
	assert_string_equal(defaults_without("{\"binds\":5,\"binds.x.y\":1,\"id\":12345678901234567890}", &arena),
	                    "{\"id\":12345678901234567890}");
	arena_release(&arena);
}

static const struct {
	const char *sent, *instance, *of_app, *of_job, *of_mail;
} rows[] = {
    {NULL, "{}", NULL, NULL, NULL},
    {"{\"role\":\"a\"}", "{\"size\":1}", "{\"role\":\"a\"}", "{\"role\":\"a\"}", "{\"role\":\"a\"}"},
    {NULL, "{\"env_prefix\":\"A_\",\"read_only\":true,\"size\":1}", "{\"env_prefix\":\"A_\",\"read_only\":true}",
     "{\"env_prefix\":\"A_\",\"read_only\":true}", "{\"env_prefix\":\"A_\",\"read_only\":true}"},
    /* What is nearer wins, also by a zero value. */
    {NULL, "{\"env_prefix\":\"A_\",\"binds\":{\"shop\":{\"env_prefix\":\"B_\"}},\"binds.job:shop.env_prefix\":\"\"}",
     "{\"env_prefix\":\"B_\"}", "{\"env_prefix\":\"\"}", "{\"env_prefix\":\"A_\"}"},
    {"{\"env_prefix\":\"\",\"read_only\":false}",
     "{\"env_prefix\":\"A_\",\"read_only\":true,\"binds.shop.env_prefix\":\"B_\",\"binds.shop.role\":\"r\"}",
     "{\"env_prefix\":\"\",\"read_only\":false,\"role\":\"r\"}", "{\"env_prefix\":\"\",\"read_only\":false}",
     "{\"env_prefix\":\"\",\"read_only\":false}"},
    {NULL, "{\"read_only\":false,\"binds.shop\":{\"read_only\":true,\"role.x\":\"r\"},\"binds.job:shop\":{}}",
     "{\"read_only\":true,\"role.x\":\"r\"}", "{\"read_only\":false}", "{\"read_only\":false}"},
    /* A name that only begins so is another. */
    {NULL, "{\"binds.shops.env_prefix\":\"A_\",\"binds.sho.env_prefix\":\"B_\",\"binds.shop.\":\"C\"}", NULL, NULL,
     NULL},
    /* What an earlier program took under the name says nothing. */
    {NULL, "{\"binds\":7}", NULL, NULL, NULL},
    {NULL, "{\"binds\":{\"shop\":[1,2]}}", NULL, NULL, NULL},
    {NULL, "{\"binds.shop\":[1,2],\"binds.job:shop\":7}", NULL, NULL, NULL},
};

static void expect_applied(enum bind_kind kind, const char *name, size_t row, const char *expected)
{
	const struct bind bind = {.kind = kind, .name = name};
	struct cJSON *instance = parse(rows[row].instance);
	const char *parameters = "not set";
	struct arena arena;

	arena_init(&arena);
	assert_int_equal(defaults_apply(&bind, rows[row].sent, instance, true, &arena, &parameters, NULL), 0);
	if (expected == NULL)
		assert_null(parameters);
	else
		assert_string_equal(parameters, expected);
	arena_release(&arena);
	cJSON_Delete(instance);
}

static void test_which_value_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		expect_applied(BIND_APP, "shop", i, rows[i].of_app);
		expect_applied(BIND_JOB, "shop", i, rows[i].of_job);
		expect_applied(BIND_APP, "mail", i, rows[i].of_mail);
	}
}

/* An upstream may have an instance parameter of that name for itself. */
static void test_read_only_of_others(void **state)
{
	struct cJSON *instance = parse("{\"read_only\":true,\"binds.shop.read_only\":true}");
	const struct bind shop = {.kind = BIND_APP, .name = "shop"}, mail = {.kind = BIND_APP, .name = "mail"};
	const char *parameters = NULL;
	struct arena arena;

	(void)state;
	arena_init(&arena);
	assert_int_equal(defaults_apply(&mail, NULL, instance, false, &arena, &parameters, NULL), 0);
	assert_null(parameters);
	assert_int_equal(defaults_apply(&shop, NULL, instance, false, &arena, &parameters, NULL), 0);
	assert_string_equal(parameters, "{\"read_only\":true}");
	arena_release(&arena);
	cJSON_Delete(instance);
}

/* A record has room for what was sent, and for what became of it. */
static void test_what_is_too_much(void **state)
{
	const struct bind shop = {.kind = BIND_APP, .name = "shop"};
	struct cJSON *none = parse("{}"), *some = parse("{\"env_prefix\":\"A_\"}");
	const char *parameters = NULL;
	struct arena arena;
	char *sent = malloc(SENT_MAX + 100);

	(void)state;
	arena_init(&arena);
	assert_non_null(sent);
	snprintf(sent, SENT_MAX + 100, "{\"role\":\"%0*d\"}", SENT_MAX, 1);
	assert_int_equal(defaults_apply(&shop, sent, none, true, &arena, &parameters, NULL), 0);
	assert_ptr_equal(parameters, sent);
	assert_int_equal(defaults_apply(&shop, sent, some, true, &arena, &parameters, NULL), ERR_TOO_LARGE);
	arena_release(&arena);
	free(sent);
	cJSON_Delete(none);
	cJSON_Delete(some);
}

static void test_what_differs(void **state)
{
	static const struct {
		const char *one, *other, *names;
	} cases[] = {
	    {NULL, NULL, ""},
	    {NULL, "{}", ""},
	    {"{\"env_prefix\":\"A_\"}", "{\"env_prefix\":\"A_\"}", ""},
	    {NULL, "{\"env_prefix\":\"\",\"read_only\":\"\"}", ""},
	    {"{\"read_only\":\"true\",\"a\":1}", "{\"a\":1,\"read_only\":true}", ""},
	    {"{\"read_only\":\"yes\"}", "{\"read_only\":\"1\"}", ""},
	    {"{\"read_only\":false}", "{}", ""},
	    {"{\"read_only\":true}", NULL, "read_only"},
	    {NULL, "{\"env_prefix\":\"A_\",\"read_only\":true}", "env_prefix, read_only"},
	    {"{\"env_prefix\":\"A_\",\"role\":\"r\"}", "{\"env_prefix\":\"B_\",\"zone\":2}", "env_prefix, role, zone"},
	    {"{\"read_only\":\"tables\"}", "{\"read_only\":\"rows\"}", "read_only"},
	    {"{\"id\":12345678901234567}", "{\"id\":12345678901234568}", "id"},
	};
	const char *names = NULL;
	struct arena arena;

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(defaults_compare(cases[i].one, cases[i].other, &arena, &names, NULL), 0);
		assert_string_equal(names, cases[i].names);
	}
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_both_forms_are_taken),     cmocka_unit_test(test_what_is_no_such_thing),
	    cmocka_unit_test(test_their_number_has_a_limit), cmocka_unit_test(test_what_is_left_without_them),
	    cmocka_unit_test(test_which_value_holds),        cmocka_unit_test(test_read_only_of_others),
	    cmocka_unit_test(test_what_is_too_much),         cmocka_unit_test(test_what_differs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
