/* What tsuru forgot: binds that operators end, and an instance that its team creates again. */
#include "unit/broker/harness.h"

#include <stdio.h>
#include <string.h>

#include "broker/internal.h"
#include "view/list.h"

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

/* ---- an instance that tsuru forgot ---- */

static void alone(struct world *world)
{
	restart_edited(world, "    attempt_timeout: 10s\n", "    attempt_timeout: 10s\n    single_tsuru: true\n");
}

static struct answer create_again(struct world *world, const char *event, const char *plan)
{
	return request(world, &ask_create, "instance", "db", "plan", plan, "team", "t", "event", event, NULL);
}

static void test_where_several_share_it_a_bound_one_is_not_taken_over(void **state)
{
	struct world *world = *state;
	struct answer bound;

	create(world);
	bound = bind_shop(world, "e1");
	assert_int_equal(create_again(world, "c2", "small").code, ERR_EXISTS);
	assert_true(scripted_password_is(scripted(world), bound.user, bound.password));
}

/* It keeps its content; whoever was bound is so no more, and is bound anew with other credentials. */
static void test_a_bound_one_is_taken_over_without_its_binds(void **state)
{
	struct world *world = *state;
	struct answer app, job, again;
	char incarnation[INCARNATION_LENGTH + 1];

	alone(world);
	create(world);
	app = bind_shop(world, "e1");
	job = request(world, &ask_bind, "instance", "db", "job", "nightly", "event", "e2", NULL);
	snprintf(incarnation, sizeof(incarnation), "%s", incarnation_of(world, "db"));
	assert_int_equal(
	    request(world, &ask_create, "instance", "db", "plan", "small", "team", "u", "event", "c2", NULL).code,
	    ERR_EXISTS);
	assert_true(scripted_password_is(scripted(world), app.user, app.password));
	assert_int_equal(create_again(world, "c3", "small").code, 0);
	assert_string_equal(incarnation_of(world, "db"), incarnation);
	assert_false(scripted_has_login(scripted(world), app.user));
	assert_false(scripted_has_login(scripted(world), job.user));
	assert_string_equal(binds(world, "db"), "[]");
	assert_int_equal(scripted_instances(scripted(world)), 1);
	assert_int_equal(create_again(world, "c3", "small").code, 0); /* nothing was bound since */
	again = bind_shop(world, "e1");                               /* an event of before brings nothing back */
	assert_string_not_equal(again.password, app.password);
}

static void test_it_gets_the_plan_that_is_asked_for(void **state)
{
	struct world *world = *state;
	struct answer bound;

	alone(world);
	create(world);
	bound = bind_shop(world, "e1");
	assert_int_equal(create_again(world, "c2", "none").code, ERR_INVALID);
	assert_true(scripted_password_is(scripted(world), bound.user, bound.password));
	assert_int_equal(create_again(world, "c3", "large").code, 0);
	assert_false(scripted_has_login(scripted(world), bound.user));
	assert_non_null(strstr(describe(world, "db"), "large"));
}

/* A copy of the create that made it is no word of tsuru that it has no row: its apps stay. */
static void test_a_copy_of_its_own_create_ends_no_bind(void **state)
{
	struct world *world = *state;
	struct answer bound;

	alone(world);
	create(world);
	bound = bind_shop(world, "e1");
	assert_int_equal(create_again(world, "c1", "small").code, ERR_EXISTS);
	assert_true(scripted_password_is(scripted(world), bound.user, bound.password));
}

/* Nor is one of a create before it, whose asker gave up and asked anew, or of one that joined that. */
static void test_a_copy_of_an_earlier_create_ends_no_bind(void **state)
{
	struct world *world = *state;
	struct ask first, second;
	struct answer bound;

	alone(world);
	scripted_rule(scripted(world), CALL_PROVISION, SCRIPTED_DELAY, 1, 3000, 0);
	begin(world, &first, &ask_create, "instance", "db", "plan", "small", "team", "t", "event", "c1", NULL);
	settle(world);
	begin(world, &second, &ask_create, "instance", "db", "plan", "small", "team", "t", "event", "c2", NULL);
	pass(world, 10000);
	assert_true(second.answer.came && second.answer.code == 0);
	assert_int_equal(create_again(world, "c3", "large").code, 0);
	assert_int_equal(create_again(world, "c4", "large").code, 0);
	bound = bind_shop(world, "e1");
	assert_int_equal(create_again(world, "c4", "large").code, ERR_EXISTS);
	assert_int_equal(create_again(world, "c3", "large").code, ERR_EXISTS);
	assert_int_equal(create_again(world, "c1", "small").code, ERR_EXISTS);
	assert_true(scripted_password_is(scripted(world), bound.user, bound.password));
	assert_int_equal(create_again(world, "c5", "large").code, 0);
	assert_false(scripted_has_login(scripted(world), bound.user));
}

