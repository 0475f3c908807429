/* The table of routes: which path leads where, and that every command told to tsuru exists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/api.h"
#include "api/handlers.h"
#include "http/route.h"

static const char *label(const char *method, const char *path)
{
	struct route_match match;

	route_find(api_routes, method, path, &match);
	return match.route != NULL ? match.route->label : match.path_known ? "other method" : "none";
}

static void routes_what_tsuru_calls(void **state)
{
	(void)state;
	assert_string_equal(label("GET", "/resources/plans"), "plans");
	assert_string_equal(label("POST", "/resources"), "create");
	assert_string_equal(label("GET", "/resources/one"), "info");
	assert_string_equal(label("PUT", "/resources/one"), "update");
	assert_string_equal(label("DELETE", "/resources/one"), "remove");
	assert_string_equal(label("GET", "/resources/one/status"), "status");
	assert_string_equal(label("POST", "/resources/one/bind-app"), "bind-app");
	assert_string_equal(label("DELETE", "/resources/one/bind-app"), "unbind-app");
	assert_string_equal(label("POST", "/resources/one/bind"), "bind");
	assert_string_equal(label("DELETE", "/resources/one/bind"), "unbind");
	assert_string_equal(label("PUT", "/resources/one/binds/jobs/j"), "bind-job");
	assert_string_equal(label("DELETE", "/resources/one/binds/jobs/j"), "unbind-job");
}

static void leaves_the_rest_alone(void **state)
{
	(void)state;
	assert_string_equal(label("GET", "/"), "none");
	assert_string_equal(label("GET", "/resources/one/bind-job"), "none");
	assert_string_equal(label("GET", "/resources/one/binds/jobs"), "none");
	assert_string_equal(label("PUT", "/resources/one/binds/jobs/j/k"), "none");
	assert_string_equal(label("GET", "/authenticated-resources/one"), "none");
	assert_string_equal(label("GET", "/authenticated-resources/resources/one"), "none");
	assert_string_equal(label("GET", "/authenticated-resources/plans"), "open-plans");
	assert_string_equal(label("POST", "/authenticated-resources/plans"), "other method");
	assert_string_equal(label("PATCH", "/resources/one"), "other method");
	assert_string_equal(label("DELETE", "/resources/plans"), "other method");
	assert_string_equal(label("PUT", "/resources/plans"), "other method");
	assert_string_equal(label("GET", "/resources"), "other method");
}

static void every_command_has_a_route(void **state)
{
	struct api_command command;
	size_t count = 0;

	(void)state;
	for (; api_command_at(count, &command); count++) {
		char path[128];

		snprintf(path, sizeof(path), "/resources/one%s", command.path);
		assert_string_not_equal(label(command.method, path), "none");
		assert_string_not_equal(label(command.method, path), "other method");
	}
	assert_int_equal(count, 4);
}

/* A unit's verb belongs to the one reader that may find a unit. */
static void every_row_has_one_answer(void **state)
{
	(void)state;
	for (const struct http_route *route = api_routes; route->method != NULL; route++) {
		const struct endpoint *endpoint = route->serves;

		assert_non_null(endpoint);
		assert_int_equal((endpoint->ask != NULL) + (endpoint->view != NULL) + (endpoint->answer != NULL), 1);
		assert_true((endpoint->ask != NULL) == (endpoint->status != 0));
		assert_true((endpoint->read == read_unit_or_app || endpoint->read == read_unit_or_app_to_bind) ==
		            (endpoint->ask_for_unit != NULL));
		assert_true((endpoint->read == read_app_to_bind || endpoint->read == read_unit_or_app_to_bind ||
		             endpoint->read == read_job_to_bind) == (endpoint->ask == &ask_bind));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(routes_what_tsuru_calls),
	    cmocka_unit_test(leaves_the_rest_alone),
	    cmocka_unit_test(every_command_has_a_route),
	    cmocka_unit_test(every_row_has_one_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
