/* Fairness: what one tenant holds up, or asks for without end, does not hold up the others. The clock stands still
 * unless a test lets it pass, so that times here are counts. */
#include <stdio.h>
#include <string.h>

#include "broker/internal.h"
#include "queue/queue.h"
#include "requests/operator.h"
#include "unit/broker/harness.h"
#include "upkeep/drift.h"

#define HOSTILE 12

/* All instances are on one server with so many places. */
static void use_places(struct world *world, const char *places)
{
	char text[64];

	snprintf(text, sizeof(text), "capacity: 100000, parallel: %s", places);
	restart_edited(world, "capacity: 4, parallel: 2", text);
	settle(world);
}

static size_t running(struct world *world)
{
	return world->broker->queue.running;
}

static const char *name_of(const char *kind, int number)
{
	static char names[2][HOSTILE][16];
	const bool bad = strcmp(kind, "bad") == 0;

	snprintf(names[bad][number], sizeof(names[bad][number]), "%s%d", kind, number);
	return names[bad][number];
}

static void make_bound(struct world *world, const char *team, const char *kind, int count)
{
	for (int i = 0; i < count; i++) {
		const char *name = name_of(kind, i);

		assert_int_equal(request(world, &ask_create, "instance", name, "team", team, NULL).code, 0);
		assert_int_equal(request(world, &ask_bind, "instance", name, "app", "shop", NULL).code, 0);
	}
}

/* Unbinds of every hostile instance, none of which can end; returns when each has been tried. */
static struct ask *begin_hostile(struct world *world, enum scripted_behaviour behaviour, int64_t delay)
{
	static struct ask asks[HOSTILE];

	make_bound(world, "red", "bad", HOSTILE);
	scripted_rule(scripted(world), CALL_UNBIND, behaviour, 0, delay, 0);
	for (int i = 0; i < HOSTILE; i++)
		begin(world, &asks[i], &ask_unbind, "instance", name_of("bad", i), "app", "shop", NULL);
	for (int i = 0; i < 600 && scripted_begun(scripted(world), CALL_UNBIND) <= HOSTILE; i++)
		pass(world, 100);
	return asks;
}

/* How long a request takes, in ms of the manual clock. */
static int64_t time_bind(struct world *world, const char *instance, const char *app)
{
	const int64_t before = world->passed;

	assert_int_equal(request(world, &ask_bind, "instance", instance, "app", app, NULL).code, 0);
	return world->passed - before;
}

static void expect_quick_binds(struct world *world)
{
	char app[16];

	for (int i = 0; i < 100; i++) {
		snprintf(app, sizeof(app), "app-%d", i);
		assert_true(time_bind(world, "good0", app) <= 100);
		pass(world, 700);
	}
}

/* Each waits for its tenant's lock at every attempt, and none of the others waits for them. */
static void test_locks_hold_no_places(void **state)
{
	struct world *world = *state;

	use_places(world, "4");
	make_bound(world, "blue", "good", 1);
	begin_hostile(world, SCRIPTED_LOCK, 1000);
	expect_quick_binds(world);
}

/* The same with attempts that run into their deadline. */
static void test_timeouts_go_behind(void **state)
{
	struct world *world = *state;

	use_places(world, "4");
	make_bound(world, "blue", "good", 1);
	begin_hostile(world, SCRIPTED_HANG, 0);
	expect_quick_binds(world);
	scripted_clear_rules(scripted(world));
	scripted_release(scripted(world));
	pass(world, 5 * 60 * 1000);
	assert_int_equal(scripted_logins(scripted(world)), 101);
}

/* A removal ends once the lock is gone, soon, however often it was tried; also while others keep the server busy. */
static void test_locked_removals_end(void **state)
{
	struct world *world = *state;
	struct ask *asks;
	size_t before;

	use_places(world, "1");
	asks = begin_hostile(world, SCRIPTED_LOCK, 0);
	before = scripted_begun(scripted(world), CALL_UNBIND);
	pass(world, 10 * 60 * 1000);
	assert_true(scripted_begun(scripted(world), CALL_UNBIND) - before > HOSTILE * 10 * 60 / 8);
	assert_non_null(strstr(operations(world, "bad0"), "somebody holds a lock"));
	assert_non_null(strstr(operations(world, "bad0"), "\"waits_for\":\"lock\""));
	assert_true(asks[0].answer.came && asks[0].answer.pending);
	scripted_clear_rules(scripted(world));
	pass(world, 6000);
	assert_int_equal(scripted_logins(scripted(world)), 0);
	assert_string_equal(binds(world, "bad0"), "[]");
}

