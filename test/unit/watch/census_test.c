/* Sessions as both sides count them: a warning comes when a second look in a row sees some that nobody here knows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "catalog/generation.h"
#include "watch/census.h"

struct scene {
	struct catalog catalog;
	struct generation generation, former;
	struct service service;
	struct server server;
	struct driver driver;
	struct backend backend;
	struct offering offering;
	struct host host;
	struct pair results[2];
	char sentence[ERROR_TEXT_MAX];
	bool told;
};

static size_t three_connections(const void *host)
{
	(void)host;
	return 3;
}

static void set_scene(struct scene *scene)
{
	*scene = (struct scene){.service = {.name = "databases"}, .server = {.name = "main"}};
	TAILQ_INIT(&scene->catalog.old);
	scene->generation.catalog = &scene->catalog;
	scene->service.servers = &scene->server;
	scene->driver.connections = three_connections;
	scene->backend.driver = &scene->driver;
	scene->backend.service = &scene->service;
	scene->offering =
	    (struct offering){.generation = &scene->generation, .service = &scene->service, .backend = &scene->backend};
	scene->host.offering = &scene->offering;
	scene->host.server = &scene->server;
}

static const char *look(struct scene *scene, const char *sessions, const char *strays)
{
	scene->results[0] = (struct pair){CHECK_SESSIONS, sessions};
	scene->results[1] = (struct pair){CHECK_STRAYS, strays};
	scene->host.check.results = scene->results;
	scene->host.check.result_count = sessions != NULL ? 2 : 0;
	census_take(&scene->host);
	scene->told = census_warn(&scene->host, scene->sentence);
	return scene->sentence;
}

static void test_both_sides(void **state)
{
	struct scene scene;

	(void)state;
	set_scene(&scene);
	assert_string_equal(look(&scene, NULL, NULL), "");
	assert_false(scene.host.census.taken);
	assert_string_equal(look(&scene, "4", "0"), "");
	assert_true(scene.host.census.taken);
	assert_int_equal(scene.host.census.server, 4);
	assert_int_equal(scene.host.census.broker, 3);
}

static void test_two_looks(void **state)
{
	struct scene scene;

	(void)state;
	set_scene(&scene);
	assert_string_equal(look(&scene, "5", "2"), "");
	assert_string_equal(look(&scene, "3", "0"), "");
	assert_string_equal(look(&scene, "5", "2"), "");
	assert_string_equal(look(&scene, "4", "1"),
	                    "the server \"main\" still has 1 session that the broker gave up, or left behind when it "
	                    "ended: 4 in all, and the broker knows of 3");
	assert_string_equal(look(&scene, "3", "0"), "");
}

/* It stays, with other numbers each time, and is new once. */
static void test_news(void **state)
{
	struct scene scene;

	(void)state;
	set_scene(&scene);
	look(&scene, "5", "2");
	assert_string_not_equal(look(&scene, "5", "2"), "");
	assert_false(scene.told);
	assert_string_not_equal(look(&scene, "7", "2"), "");
	assert_true(scene.told);
	assert_string_equal(look(&scene, "3", "0"), "");
	assert_false(scene.told);
}

/* What a check did not find out is not what the one before did. */
static void test_nothing_found_out(void **state)
{
	struct scene scene;

	(void)state;
	set_scene(&scene);
	look(&scene, "5", "2");
	assert_string_not_equal(look(&scene, "5", "2"), "");
	assert_string_equal(look(&scene, NULL, NULL), "");
	assert_string_equal(look(&scene, "5", "2"), "");
}

/* Calls of an earlier configuration go on with sessions of their own. */
static void test_a_former_generation(void **state)
{
	struct scene scene;

	(void)state;
	set_scene(&scene);
	TAILQ_INSERT_TAIL(&scene.catalog.old, &scene.former, in_old);
	assert_string_equal(look(&scene, "5", "2"), "");
	assert_string_equal(look(&scene, "5", "2"), "");
	TAILQ_REMOVE(&scene.catalog.old, &scene.former, in_old);
	assert_string_equal(look(&scene, "5", "2"), "");
	assert_string_not_equal(look(&scene, "5", "2"), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_both_sides),
	    cmocka_unit_test(test_two_looks),
	    cmocka_unit_test(test_news),
	    cmocka_unit_test(test_nothing_found_out),
	    cmocka_unit_test(test_a_former_generation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
