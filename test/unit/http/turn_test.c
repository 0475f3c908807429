/* A few in a turn of the loop, whatever becomes of the timer that begins the next one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>

#include "http/connection.h"
#include "http/turn.h"

#define AT_ONCE 2
#define WAITING 5

/* The linker sends turn.c's calls here. */
int __wrap_event_add(struct event *event, const struct timeval *timeout);
int __real_event_add(struct event *event, const struct timeval *timeout);

static bool memory_is_out;
static size_t gone_on, ends;

int __wrap_event_add(struct event *event, const struct timeval *timeout)
{
	return memory_is_out ? -1 : __real_event_add(event, timeout);
}

struct fixture {
	struct event_base *base;
	struct turns turns;
	struct connection connections[WAITING];
};

static void on_go_on(struct connection *connection)
{
	(void)connection;
	gone_on++;
}

static void on_end(void *arg)
{
	(void)arg;
	ends++;
}

static void setup(struct fixture *fixture)
{
	*fixture = (struct fixture){.base = event_base_new()};
	assert_non_null(fixture->base);
	fixture->turns.on_end = on_end;
	gone_on = ends = 0;
	assert_int_equal(turns_init(&fixture->turns, fixture->base, CROWD_HANDSHAKES, AT_ONCE, on_go_on), 0);
}

static void all_wait(struct fixture *fixture)
{
	for (size_t i = 0; i < WAITING; i++) {
		struct connection *connection = &fixture->connections[i];

		connection->place.connection = connection;
		turn_wait(&fixture->turns, &connection->turn, &connection->place);
	}
}

static void teardown(struct fixture *fixture)
{
	turns_release(&fixture->turns);
	event_base_free(fixture->base);
}

static void test_some_go_on_in_a_turn(void **state)
{
	struct fixture fixture;

	(void)state;
	setup(&fixture);
	all_wait(&fixture);
	assert_int_equal(gone_on, 0);
	for (size_t turn = 1; turn <= 3; turn++) {
		event_base_loop(fixture.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		assert_int_equal(gone_on, turn < 3 ? turn * AT_ONCE : WAITING);
		assert_int_equal(ends, turn);
	}
	teardown(&fixture);
}

static void test_without_memory_for_a_timer_all_go_on(void **state)
{
	struct fixture fixture;

	(void)state;
	setup(&fixture);
	memory_is_out = true;
	all_wait(&fixture);
	for (size_t turn = 0; turn < WAITING; turn++)
		event_base_loop(fixture.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	memory_is_out = false;
	assert_int_equal(gone_on, WAITING);
	teardown(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_some_go_on_in_a_turn),
	    cmocka_unit_test(test_without_memory_for_a_timer_all_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
