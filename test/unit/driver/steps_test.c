/* The step runner: order, ends of all kinds, and a flat stack. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver/steps.h"

#define MANY 100000

struct work {
	struct steps steps;
	char trace[64];
	size_t runs;
	int ends;
	int code;
	char text[ERROR_TEXT_MAX];
	const char *lowest, *highest; /* of the stack, as steps saw it */
};

static void note(struct work *work, const char *mark)
{
	strncat(work->trace, mark, sizeof(work->trace) - strlen(work->trace) - 1);
}

static void on_end(void *arg, int code, const struct error *error)
{
	struct work *work = arg;

	work->ends++;
	work->code = code;
	strcpy(work->text, error->text);
	note(work, ".");
	assert_string_equal(steps_name(&work->steps), "");
}

static void step_now(void *arg)
{
	struct work *work = arg;

	note(work, "n");
	assert_string_equal(steps_name(&work->steps), "end_now");
	steps_next(&work->steps);
	note(work, "'");
}

static void step_later(void *arg)
{
	struct work *work = arg;

	note(work, "l");
	assert_string_equal(steps_name(&work->steps), "end_later");
}

static void step_finish(void *arg)
{
	struct work *work = arg;

	note(work, "f");
	steps_finish(&work->steps);
	note(work, "'");
}

static void step_fail(void *arg)
{
	struct work *work = arg;
	struct error error;

	error_set(&error, ERR_REFUSED, "it said no");
	note(work, "x");
	steps_fail(&work->steps, &error);
	error_set(&error, ERR_INTERNAL, "changed afterwards");
	note(work, "'");
}

static void test_now_and_later(void **state)
{
	static const struct step table[] = {{"end_now", step_now},
	                                    {"end_later", step_later},
	                                    {"end_now", step_now},
	                                    {"end_later", step_later},
	                                    {NULL, NULL}};
	struct work work = {.code = 99};

	(void)state;
	steps_start(&work.steps, table, &work, on_end);
	assert_string_equal(work.trace, "n'l");
	assert_int_equal(work.ends, 0);
	assert_string_equal(steps_name(&work.steps), "end_later");
	steps_next(&work.steps);
	assert_string_equal(work.trace, "n'ln'l");
	steps_next(&work.steps);
	assert_string_equal(work.trace, "n'ln'l.");
	assert_int_equal(work.ends, 1);
	assert_int_equal(work.code, 0);
}

static void test_empty_table(void **state)
{
	static const struct step table[] = {{NULL, NULL}};
	struct work work = {.code = 99};

	(void)state;
	steps_start(&work.steps, table, &work, on_end);
	assert_int_equal(work.ends, 1);
	assert_int_equal(work.code, 0);
}

static void test_finish_skips_the_rest(void **state)
{
	static const struct step inside[] = {{"finish", step_finish}, {"end_now", step_now}, {NULL, NULL}};
	static const struct step later[] = {{"end_later", step_later}, {"end_now", step_now}, {NULL, NULL}};
	struct work work = {.code = 99};

	(void)state;
	steps_start(&work.steps, inside, &work, on_end);
	assert_string_equal(work.trace, "f'.");
	assert_int_equal(work.code, 0);
	work = (struct work){.code = 99};
	steps_start(&work.steps, later, &work, on_end);
	steps_finish(&work.steps);
	assert_string_equal(work.trace, "l.");
	assert_int_equal(work.ends, 1);
	assert_int_equal(work.code, 0);
}

static void test_fail(void **state)
{
	static const struct step inside[] = {{"fail", step_fail}, {"end_now", step_now}, {NULL, NULL}};
	static const struct step later[] = {{"end_later", step_later}, {"end_now", step_now}, {NULL, NULL}};
	struct error error;
	struct work work = {0};

	(void)state;
	steps_start(&work.steps, inside, &work, on_end);
	assert_string_equal(work.trace, "x'.");
	assert_int_equal(work.code, ERR_REFUSED);
	assert_string_equal(work.text, "it said no");
	work = (struct work){0};
	steps_start(&work.steps, later, &work, on_end);
	error_set(&error, ERR_UNAVAILABLE, "gone");
	steps_fail(&work.steps, &error);
	assert_string_equal(work.trace, "l.");
	assert_int_equal(work.ends, 1);
	assert_int_equal(work.code, ERR_UNAVAILABLE);
}

/* A failure of an earlier run is not carried over. */
static void test_start_again(void **state)
{
	static const struct step failing[] = {{"fail", step_fail}, {NULL, NULL}};
	static const struct step good[] = {{"end_now", step_now}, {NULL, NULL}};
	struct work work = {0};

	(void)state;
	steps_start(&work.steps, failing, &work, on_end);
	steps_start(&work.steps, good, &work, on_end);
	assert_int_equal(work.ends, 2);
	assert_int_equal(work.code, 0);
}

static void step_count(void *arg)
{
	struct work *work = arg;
	const char *at = __builtin_frame_address(0); /* a variable's may be on a stack of the sanitizer's own */

	work->runs++;
	work->lowest = work->lowest == NULL || at < work->lowest ? at : work->lowest;
	work->highest = at > work->highest ? at : work->highest;
	steps_next(&work->steps);
}

static void test_many_steps_do_not_deepen_the_stack(void **state)
{
	struct step *table = calloc(MANY + 1, sizeof(*table));
	struct work work = {0};

	(void)state;
	assert_non_null(table);
	for (size_t i = 0; i < MANY; i++)
		table[i] = (struct step){"count", step_count};
	steps_start(&work.steps, table, &work, on_end);
	assert_int_equal(work.runs, MANY);
	assert_int_equal(work.ends, 1);
	assert_in_range(work.highest - work.lowest, 0, 4096);
	free(table);
}

static void on_end_free(void *arg, int code, const struct error *error)
{
	(void)code;
	(void)error;
	free(arg);
}

/* The end may free the steps themselves, also when a step ended them from inside its run. */
static void test_end_frees(void **state)
{
	static const struct step tables[][2] = {{{"fail", step_fail}, {NULL, NULL}},
	                                        {{"finish", step_finish}, {NULL, NULL}},
	                                        {{"end_now", step_now}, {NULL, NULL}}};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct work *work = calloc(1, sizeof(*work));

		assert_non_null(work);
		steps_start(&work->steps, tables[i], work, on_end_free);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_now_and_later),
	    cmocka_unit_test(test_empty_table),
	    cmocka_unit_test(test_finish_skips_the_rest),
	    cmocka_unit_test(test_fail),
	    cmocka_unit_test(test_start_again),
	    cmocka_unit_test(test_many_steps_do_not_deepen_the_stack),
	    cmocka_unit_test(test_end_frees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
