/* The documents for tsuru: quoting, the endpoint, and what is left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "cli/manifest.h"

static struct service service;
static const char *password;
static struct listener listener;
static struct config config;
static struct text yaml;

static int set_up(void **state)
{
	(void)state;
	service = (struct service){.name = "smtp",
	                           .driver = "shared",
	                           .path = "/smtp",
	                           .username = "user",
	                           .passwords = &password,
	                           .password_count = 1};
	password = "secret";
	listener = (struct listener){.text = "0.0.0.0:8080", .host = "0.0.0.0", .port = 8080};
	config = (struct config){
	    .listeners = &listener,
	    .listener_count = 1,
	    .services = &service,
	    .service_count = 1,
	};
	text_init(&yaml, MANIFEST_MAX);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	text_release(&yaml);
	return 0;
}

static const char *print(const char *endpoint, const char *team)
{
	struct error error;

	text_reset(&yaml);
	assert_int_equal(manifest_print(&config, &service, endpoint, team, &yaml, &error), 0);
	return text_string(&yaml);
}

static void prints_all_that_tsuru_reads(void **state)
{
	(void)state;
	assert_string_equal(print("https://broker.example.com", "ops"),
	                    "id: \"smtp\"\n"
	                    "username: \"user\"\n"
	                    "password: \"secret\"\n"
	                    "endpoint:\n"
	                    "  production: \"https://broker.example.com/smtp\"\n"
	                    "team: \"ops\"\n"
	                    "multi-cluster: false\n");
}

static void leaves_out_the_team_and_tells_of_clusters(void **state)
{
	(void)state;
	service.multi_cluster = true;
	assert_null(strstr(print("http://b", NULL), "team"));
	assert_non_null(strstr(print("http://b", NULL), "\nmulti-cluster: true\n"));
}

static void falls_back_to_the_listen_address(void **state)
{
	(void)state;
	assert_non_null(strstr(print(NULL, NULL), "  production: \"http://127.0.0.1:8080/smtp\"\n"));
	listener.host = "::";
	assert_non_null(strstr(print(NULL, NULL), "  production: \"http://[::1]:8080/smtp\"\n"));
}

static void adds_the_path_once(void **state)
{
	(void)state;
	assert_non_null(strstr(print("http://b/", NULL), "\"http://b/smtp\""));
	assert_non_null(strstr(print("http://b/smtp", NULL), "\"http://b/smtp\""));
	assert_non_null(strstr(print("http://b/smtp/", NULL), "\"http://b/smtp\""));
	assert_non_null(strstr(print("http://b/outer", NULL), "\"http://b/outer/smtp\""));
	service.path = "/";
	assert_non_null(strstr(print("http://b/", NULL), "\"http://b\""));
}

static void quotes_any_password(void **state)
{
	(void)state;
	password = "a\"b\\c: #{}%'\t\n";
	assert_non_null(strstr(print("http://b", NULL), "password: \"a\\\"b\\\\c: #{}%'\\u0009\\u000a\"\n"));
	password = "\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80";
	assert_non_null(strstr(print("http://b", NULL), "password: \"\\u00e9\\u2028\\U0001f600\"\n"));
}

static void refuses_what_yaml_cannot_carry(void **state)
{
	struct error error;

	(void)state;
	password = "hush\xff";
	assert_int_equal(manifest_print(&config, &service, "http://b", NULL, &yaml, &error), ERR_INVALID);
	assert_non_null(strstr(error.text, "\"password\""));
	assert_null(strstr(error.text, "hush"));
}

static void operations_are_json(void **state)
{
	struct error error;
	cJSON *document;
	const cJSON *first;

	(void)state;
	assert_int_equal(manifest_print_operations(&service, &yaml, &error), 0);
	document = cJSON_Parse(text_string(&yaml));
	assert_non_null(document);
	assert_true(cJSON_IsTrue(cJSON_GetObjectItem(document, "enabled")));
	assert_true(cJSON_IsTrue(cJSON_GetObjectItem(document, "strict_actions")));
	first = cJSON_GetArrayItem(cJSON_GetObjectItem(document, "operations"), 0);
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(first, "method")), "GET");
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(first, "path")), "/binds");
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(first, "action")), "binds.view");
	cJSON_Delete(document);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(prints_all_that_tsuru_reads, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(leaves_out_the_team_and_tells_of_clusters, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(falls_back_to_the_listen_address, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(adds_the_path_once, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(quotes_any_password, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(refuses_what_yaml_cannot_carry, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(operations_are_json, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
