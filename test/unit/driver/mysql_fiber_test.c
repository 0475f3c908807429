/* Fibers: left and gone on with, many at once, each with its own stack. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "driver/mysql/fiber.h"

#define FIBERS 50
#define LEAVES 20

struct work {
	struct fiber *fiber;
	int number, sum;
};

/* The frame has to be as it was whenever the fiber goes on. */
static void run(void *arg)
{
	struct work *work = arg;
	unsigned char frame[4096];

	memset(frame, work->number, sizeof(frame));
	for (int i = 0; i < LEAVES; i++) {
		assert_ptr_equal(fiber_running(), work);
		fiber_leave(work->fiber);
		work->sum += frame[i * 100];
	}
}

static void test_many_in_turn(void **state)
{
	struct work works[FIBERS] = {{0}};

	(void)state;
	for (int i = 0; i < FIBERS; i++) {
		works[i].number = i;
		works[i].fiber = fiber_new(run, &works[i]);
		assert_non_null(works[i].fiber);
	}
	for (int turn = 0; turn <= LEAVES; turn++)
		for (int i = 0; i < FIBERS; i++)
			assert_int_equal(fiber_resume(works[i].fiber), turn == LEAVES);
	for (int i = 0; i < FIBERS; i++) {
		assert_int_equal(works[i].sum, i * LEAVES);
		fiber_free(works[i].fiber);
	}
}

static void test_never_begun(void **state)
{
	struct work work = {0};

	(void)state;
	work.fiber = fiber_new(run, &work);
	assert_non_null(work.fiber);
	fiber_free(work.fiber);
	fiber_free(NULL);
	assert_int_equal(work.sum, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_many_in_turn),
	    cmocka_unit_test(test_never_begun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