static void test_a_copy_of_a_create_that_joined_ends_no_bind(void **state)
{
	struct world *world = *state;
	struct ask first, second;
	struct answer bound;

	alone(world);
	scripted_rule(scripted(world), CALL_PROVISION, SCRIPTED_DELAY, 1, 3000, 0);
	begin(world, &first, &ask_create, "instance", "db", "plan", "small", "team", "t", "event", "c1", NULL);
	settle(world);
	begin(world, &second, &ask_create, "instance", "db", "plan", "small", "team", "t", "event", "c2", NULL);
	settle(world);
	assert_int_equal(create_again(world, "c1", "small").code, 0); /* a copy of what was joined changes nothing */
	assert_true(first.answer.came && second.answer.came && second.answer.code == 0);
	bound = bind_shop(world, "e1");
	assert_int_equal(create_again(world, "c2", "small").code, ERR_EXISTS);
	assert_int_equal(create_again(world, "c1", "small").code, ERR_EXISTS);
	assert_true(scripted_password_is(scripted(world), bound.user, bound.password));
	assert_int_equal(scripted_instances(scripted(world)), 1);
}

/* tsuru's own row failed after the second create (S2): it takes the instance back, protected or not. */
static void test_a_create_that_joined_is_taken_back(void **state)
{
	struct world *world = *state;
	static const char protects[] = "{\"deletion_protection\":true}";
	struct ask first, second;

	scripted_rule(scripted(world), CALL_PROVISION, SCRIPTED_DELAY, 1, 3000, 0);
	begin(world, &first, &ask_create, "instance", "db", "plan", "small", "team", "t", "event", "c1", "parameters",
	      protects, NULL);
	settle(world);
	begin(world, &second, &ask_create, "instance", "db", "plan", "small", "team", "t", "event", "c2", "parameters",
	      protects, NULL);
	pass(world, 10000);
	assert_true(second.answer.came && second.answer.code == 0);
	assert_int_equal(request(world, &ask_remove, "instance", "db", "event", "c2", NULL).code, 0);
	assert_int_equal(scripted_instances(scripted(world)), 0);
}

/* The server is away: the ends are durable before the answer, survive, and come before any new bind. */
static void test_the_ends_survive_a_restart(void **state)
{
	struct world *world = *state;
	struct answer bound, again;

	alone(world);
	create(world);
	bound = bind_shop(world, "e1");
	scripted_rule(scripted(world), CALL_UNBIND, SCRIPTED_FAIL_TRANSIENT, 0, 0, 0);
	assert_true(create_again(world, "c2", "small").pending);
	assert_true(create_again(world, "c3", "small").pending); /* and once more */
	scripted_clear_rules(scripted(world));
	restart(world);
	again = bind_shop(world, "e2");
	assert_string_not_equal(again.password, bound.password);
	assert_false(scripted_password_is(scripted(world), bound.user, bound.password));
	assert_null(strstr(binds(world, "db"), "unbinding"));
}

/* A bind that nobody has got yet, of an instance that is still being made, is ended, too. */
static void test_one_that_is_being_made_is_taken_over(void **state)
{
	struct world *world = *state;
	struct ask made, bound;

	alone(world);
	scripted_rule(scripted(world), CALL_PROVISION, SCRIPTED_DELAY, 1, 3000, 0);
	begin(world, &made, &ask_create, "instance", "db", "plan", "small", "team", "t", "event", "c1", NULL);
	settle(world);
	begin(world, &bound, &ask_bind, "instance", "db", "app", "shop", "event", "e1", NULL);
	settle(world);
	assert_int_equal(create_again(world, "c2", "small").code, 0);
	assert_true(made.answer.came && made.answer.code == 0);
	assert_int_equal(scripted_logins(scripted(world)), 0);
	assert_string_equal(binds(world, "db"), "[]");
}

