/* Timers: order, moving, stopping, callbacks that start and stop others; on the manual and on the real clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <event2/event.h>
#include <stdlib.h>

#include "base/timer.h"

#define COUNT 200

struct probe {
	struct timers *timers;
	struct timer timer;
	int64_t fired_at;
	int fired;
	struct probe *victim; /* stopped when this one fires */
	bool again;           /* starts itself anew with no delay */
};

static void on_timer(void *arg)
{
	struct probe *probe = arg;

	probe->fired++;
	probe->fired_at = timers_now(probe->timers);
	if (probe->victim != NULL)
		timer_stop(probe->timers, &probe->victim->timer);
	if (probe->again && probe->fired < 5)
		assert_int_equal(timer_start(probe->timers, &probe->timer, 0), 0);
}

static void start(struct timers *timers, struct probe *probe, int64_t delay)
{
	probe->timers = timers;
	timer_init(&probe->timer, on_timer, probe);
	assert_int_equal(timer_start(timers, &probe->timer, delay), 0);
	assert_true(timer_running(&probe->timer));
	assert_int_equal(probe->fired, 0);
}

static void test_order_of_deadlines(void **state)
{
	static struct probe probes[COUNT];
	struct timers *timers = timers_new_manual(1000);

	(void)state;
	assert_non_null(timers);
	srand(7);
	for (int i = 0; i < COUNT; i++)
		start(timers, &probes[i], rand() % 1000);
	for (int i = 0; i < COUNT; i += 3)
		timer_stop(timers, &probes[i].timer);
	for (int i = 1; i < COUNT; i += 3)
		assert_int_equal(timer_start(timers, &probes[i].timer, 500), 0);
	for (int i = 0; i < 100; i++)
		timers_advance(timers, 10);
	for (int i = 0; i < COUNT; i++) {
		assert_int_equal(probes[i].fired, i % 3 == 0 ? 0 : 1);
		assert_false(timer_running(&probes[i].timer));
		if (i % 3 != 0)
			assert_int_equal(probes[i].fired_at, probes[i].timer.deadline);
	}
	assert_int_equal(timers_now(timers), 1000);
	assert_int_equal(timers_wall(timers), 2000);
	timers_free(timers);
}

static void test_callbacks_may_stop_and_start(void **state)
{
	struct timers *timers = timers_new_manual(0);
	struct probe first = {0}, victim = {0}, again = {.again = true};

	(void)state;
	assert_non_null(timers);
	first.victim = &victim;
	start(timers, &first, 10);
	start(timers, &victim, 20);
	start(timers, &again, 5);
	timers_advance(timers, 100);
	assert_int_equal(first.fired, 1);
	assert_int_equal(victim.fired, 0);
	assert_int_equal(again.fired, 5);
	timers_free(timers);
}

static void test_real_clock(void **state)
{
	struct event_base *base = event_base_new();
	struct timers *timers = timers_new(base);
	struct probe late = {0}, soon = {0}, stopped = {0};
	int64_t begin;

	(void)state;
	assert_non_null(timers);
	begin = timers_now(timers);
	start(timers, &late, 20);
	start(timers, &soon, 0);
	start(timers, &stopped, 5);
	timer_stop(timers, &stopped.timer);
	while (late.fired == 0)
		assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
	assert_int_equal(soon.fired, 1);
	assert_int_equal(stopped.fired, 0);
	assert_true(timers_now(timers) - begin >= 20);
	assert_int_equal(event_base_loop(base, EVLOOP_NONBLOCK), 1); /* nothing is left that could happen */
	timers_free(timers);
	event_base_free(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_order_of_deadlines),
	    cmocka_unit_test(test_callbacks_may_stop_and_start),
	    cmocka_unit_test(test_real_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
