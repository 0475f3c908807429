/* The trim: it looks again and again, leaves what is in use alone, and stops. How much comes back is test/bench's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/trim.h"

#define BLOCKS 20000
#define SIZE   1000

/* Every 50th block stays in use, so that free() alone gives next to nothing back. */
static void leaves_what_is_in_use_alone(void **state)
{
	struct timers *timers = timers_new_manual(0);
	char **blocks = calloc(BLOCKS, sizeof(*blocks));
	struct error error;
	struct trim trim;

	(void)state;
	assert_non_null(timers);
	assert_non_null(blocks);
	assert_int_equal(trim_start(&trim, timers, &error), 0);
	for (size_t i = 0; i < BLOCKS; i++) {
		blocks[i] = malloc(SIZE);
		assert_non_null(blocks[i]);
		memset(blocks[i], (int)(i / 50), SIZE);
	}
	for (size_t i = 0; i < BLOCKS; i++) {
		if (i % 50 != 0)
			free(blocks[i]);
	}
	timers_advance(timers, 3 * TRIM_BEAT);
	assert_true(timer_running(&trim.timer));
	for (size_t i = 0; i < BLOCKS; i += 50) {
		for (size_t j = 0; j < SIZE; j++)
			assert_int_equal((unsigned char)blocks[i][j], (unsigned char)(i / 50));
		free(blocks[i]);
	}
	trim_stop(&trim);
	assert_false(timer_running(&trim.timer));
	free(blocks);
	timers_free(timers);
}

static void stops_what_never_started(void **state)
{
	struct trim trim = {0};

	(void)state;
	trim_stop(&trim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(leaves_what_is_in_use_alone),
	    cmocka_unit_test(stops_what_never_started),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
