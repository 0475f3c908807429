/* What tsuru forgot: binds that operators end, and an instance that its team creates again. */
#include "unit/broker/harness.h"

#include <stdio.h>
#include <string.h>

#include "broker/internal.h"

static void create(struct world *world)
{
	assert_int_equal(
	    request(world, &ask_create, "instance", "db", "plan", "small", "team", "t", "event", "c1", NULL).code, 0);
}

static struct answer bind_shop(struct world *world, const char *event)
{
	struct answer bound = request(world, &ask_bind, "instance", "db", "app", "shop", "event", event, NULL);

	assert_int_equal(bound.code, 0);
	return bound;
}

/* What an operator's program does: the instance by its id. */
static int end_bind(struct world *world, const char *kind, const char *name, const char *updated)
{
	return request(world, &ask_end_bind, "incarnation", incarnation_of(world, "db"), "user", "ann", kind, name,
	               "updated", updated, NULL)
	    .code;
}

/* ---- binds ---- */

static void test_an_operator_ends_one_bind(void **state)
{
	struct world *world = *state;
	struct answer app, job;

	create(world);
	app = bind_shop(world, "e1");
	job = request(world, &ask_bind, "instance", "db", "job", "shop", "event", "e2", NULL);
	assert_int_equal(end_bind(world, "job", "shop", "0"), 0);
	assert_false(scripted_has_login(scripted(world), job.user));
	assert_true(scripted_password_is(scripted(world), app.user, app.password));
	assert_non_null(strstr(operations(world, "db"), "ann"));
	assert_int_equal(end_bind(world, "job", "shop", "0"), ERR_NOT_FOUND);
	assert_int_equal(end_bind(world, "app", "other", "0"), ERR_NOT_FOUND);
	assert_int_equal(end_bind(world, "app", "a/b", "0"), ERR_INVALID);
}

/* tsuru takes back what it undid itself, and nothing else. */
static void test_nobody_takes_an_operators_end_back(void **state)
{
	struct world *world = *state;
	struct answer before, after;

	create(world);
	before = bind_shop(world, "e1");
	assert_int_equal(end_bind(world, "app", "shop", "0"), 0);
	after = bind_shop(world, "e1");
	assert_string_not_equal(before.password, after.password);
	assert_false(scripted_password_is(scripted(world), before.user, before.password));
}

static void show_updated(struct world *world, char *ret_updated, size_t size)
{
	struct held_bind held;
	struct arena arena;

	arena_init(&arena);
	assert_int_equal(records_read_bind(world->broker->catalog.records, &arena, KEYSPACE_BINDS,
	                                   incarnation_of(world, "db"), BIND_APP, "shop", &held, NULL),
	                 0);
	snprintf(ret_updated, size, "%lld", (long long)held.record.updated_at);
	arena_release(&arena);
}

/* Whoever compared lists ends what it saw, and no bind that came since; also one that only joined a bind under way. */
static void test_a_bind_that_came_since_is_left_alone(void **state)
{
	struct world *world = *state;
	struct ask first, second;
	struct answer bound;
	char updated[24];

	create(world);
	bind_shop(world, "e1");
	show_updated(world, updated, sizeof(updated));
	pass(world, 1000);
	bound = bind_shop(world, "e2");
	assert_int_equal(end_bind(world, "app", "shop", updated), ERR_STALE);
	assert_true(scripted_password_is(scripted(world), bound.user, bound.password));
	show_updated(world, updated, sizeof(updated));
	assert_int_equal(end_bind(world, "app", "shop", updated), 0);

	scripted_rule(scripted(world), CALL_BIND, SCRIPTED_DELAY, 1, 5000, 0);
	begin(world, &first, &ask_bind, "instance", "db", "app", "shop", "event", "e3", NULL);
	settle(world);
	show_updated(world, updated, sizeof(updated));
	pass(world, 1000);
	begin(world, &second, &ask_bind, "instance", "db", "app", "shop", "event", "e4", NULL);
	settle(world);
	assert_int_equal(end_bind(world, "app", "shop", updated), ERR_STALE);
	pass(world, 10000);
	assert_true(scripted_password_is(scripted(world), second.answer.user, second.answer.password));
}

/* Its work is durable when it is answered, also where the server does not answer. */
static void test_an_end_survives_a_restart(void **state)
{
	struct world *world = *state;
	struct answer bound;

	create(world);
	bound = bind_shop(world, "e1");
	scripted_rule(scripted(world), CALL_UNBIND, SCRIPTED_FAIL_TRANSIENT, 4, 0, 0);
	assert_true(
	    request(world, &ask_end_bind, "incarnation", incarnation_of(world, "db"), "app", "shop", NULL).came);
	restart(world);
	pass(world, 60000);
	assert_false(scripted_has_login(scripted(world), bound.user));
	assert_string_equal(binds(world, "db"), "[]");
}

static void test_no_login_of_a_retained_one_is_ended(void **state)
{
	struct world *world = *state;
	char incarnation[INCARNATION_LENGTH + 1];

	restart_edited(world, "{name: small, description: a, weight: 1}",
	               "{name: small, description: a, retain: 2h, weight: 1}");
	create(world);
	bind_shop(world, "e1");
	snprintf(incarnation, sizeof(incarnation), "%s", incarnation_of(world, "db"));
	request(world, &ask_remove, "instance", "db", NULL);
	assert_int_equal(request(world, &ask_end_bind, "incarnation", incarnation, "app", "shop", NULL).code,
	                 ERR_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_an_operator_ends_one_bind),
	    TEST(test_nobody_takes_an_operators_end_back),
	    TEST(test_a_bind_that_came_since_is_left_alone),
	    TEST(test_an_end_survives_a_restart),
	    TEST(test_no_login_of_a_retained_one_is_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