/* Attempts end nothing, time does: a bind that a lock is in the way of is given up with the others. */
static void test_locked_bind_expires(void **state)
{
	struct world *world = *state;

	use_places(world, "4");
	assert_int_equal(request(world, &ask_create, "instance", "db", "team", "red", NULL).code, 0);
	scripted_rule(scripted(world), CALL_BIND, SCRIPTED_LOCK, 0, 500, 0);
	assert_int_equal(request(world, &ask_bind, "instance", "db", "app", "shop", NULL).code, ERR_UNAVAILABLE);
	pass(world, 7 * 60 * 1000);
	assert_non_null(strstr(binds(world, "db"), "binding"));
	pass(world, 2 * 60 * 1000);
	assert_string_equal(binds(world, "db"), "[]");
}

/* A start of the broker does not begin its time anew. */
static void test_locked_bind_expires_over_a_restart(void **state)
{
	struct world *world = *state;

	use_places(world, "4");
	assert_int_equal(request(world, &ask_create, "instance", "db", "team", "red", NULL).code, 0);
	scripted_rule(scripted(world), CALL_BIND, SCRIPTED_LOCK, 0, 500, 0);
	assert_int_equal(request(world, &ask_bind, "instance", "db", "app", "shop", NULL).code, ERR_UNAVAILABLE);
	pass(world, 7 * 60 * 1000);
	restart(world);
	scripted_rule(scripted(world), CALL_BIND, SCRIPTED_LOCK, 0, 500, 0);
	pass(world, 2 * 60 * 1000);
	assert_string_equal(binds(world, "db"), "[]");
}

/* A lock that passes is not felt: the bind that waits is answered well. */
static void test_bind_waits_for_a_lock(void **state)
{
	struct world *world = *state;

	use_places(world, "4");
	assert_int_equal(request(world, &ask_create, "instance", "db", "team", "red", NULL).code, 0);
	scripted_rule(scripted(world), CALL_BIND, SCRIPTED_LOCK, 5, 500, 0);
	assert_true(time_bind(world, "db", "shop") < 20000);
}

static void unbind_hanging(struct world *world, struct ask *asks)
{
	for (int i = 0; i < HOSTILE; i++)
		assert_int_equal(request(world, &ask_bind, "instance", name_of("bad", i), "app", "shop", NULL).code, 0);
	scripted_rule(scripted(world), CALL_UNBIND, SCRIPTED_HANG, 0, 0, 0);
	for (int i = 0; i < HOSTILE; i++)
		begin(world, &asks[i], &ask_unbind, "instance", name_of("bad", i), "app", "shop", NULL);
	pass(world, 1000);
}

/* A lock that is let go for a moment makes nobody fresh; a minute without one does. */
static void test_locks_that_come_and_go(void **state)
{
	static struct ask asks[2][HOSTILE];
	struct world *world = *state;

	use_places(world, "4");
	begin_hostile(world, SCRIPTED_LOCK, 0);
	scripted_clear_rules(scripted(world));
	pass(world, 6000);
	assert_int_equal(scripted_logins(scripted(world)), 0);
	unbind_hanging(world, asks[0]);
	assert_int_equal(running(world), 1);
	scripted_clear_rules(scripted(world));
	scripted_release(scripted(world));
	pass(world, 3 * 60 * 1000);
	unbind_hanging(world, asks[1]);
	assert_int_equal(running(world), 4);
}

/* So it is for what stands behind in the instance's own line. */
static void test_what_follows_a_lock_is_not_fresh(void **state)
{
	static struct ask asks[HOSTILE];
	struct world *world = *state;

	use_places(world, "4");
	begin_hostile(world, SCRIPTED_LOCK, 0);
	scripted_rule(scripted(world), CALL_BIND, SCRIPTED_HANG, 0, 0, 0);
	for (int i = 0; i < HOSTILE; i++)
		begin(world, &asks[i], &ask_bind, "instance", name_of("bad", i), "app", "other", NULL);
	settle(world);
	scripted_clear_rules(scripted(world));
	scripted_rule(scripted(world), CALL_BIND, SCRIPTED_HANG, 0, 0, 0);
	pass(world, 6000);
	assert_int_equal(running(world), 1);
}

