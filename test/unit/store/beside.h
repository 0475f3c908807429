/* A second store beside a test's own, on the same journal. */
#ifndef STORE_BESIDE_H
#define STORE_BESIDE_H

#include "harness.h"

static inline int second_setup(struct fixture *first, struct fixture *ret_second)
{
	void *state = NULL;
	const char *url = first->shared.url;

	/* The other one's setup would drop what the first has made. */
	assert_int_equal(unsetenv("STORE_URL"), 0);
	assert_int_equal(fixture_setup(&state), 0);
	assert_int_equal(setenv("STORE_URL", url, 1), 0);
	*ret_second = *(struct fixture *)state;
	free(state);
	ret_second->shared = first->shared;
	ret_second->shared.name = "second";
	return 0;
}

static inline void second_teardown(struct fixture *second)
{
	void *state = malloc(sizeof(*second));

	assert_non_null(state);
	memcpy(state, second, sizeof(*second));
	assert_int_equal(fixture_teardown(&state), 0);
}

static inline void open_beside(struct fixture *first, struct fixture *ret_second)
{
	struct error error = {0};

	second_setup(first, ret_second);
	if (fixture_try_open(ret_second, ROOMY, &error) != 0)
		fail_msg("%s", error.text);
}

#endif
