/* Who gets the next place of a host. The jobs here are bare: nothing runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "queue/places.h"

#define JOBS 1000

struct world {
	struct host host;
	struct lane lanes[JOBS];
	struct job jobs[JOBS];
	size_t count;
	int64_t now;
};

static struct world world;

static int setup(void **state)
{
	(void)state;
	world = (struct world){.now = 1000};
	places_init(&world.host.places, 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < world.count; i++)
		if (world.jobs[i].waiting_in != NULL)
			places_leave(&world.jobs[i]);
	assert_int_equal(places_waiting(&world.host.places), 0);
	return 0;
}

static struct job *add(const char *team, bool held_up)
{
	struct job *job = &world.jobs[world.count];

	assert_true(world.count < JOBS);
	job->lane = &world.lanes[world.count++];
	job->lane->held_up = held_up;
	job->host = &world.host;
	snprintf(job->team, sizeof(job->team), "%s", team);
	places_wait(job);
	return job;
}

static struct job *next(void)
{
	int64_t rest;

	return places_next(&world.host.places, world.now, &rest);
}

/* The next one, which is done at once. */
static struct job *run(void)
{
	struct job *job = next();

	if (job != NULL)
		places_free(job, false, world.now);
	return job;
}

static void test_one_team_is_served_in_order(void **state)
{
	struct job *jobs[3];

	(void)state;
	for (size_t i = 0; i < 3; i++)
		jobs[i] = add("red", false);
	for (size_t i = 0; i < 3; i++)
		assert_ptr_equal(run(), jobs[i]);
	assert_null(run());
}

/* 500 operations of one team do not hold up another team's one. */
static void test_teams_take_turns(void **state)
{
	struct job *blue, *green;

	(void)state;
	for (size_t i = 0; i < 500; i++)
		add("red", false);
	blue = add("blue", false);
	assert_string_equal(run()->team, "red");
	green = add("green", false);
	assert_ptr_equal(run(), blue);
	assert_string_equal(run()->team, "red");
	assert_ptr_equal(run(), green);
	for (size_t i = 2; i < 500; i++)
		assert_string_equal(run()->team, "red");
	assert_null(run());
}

static void test_no_more_than_there_are_places(void **state)
{
	struct job *first;

	(void)state;
	places_init(&world.host.places, 2);
	add("red", false);
	add("red", false);
	add("red", false);
	first = next();
	assert_non_null(first);
	assert_non_null(next());
	assert_null(next());
	places_free(first, false, world.now);
	assert_non_null(next());
	assert_null(next());
}

static void test_fresh_ones_go_first(void **state)
{
	struct job *held = add("red", true), *fresh = add("red", false);

	(void)state;
	assert_ptr_equal(run(), fresh);
	assert_ptr_equal(run(), held);
}

/* However busy the host is, what was held up has its turn. */
static void test_nobody_starves(void **state)
{
	struct job *held = add("red", true);
	size_t before = 0;

	(void)state;
	for (size_t i = 0; i < 20; i++)
		add("blue", false);
	while (run() != held)
		before++;
	assert_int_equal(before, 8);
}

/* A quarter of the places, however many of them are free. */
static void test_share_of_what_is_held_up(void **state)
{
	static const size_t shares[][2] = {{1, 1}, {2, 1}, {4, 1}, {7, 1}, {8, 2}, {64, 16}};

	(void)state;
	for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++) {
		size_t running = 0;

		places_init(&world.host.places, shares[i][0]);
		for (size_t j = 0; j < shares[i][0]; j++)
			add("red", true);
		while (next() != NULL)
			running++;
		assert_int_equal(running, shares[i][1]);
		for (size_t j = running; j < shares[i][0]; j++)
			add("blue", false);
		for (; next() != NULL; running++)
			;
		assert_int_equal(running, shares[i][0]);
		teardown(NULL);
	}
}

/* Where the one place is all there is, what is held up has it for a quarter of the time. */
static void test_share_of_the_time(void **state)
{
	struct job *held = add("red", true), *fresh;
	int64_t rest;

	(void)state;
	assert_ptr_equal(next(), held);
	world.now += 1000;
	places_free(held, true, world.now);
	places_wait(held);
	assert_null(places_next(&world.host.places, world.now, &rest));
	assert_int_equal(rest, 3000);
	world.now += 2999;
	assert_null(next());
	fresh = add("blue", false);
	assert_ptr_equal(run(), fresh);
	world.now += 1;
	assert_ptr_equal(next(), held);
	places_free(held, false, world.now); /* it went well: no rest */
	held = add("red", true);
	assert_ptr_equal(next(), held);
}

/* One that leaves takes nothing with it. */
static void test_leaving(void **state)
{
	struct job *first = add("red", false), *second = add("red", false), *third = add("blue", false);

	(void)state;
	places_leave(first);
	places_leave(third);
	assert_int_equal(places_waiting(&world.host.places), 1);
	assert_ptr_equal(run(), second);
	assert_null(run());
}

#define PLACES(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    PLACES(test_one_team_is_served_in_order),
	    PLACES(test_teams_take_turns),
	    PLACES(test_no_more_than_there_are_places),
	    PLACES(test_fresh_ones_go_first),
	    PLACES(test_nobody_starves),
	    PLACES(test_share_of_what_is_held_up),
	    PLACES(test_share_of_the_time),
	    PLACES(test_leaving),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