/* With one place the fresh go first, and the hostile have no more than a quarter of the time. */
static void test_single_place(void **state)
{
	struct world *world = *state;
	int busy = 0;

	use_places(world, "1");
	begin_hostile(world, SCRIPTED_HANG, 0);
	pass(world, 120000); /* all have been tried */
	for (int i = 0; i < 6000; i++) {
		pass(world, 100);
		busy += running(world) > 0;
	}
	assert_true(busy > 600 && busy < 1800);
}

static void cancel_unbind(struct world *world, const char *instance)
{
	const struct caller operator= {.user = "ops"};
	const struct job *job =
	    queue_find(&world->broker->queue, incarnation_of(world, instance), NULL, OPERATION_UNBIND);
	struct error error;

	assert_non_null(job);
	assert_int_equal(operator_cancel(broker_requests(world->broker), &operator, job->id, NULL, NULL, &error), 0);
}

/* The place is kept from the held-up for a while after each try, and from nobody else: also when the first who gets it
 * has nothing to do any more. */
static void test_rest_of_the_held_up_is_not_that_of_others(void **state)
{
	struct world *world = *state;
	struct ask asks[3], bad;

	use_places(world, "1");
	make_bound(world, "red", "bad", 1);
	make_bound(world, "blue", "good", 3);
	scripted_rule(scripted(world), CALL_UNBIND, SCRIPTED_LOCK, 0, 9000, 0);
	begin(world, &bad, &ask_unbind, "instance", "bad0", "app", "shop", NULL);
	pass(world, 2 * 9000 + 3000); /* it was tried twice, and waits for its turn, which comes after 27 s */
	scripted_rule(scripted(world), CALL_BIND, SCRIPTED_DELAY, 1, 1000, 0);
	begin(world, &asks[0], &ask_bind, "instance", name_of("good", 0), "app", "other", NULL);
	begin(world, &asks[1], &ask_unbind, "instance", name_of("good", 1), "app", "shop", NULL);
	begin(world, &asks[2], &ask_bind, "instance", name_of("good", 2), "app", "other", NULL);
	settle(world);
	cancel_unbind(world, "good1");
	pass(world, 1100);
	assert_true(asks[0].answer.came && asks[0].answer.code == 0);
	assert_true(asks[1].answer.came && asks[1].answer.code != 0);
	assert_true(asks[2].answer.came && asks[2].answer.code == 0);
}

/* 40 creates of one team that wait, and one of another, which is the second to run. */
static void test_teams_take_turns(void **state)
{
	static struct ask asks[40], other;
	static char names[40][16];
	struct world *world = *state;

	use_places(world, "1");
	scripted_rule(scripted(world), CALL_PROVISION, SCRIPTED_DELAY, 0, 1000, 0);
	for (int i = 0; i < 40; i++) {
		snprintf(names[i], sizeof(names[i]), "db%d", i);
		begin(world, &asks[i], &ask_create, "instance", names[i], "team", "red", NULL);
	}
	settle(world);
	begin(world, &other, &ask_create, "instance", "blue", "team", "blue", NULL);
	pass(world, 3000);
	assert_true(other.answer.came && other.answer.code == 0);
	assert_false(asks[39].answer.came);
	pass(world, 60000);
	assert_int_equal(asks[39].answer.code, 0);
}

/* What had been held up is not known after a restart; its places are as many as ever. */
static void test_after_a_restart(void **state)
{
	struct world *world = *state;

	use_places(world, "4");
	begin_hostile(world, SCRIPTED_LOCK, 1000);
	restart(world);
	scripted_rule(scripted(world), CALL_UNBIND, SCRIPTED_LOCK, 0, 1000, 0);
	for (int i = 0; i < 300; i++) {
		pass(world, 100);
		assert_true(running(world) <= 4);
	}
	assert_true(scripted_begun(scripted(world), CALL_UNBIND) >= HOSTILE);
	pass(world, 10000);
	assert_true(running(world) <= 1);
}

