/* Whose turn it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/line.h"

/* Never looked into. */
static struct connection *number(uintptr_t i)
{
	return (struct connection *)(i + 1); /* NOLINT(performance-no-int-to-ptr) */
}

static void expect(struct line *line, const uintptr_t *order, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_ptr_equal(line_next(line), number(order[i]));
	assert_true(line_is_empty(line));
	assert_null(line_next(line));
}

/* Those who have no source are one. */
static void test_sources_take_turns(void **state)
{
	static const uintptr_t order[] = {0, 4, 5, 1, 6, 2, 3};
	struct line_share one, other;
	struct line_part parts[7] = {0};
	struct line line;

	(void)state;
	line_init(&line);
	line_share_init(&one);
	line_share_init(&other);
	for (uintptr_t i = 0; i < 4; i++)
		line_join(&line, &parts[i], number(i), &one, false);
	line_join(&line, &parts[4], number(4), &other, false);
	line_join(&line, &parts[5], number(5), NULL, false);
	line_join(&line, &parts[6], number(6), NULL, false);
	expect(&line, order, 7);
}

/* One that is known comes first, but has no second turn before the others had theirs. */
static void test_known_ones_first(void **state)
{
	static const uintptr_t order[] = {1, 0, 2};
	struct line_share stranger, known;
	struct line_part parts[3] = {0};
	struct line line;

	(void)state;
	line_init(&line);
	line_share_init(&stranger);
	line_share_init(&known);
	line_join(&line, &parts[0], number(0), &stranger, false);
	line_join(&line, &parts[1], number(1), &known, true);
	line_join(&line, &parts[2], number(2), &known, true);
	expect(&line, order, 3);
}

static void test_who_leaves_is_passed_over(void **state)
{
	static const uintptr_t order[] = {1};
	struct line_part parts[2] = {0};
	struct line line;

	(void)state;
	line_init(&line);
	line_join(&line, &parts[0], number(0), NULL, false);
	line_leave(&line, &parts[0]);
	line_leave(&line, &parts[0]);
	assert_true(line_is_empty(&line));
	line_join(&line, &parts[0], number(0), NULL, false);
	line_join(&line, &parts[1], number(1), NULL, false);
	line_leave(&line, &parts[0]);
	expect(&line, order, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sources_take_turns),
	    cmocka_unit_test(test_known_ones_first),
	    cmocka_unit_test(test_who_leaves_is_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
