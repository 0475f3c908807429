/* The end of a loop leaks nothing: the sanitizer of the build that has one says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/loop.h"

static void on_read(struct bufferevent *stream, void *arg)
{
	(void)stream;
	(void)arg;
	fail_msg("it was freed before");
}

static void end(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(arg);
}

/* The stream is read, and the loop ends in the same turn. */
static void test_callback_that_is_due_at_the_end(void **state)
{
	struct event_base *base = event_base_new();
	struct bufferevent *stream;
	struct event *last;
	int read[2], called[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, read), 0);
	assert_int_equal(pipe(called), 0);
	stream = bufferevent_socket_new(base, read[0], BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	bufferevent_setcb(stream, on_read, NULL, NULL, NULL);
	bufferevent_enable(stream, EV_READ);
	last = event_new(base, called[0], EV_READ, end, base);
	assert_int_equal(event_add(last, NULL), 0);
	assert_int_equal(write(read[1], "x", 1), 1);
	assert_int_equal(write(called[1], "x", 1), 1);
	assert_int_equal(event_base_dispatch(base), 0);
	event_free(last);
	bufferevent_free(stream);
	loop_free(base);
	close(read[1]);
	close(called[0]);
	close(called[1]);
}

static void test_no_loop(void **state)
{
	(void)state;
	loop_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_callback_that_is_due_at_the_end),
	    cmocka_unit_test(test_no_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