/* What waits for a place, fresh or held up, goes on under another configuration. */
static void test_reload_takes_what_waits_along(void **state)
{
	static struct ask asks[HOSTILE];
	struct world *world = *state;

	use_places(world, "2");
	begin_hostile(world, SCRIPTED_LOCK, 1000);
	scripted_rule(scripted(world), CALL_PROVISION, SCRIPTED_DELAY, 0, 5000, 0);
	for (int i = 0; i < HOSTILE; i++)
		begin(world, &asks[i], &ask_create, "instance", name_of("good", i), "team", "blue", NULL);
	settle(world);
	reload_edited(world, "capacity: 4, parallel: 2", "capacity: 100000, parallel: 8");
	pass(world, 60000);
	for (int i = 0; i < HOSTILE; i++)
		assert_int_equal(asks[i].answer.code, 0);
	assert_int_equal(scripted_logins(scripted(world)), 0);
	assert_int_equal(running(world), 0);
}

/* A server that answers nobody is nobody's fault: once it is back, all its places are used. */
static void test_server_that_was_down(void **state)
{
	struct world *world = *state;
	struct ask asks[4];

	use_places(world, "4");
	make_bound(world, "red", "good", 4);
	scripted_rule(scripted(world), 0, SCRIPTED_HANG, 0, 0, 0);
	pass(world, 20000); /* its check has failed */
	for (int i = 0; i < 4; i++)
		begin(world, &asks[i], &ask_unbind, "instance", name_of("good", i), "app", "shop", NULL);
	pass(world, 60000);
	scripted_clear_rules(scripted(world));
	scripted_rule(scripted(world), CALL_UNBIND, SCRIPTED_DELAY, 0, 60000, 0);
	for (int i = 0; i < 300 && running(world) < 4; i++)
		pass(world, 100);
	assert_int_equal(running(world), 4);
}

static void expect_seen(struct world *world, const char *instance, bool seen)
{
	assert_int_equal(strstr(describe(world, instance), "Logins") != NULL, seen);
}

/* Instances whose state cannot be asked for have one of the two places for that, and those who can the other. */
static void test_looking_at_what_is_late(void **state)
{
	struct world *world = *state;

	use_places(world, "4");
	make_bound(world, "red", "bad", HOSTILE);
	make_bound(world, "blue", "good", 1);
	scripted_rule(scripted(world), CALL_OBSERVE, SCRIPTED_HANG, 0, 0, 0);
	for (int i = 0; i < HOSTILE; i++)
		describe(world, name_of("bad", i));
	pass(world, HOSTILE * 10 * 1000 / 2);
	for (int i = 0; i < HOSTILE; i++)
		describe(world, name_of("bad", i));
	settle(world);
	scripted_clear_rules(scripted(world));
	expect_seen(world, "good0", false);
	settle(world);
	expect_seen(world, "good0", true);
	expect_seen(world, "bad11", false);
	pass(world, 10000); /* the one that hangs ends */
	for (int i = 0; i < HOSTILE; i++) {
		describe(world, name_of("bad", i));
		settle(world);
		expect_seen(world, name_of("bad", i), true);
	}
}

/* The drift pass looks at what nothing is in the way of: it would wait for the same lock. */
static void test_drift_leaves_out_what_is_held_up(void **state)
{
	struct world *world = *state;
	struct error error;

	use_places(world, "4");
	make_bound(world, "blue", "good", 2);
	begin_hostile(world, SCRIPTED_LOCK, 1000);
	pass(world, 5000);
	assert_int_equal(drift_start(broker_upkeep(world->broker), &error), 0);
	pass(world, 60000);
	assert_int_equal(scripted_begun(scripted(world), CALL_INSPECT), 2);
}

#define LIFE(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    LIFE(test_locks_hold_no_places),
	    LIFE(test_timeouts_go_behind),
	    LIFE(test_locked_removals_end),
	    LIFE(test_locked_bind_expires),
	    LIFE(test_locked_bind_expires_over_a_restart),
	    LIFE(test_bind_waits_for_a_lock),
	    LIFE(test_locks_that_come_and_go),
	    LIFE(test_what_follows_a_lock_is_not_fresh),
	    LIFE(test_single_place),
	    LIFE(test_rest_of_the_held_up_is_not_that_of_others),
	    LIFE(test_teams_take_turns),
	    LIFE(test_after_a_restart),
	    LIFE(test_reload_takes_what_waits_along),
	    LIFE(test_server_that_was_down),
	    LIFE(test_looking_at_what_is_late),
	    LIFE(test_drift_leaves_out_what_is_held_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
