/* The drift pass over several servers: what it counts, and what it takes for a stray. */
#include "unit/broker/harness.h"

#include <stdio.h>
#include <string.h>

#include "upkeep/drift.h"
#include "view/list.h"

#define MINUTE     (60 * 1000)
#define STRAY_NAME "nobody_0123456789"

static struct text shown;

/* What a whole pass has found, as ctl drift shows it. */
static const char *pass_over_all(struct world *world)
{
	struct error error;

	assert_int_equal(drift_start(broker_upkeep(world->broker), &error), 0);
	pass(world, MINUTE);
	text_reset(&shown);
	assert_int_equal(view_list_drift(broker_view(world->broker), &shown, &error), 0);
	assert_non_null(strstr(text_string(&shown), "\"state\":\"resting\""));
	return text_string(&shown);
}

static size_t count(const char *text, const char *part)
{
	size_t found = 0;

	for (; (text = strstr(text, part)) != NULL; text += strlen(part))
		found++;
	return found;
}

/* Both servers are listed, and each list is compared with all records: those are not looked at anew by that. */
static void test_an_instance_counts_once(void **state)
{
	struct world *world = *state;

	assert_int_equal(
	    request(world, &ask_create, "instance", "east", "plan", "small", "pool", "east", "team", "t", NULL).code,
	    0);
	assert_int_equal(
	    request(world, &ask_create, "instance", "west", "plan", "small", "pool", "west", "team", "t", NULL).code,
	    0);
	scripted_put_instance(scripted(world), STRAY_NAME, "small");
	assert_non_null(strstr(pass_over_all(world), "\"looked_at\":2,"));
	assert_int_equal(scripted_begun(scripted(world), CALL_INSPECT), 2);
}

static void test_a_name_that_is_listed_twice(void **state)
{
	struct world *world = *state;
	const char *found;

	scripted_rule(scripted(world), CALL_LIST, SCRIPTED_TWICE, 0, 0, 0);
	assert_int_equal(request(world, &ask_create, "instance", "mydb", "plan", "small", "team", "t", NULL).code, 0);
	assert_int_equal(request(world, &ask_bind, "instance", "mydb", "app", "shop", NULL).code, 0);
	assert_non_null(strstr(pass_over_all(world), "\"strays\":[]"));
	scripted_put_instance(scripted(world), STRAY_NAME, "small");
	found = pass_over_all(world);
	assert_int_equal(count(found, STRAY_NAME), 1);
	assert_int_equal(count(found, "\"kind\":\"instance\",\"name\""), 1);
}

static int start(void **state)
{
	(void)state;
	text_init(&shown, 65536);
	return 0;
}

static int end(void **state)
{
	(void)state;
	text_release(&shown);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_an_instance_counts_once, world_setup, world_teardown),
	    cmocka_unit_test_setup_teardown(test_a_name_that_is_listed_twice, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, start, end);
}
