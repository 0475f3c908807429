/* Templates: what the check lets through is what the rendering understands. */
#include "hostile.h"

#include "model/template.h"

static const char *const more[] = {"url", "host", NULL};

static const struct pair values[] = {{"url", "pg://x"}, {"host", ""}, {"app", "shop"}, {"team", "{url}"}};

static void expect_text(const char *template, const char *expected)
{
	struct text text;

	text_init(&text, 1024);
	template_render(template, values, 4, &text);
	assert_false(text.failed);
	assert_string_equal(text_string(&text), expected);
	text_release(&text);
}

static void test_render(void **state)
{
	(void)state;
	expect_text("", "");
	expect_text("plain", "plain");
	expect_text("{url}", "pg://x");
	expect_text("a{url}b{app}c", "apg://xbshopc");
	expect_text("{host}", "");
	expect_text("[{plan}]", "[]");
	expect_text("{{url}}", "{url}");
	expect_text("{{{url}}}", "{pg://x}");
	expect_text("{{}}", "{}");
	/* A value is never read as a template. */
	expect_text("{team}", "{url}");
}

static void test_check(void **state)
{
	static const char *const good[] = {"", "plain", "{url}", "{app}{team}", "{{", "}}", "{{any}}", "{{{url}}}"};
	static const char *const bad[] = {"{",  "}",    "a}b",    "{url",     "{{{",   "{url}}",
	                                  "{}", "{ur}", "{urls}", "{a{url}}", "{ url}"};
	struct error error = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_int_equal(template_check(good[i], template_common, more, &error), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(template_check(bad[i], template_common, more, &error), ERR_INVALID);
	assert_int_equal(template_check("{url}", template_common, NULL, &error), ERR_INVALID);
	assert_string_equal(error.text,
	                    "the variable \"{url}\" is not known here; allowed are {service}, {instance}, "
	                    "{plan}, {team}, {app}, {tsuru_user}, {app_host}, {app_hosts}, {app_internal_hosts}, "
	                    "{pool}, {pool_provisioner}, {cluster}, {cluster_provisioner}, {cluster_addresses}");
	assert_int_equal(template_check("x{Any_1}{service}{{}}", NULL, NULL, &error), 0);
	assert_int_equal(template_check("{\"a\": 1}", NULL, NULL, &error), ERR_INVALID);
	assert_string_equal(error.text, "\"{\"a\": 1}\" is no variable: its name is not made of letters, digits and _");
	assert_int_equal(template_check("{}", NULL, NULL, &error), ERR_INVALID);
	assert_int_equal(template_check("{1a}", NULL, NULL, &error), ERR_INVALID);
	assert_int_equal(template_check("{a", NULL, NULL, &error), ERR_INVALID);
	assert_int_equal(template_check("ab{c", template_common, NULL, &error), ERR_INVALID);
	assert_string_equal(error.text, "the brace at character 3 has no partner; write {{ for a brace itself");
}

static void test_random_templates_end(void **state)
{
	static const char alphabet[] = "{}{}urlapx";
	struct error error = {0};
	char template[33];
	struct text text;
	uint32_t seed = 3;

	(void)state;
	text_init(&text, 4096);
	for (int round = 0; round < 20000; round++) {
		size_t length = hostile_random(&seed) % 32;
		char *copy;

		for (size_t i = 0; i < length; i++)
			template[i] = alphabet[hostile_random(&seed) % (sizeof(alphabet) - 1)];
		template[length] = '\0';
		copy = strdup(template);
		assert_non_null(copy);
		text_reset(&text);
		template_render(copy, values, 4, &text);
		assert_false(text.failed);
		template_check(copy, template_common, more, &error);
		free(copy);
	}
	text_release(&text);
}

static void test_check_name(void **state)
{
	static const char *const good[] = {"A", "_", "PG_HOST", "a1"};
	static const char *const bad[] = {"", "1A", "A-B", "A B", "A=B", "É", "A\n"};
	char name[130];
	struct error error = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_int_equal(template_check_name(good[i], &error), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(template_check_name(bad[i], &error), ERR_INVALID);
	memset(name, 'N', sizeof(name));
	name[129] = '\0';
	assert_int_equal(template_check_name(name, &error), ERR_INVALID);
	name[128] = '\0';
	assert_int_equal(template_check_name(name, &error), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_render),
	    cmocka_unit_test(test_check),
	    cmocka_unit_test(test_random_templates_end),
	    cmocka_unit_test(test_check_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
