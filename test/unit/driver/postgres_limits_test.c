/* Which statements go alone: what the server refuses behind another one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/postgres/session.h"

static void test_what_goes_alone(void **state)
{
	(void)state;
	assert_true(session_sends_alone("CREATE DATABASE x"));
	assert_true(session_sends_alone("DROP DATABASE IF EXISTS x WITH (FORCE)"));
	assert_true(session_sends_alone("ROLLBACK PREPARED 'x'"));
	assert_false(session_sends_alone("ALTER DATABASE x RENAME TO y"));
	assert_false(session_sends_alone("SELECT 1; DROP DATABASE x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_goes_alone)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
