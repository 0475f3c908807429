/* The pulse: the longest lateness is kept, one over the limit leaves a line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/pulse.h"

static void keeps_the_longest(void **state)
{
	struct timers *timers = timers_new_manual(0);
	struct error error;
	struct pulse pulse;

	(void)state;
	assert_non_null(timers);
	assert_int_equal(pulse_start(&pulse, timers, NULL, &error), 0);
	timers_advance(timers, 10 * PULSE_BEAT);
	assert_int_equal(pulse.longest, 0);
	assert_true(timer_running(&pulse.timer));
	pulse_note(&pulse, 40);
	pulse_note(&pulse, 7);
	assert_int_equal(pulse.longest, 40);
	pulse_stop(&pulse);
	assert_false(timer_running(&pulse.timer));
	timers_free(timers);
}

static void a_stall_leaves_a_line(void **state)
{
	struct timers *timers = timers_new_manual(0);
	struct log log = {.level = LOG_INFO};
	char line[LOG_LINE_MAX] = "";
	struct error error;
	struct pulse pulse;
	int ends[2];

	(void)state;
	assert_non_null(timers);
	assert_int_equal(pipe(ends), 0);
	log.fd = ends[1];
	assert_int_equal(pulse_start(&pulse, timers, &log, &error), 0);
	pulse_note(&pulse, PULSE_STALL);
	pulse_note(&pulse, PULSE_STALL + 1);
	close(ends[1]);
	assert_true(read(ends[0], line, sizeof(line) - 1) > 0);
	assert_non_null(strstr(line, "event=loop-stall ms=101\n"));
	assert_null(strstr(line, "ms=100"));
	close(ends[0]);
	pulse_stop(&pulse);
	timers_free(timers);
}

static void stops_what_never_started(void **state)
{
	struct pulse pulse = {0};

	(void)state;
	pulse_stop(&pulse);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(keeps_the_longest),
	    cmocka_unit_test(a_stall_leaves_a_line),
	    cmocka_unit_test(stops_what_never_started),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
