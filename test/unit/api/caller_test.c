/* Request ids and trace ids: what is taken from a client, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/caller.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"

static void takes_the_trace_id(void **state)
{
	char trace[TRACE_ID_LENGTH + 1];

	(void)state;
	assert_true(caller_parse_trace("00-" TRACE "-00f067aa0ba902b7-01", trace));
	assert_string_equal(trace, TRACE);
}

static void takes_a_later_version_with_more_behind(void **state)
{
	char trace[TRACE_ID_LENGTH + 1];

	(void)state;
	assert_true(caller_parse_trace("01-" TRACE "-00f067aa0ba902b7-01-more", trace));
	assert_string_equal(trace, TRACE);
}

static void refuses_what_is_no_traceparent(void **state)
{
	static const char *const wrong[] = {
	    "",
	    "00-" TRACE,
	    "00-" TRACE "-00f067aa0ba902b7-0",
	    "00-" TRACE "-00f067aa0ba902b7-01-more",
	    "01-" TRACE "-00f067aa0ba902b7-01more",
	    "ff-" TRACE "-00f067aa0ba902b7-01",
	    "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
	    "00-" TRACE "-0000000000000000-01",
	    "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
	    "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
	    "00_" TRACE "-00f067aa0ba902b7-01",
	    "00-" TRACE "_00f067aa0ba902b7-01",
	    "00-" TRACE "-00f067aa0ba902b7_01",
	    "0g-" TRACE "-00f067aa0ba902b7-01",
	};
	char trace[TRACE_ID_LENGTH + 1] = "untouched";

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_false(caller_parse_trace(wrong[i], trace));
		assert_string_equal(trace, "untouched");
	}
}

static void takes_a_request_id_of_visible_ascii(void **state)
{
	char longest[REQUEST_ID_MAX + 2];

	(void)state;
	assert_true(caller_is_request_id("!req-1~"));
	assert_false(caller_is_request_id(""));
	assert_false(caller_is_request_id("a b"));
	assert_false(caller_is_request_id("a\tb"));
	assert_false(caller_is_request_id("a\x7f"));
	assert_false(caller_is_request_id("\xc3\xa9"));
	memset(longest, 'x', sizeof(longest));
	longest[REQUEST_ID_MAX] = '\0';
	assert_true(caller_is_request_id(longest));
	longest[REQUEST_ID_MAX] = 'x';
	longest[REQUEST_ID_MAX + 1] = '\0';
	assert_false(caller_is_request_id(longest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_the_trace_id),
	    cmocka_unit_test(takes_a_later_version_with_more_behind),
	    cmocka_unit_test(refuses_what_is_no_traceparent),
	    cmocka_unit_test(takes_a_request_id_of_visible_ascii),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