/* One that failed to end for good is ended anew by the next create; what tsuru takes back ends with it. */
static void test_a_login_that_was_left_is_ended(void **state)
{
	struct world *world = *state;
	struct answer bound;

	alone(world);
	create(world);
	bound = bind_shop(world, "e1");
	scripted_rule(scripted(world), CALL_UNBIND, SCRIPTED_FAIL_FINAL, 1, 0, 0);
	request(world, &ask_unbind, "instance", "db", "app", "shop", "event", "e2", NULL);
	assert_true(scripted_has_login(scripted(world), bound.user));
	assert_int_equal(create_again(world, "c2", "small").code, 0);
	assert_false(scripted_has_login(scripted(world), bound.user));
	assert_string_not_equal(bind_shop(world, "e2").password, bound.password);
}

/* Nor does tsuru take back what it was ending when it lost the instance. */
static void test_an_end_under_way_is_for_good(void **state)
{
	struct world *world = *state;
	struct answer bound;
	struct ask ending;

	alone(world);
	create(world);
	bound = bind_shop(world, "e1");
	scripted_rule(scripted(world), CALL_UNBIND, SCRIPTED_DELAY, 1, 3000, 0);
	begin(world, &ending, &ask_unbind, "instance", "db", "app", "shop", "event", "e2", NULL);
	settle(world);
	assert_int_equal(create_again(world, "c2", "small").code, 0);
	assert_true(ending.answer.came && ending.answer.code == 0);
	assert_int_equal(scripted_begun(scripted(world), CALL_UNBIND), 1);
	assert_string_not_equal(bind_shop(world, "e2").password, bound.password);
}

/* Nor what it had ended before. */
static void test_an_end_of_before_is_for_good(void **state)
{
	struct world *world = *state;
	struct answer bound;

	alone(world);
	create(world);
	bound = bind_shop(world, "e1");
	assert_int_equal(request(world, &ask_unbind, "instance", "db", "app", "shop", "event", "e2", NULL).code, 0);
	assert_int_equal(create_again(world, "c2", "small").code, 0);
	assert_string_not_equal(bind_shop(world, "e2").password, bound.password);
}

/* A login that cannot be ended keeps nobody from the instance: it is tried again by itself, and told meanwhile. */
static void test_a_login_that_cannot_be_ended_is_told(void **state)
{
	struct world *world = *state;
	struct answer bound;

	alone(world);
	create(world);
	bound = bind_shop(world, "e1");
	scripted_rule(scripted(world), CALL_UNBIND, SCRIPTED_FAIL_FINAL, 1, 0, 0);
	assert_int_equal(create_again(world, "c2", "small").code, 0);
	assert_int_equal(status_of(world, "db"), STATUS_UP);
	assert_int_equal(view_count_lingering(broker_view(world->broker)), 1);
	pass(world, 8 * 60 * 60 * 1000); /* the drift pass */
	assert_false(scripted_has_login(scripted(world), bound.user));
	assert_int_equal(view_count_lingering(broker_view(world->broker)), 0);
}

/* tsuru takes that create back: what was there before it is kept. */
static void test_an_undone_takeover_keeps_the_content(void **state)
{
	struct world *world = *state;

	restart_edited(world, "    plans:\n      - {name: small, description: a, weight: 1}\n",
	               "    single_tsuru: true\n    plans:\n"
	               "      - {name: small, description: a, weight: 1, retain: 2h}\n");
	create(world);
	bind_shop(world, "e1");
	assert_int_equal(create_again(world, "c2", "small").code, 0);
	assert_int_equal(request(world, &ask_remove, "instance", "db", "event", "c2", NULL).code, 0);
	assert_int_equal(scripted_instances(scripted(world)), 1);
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
	    TEST(test_where_several_share_it_a_bound_one_is_not_taken_over),
	    TEST(test_a_bound_one_is_taken_over_without_its_binds),
	    TEST(test_it_gets_the_plan_that_is_asked_for),
	    TEST(test_a_copy_of_its_own_create_ends_no_bind),
	    TEST(test_a_copy_of_an_earlier_create_ends_no_bind),
	    TEST(test_a_copy_of_a_create_that_joined_ends_no_bind),
	    TEST(test_a_create_that_joined_is_taken_back),
	    TEST(test_the_ends_survive_a_restart),
	    TEST(test_one_that_is_being_made_is_taken_over),
	    TEST(test_a_login_that_was_left_is_ended),
	    TEST(test_an_end_under_way_is_for_good),
	    TEST(test_an_end_of_before_is_for_good),
	    TEST(test_a_login_that_cannot_be_ended_is_told),
	    TEST(test_an_undone_takeover_keeps_the_content),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
