/* The roster: who is present, who was left, and the conditions that tell the server of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "driver/postgres/roster.h"

struct fixture {
	struct driver_context context;
	struct service service;
	struct roster roster;
	struct sql sql;
	int told;
};

static struct fixture fixture;

static void on_left(void *arg)
{
	(void)arg;
	fixture.told++;
}

static int setup(void **state)
{
	(void)state;
	fixture = (struct fixture){.service = {.name = "databases"}};
	fixture.context.timers = timers_new_manual(0);
	fixture.context.store = "1a2b3c4d5e6f7081";
	assert_non_null(fixture.context.timers);
	roster_init(&fixture.roster, &fixture.context, &fixture.service);
	fixture.roster.on_left = on_left;
	sql_init(&fixture.sql, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sql_release(&fixture.sql);
	timers_free(fixture.context.timers);
	return 0;
}

static void leave(int pid, bool is_asking)
{
	struct roster_entry entry;

	roster_enter(&fixture.roster, &entry);
	assert_true(roster_know(&entry, pid, "noon"));
	roster_leave(&entry, is_asking);
}

static const char *left(void)
{
	sql_begin(&fixture.sql, NULL);
	roster_add_left(&fixture.roster, &fixture.sql);
	return sql_string(&fixture.sql);
}

static void test_only_who_was_asking_is_left(void **state)
{
	struct roster_entry unknown;

	(void)state;
	leave(7, false);
	roster_enter(&fixture.roster, &unknown);
	roster_leave(&unknown, true);
	assert_int_equal(fixture.roster.left_count, 0);
	assert_int_equal(fixture.told, 0);
	leave(8, true);
	assert_int_equal(fixture.roster.left_count, 1);
	assert_int_equal(fixture.told, 1);
	assert_int_equal(fixture.roster.count, 0);
	assert_string_equal(fixture.roster.name, "tsuru-broker 1a2b3c4d databases");
}

/* A process of that number that began after the session was left is another one. */
static void test_conditions(void **state)
{
	struct roster_entry first, second;

	(void)state;
	roster_enter(&fixture.roster, &first);
	assert_true(roster_know(&first, 11, "noon"));
	roster_enter(&fixture.roster, &second);
	sql_begin(&fixture.sql, NULL);
	roster_add_stray(&fixture.roster, &fixture.sql);
	assert_string_equal(sql_string(&fixture.sql), ROSTER_OURS " AND a.pid <> ALL ('{0,0,11}')");
	leave(12, true);
	timers_advance(fixture.context.timers, 1500);
	leave(13, true);
	assert_string_equal(left(),
	                    ROSTER_OURS " AND (false OR a.pid = 12 AND a.backend_start < now() - 1500 * interval '1 ms'"
	                                " OR a.pid = 13 AND a.backend_start < now() - 0 * interval '1 ms')");
	roster_forget(&fixture.roster, 1);
	assert_non_null(strstr(left(), "(false OR a.pid = 13 "));
	roster_leave(&first, false);
	roster_leave(&second, false);
}

/* Two sessions that are present at one process prove that something between lets them share it. */
static void test_a_process_of_two_sessions(void **state)
{
	struct roster_entry first, second, third;

	(void)state;
	roster_enter(&fixture.roster, &first);
	roster_enter(&fixture.roster, &second);
	roster_enter(&fixture.roster, &third);
	assert_true(roster_know(&first, 11, "noon"));
	assert_false(roster_know(&second, 11, "noon"));
	assert_true(roster_know(&third, 11, "midnight"));
	roster_leave(&first, false);
	assert_true(roster_know(&second, 11, "noon"));
	roster_leave(&second, false);
	roster_leave(&third, false);
}

/* A pooler gives a process that was left to the next session: it is not to be ended with that. */
static void test_a_process_that_is_used_again(void **state)
{
	struct roster_entry again;

	(void)state;
	leave(12, true);
	leave(13, true);
	roster_enter(&fixture.roster, &again);
	assert_true(roster_know(&again, 12, "noon"));
	assert_null(strstr(left(), "a.pid = 12 "));
	assert_non_null(strstr(left(), "a.pid = 13 "));
	assert_int_equal(fixture.roster.left_count, 2);
	roster_leave(&again, false);
}

static void test_of_too_many_the_oldest_are_dropped(void **state)
{
	(void)state;
	for (int pid = 1; pid <= ROSTER_LEFT_MAX + 3; pid++)
		leave(pid, true);
	assert_int_equal(fixture.roster.left_count, ROSTER_LEFT_MAX);
	assert_int_equal(fixture.roster.left[0].pid, 4);
	assert_int_equal(fixture.roster.left[ROSTER_LEFT_MAX - 1].pid, ROSTER_LEFT_MAX + 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_only_who_was_asking_is_left),        TEST(test_conditions),
	    TEST(test_a_process_of_two_sessions),          TEST(test_a_process_that_is_used_again),
	    TEST(test_of_too_many_the_oldest_are_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
