/* What error numbers of MariaDB and MySQL mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/mysql/errors.h"

static void test_what_may_pass(void **state)
{
	struct error error;

	(void)state;
	assert_int_equal(maria_error_explain(1040, "Too many connections", &error), ERR_UNAVAILABLE);
	assert_string_equal(error.text, "it has too many connections: Too many connections (error 1040)");
	assert_int_equal(maria_error_explain(1044, "Access denied to database", &error), ERR_UNAVAILABLE);
	assert_string_equal(error.text, "the broker's user lacks the right: Access denied to database (error 1044)");
	assert_int_equal(maria_error_explain(1927, "Connection was killed", &error), ERR_UNAVAILABLE);
	assert_int_equal(maria_error_explain(4151, "this account is locked", &error), ERR_UNAVAILABLE);
	assert_int_equal(maria_error_explain(1524, "Plugin is not loaded", &error), ERR_UNAVAILABLE);
	assert_int_equal(maria_error_explain(1969, "max_statement_time exceeded", &error), ERR_TIMEOUT);
	assert_int_equal(maria_error_explain(3024, "maximum statement execution time", &error), ERR_TIMEOUT);
	assert_int_equal(maria_error_explain(1290, "--read-only", &error), ERR_UNAVAILABLE);
	assert_int_equal(maria_error_explain(2013, "Lost connection", &error), ERR_UNAVAILABLE);
	assert_string_equal(error.text, "the connection failed: Lost connection");
	assert_int_equal(maria_error_explain(1396, "Operation CREATE USER failed", &error), ERR_UNAVAILABLE);
}

static void test_what_is_final(void **state)
{
	struct error error;

	(void)state;
	assert_int_equal(maria_error_explain(1115, "Unknown character set", &error), ERR_REFUSED);
	assert_int_equal(maria_error_explain(1064, "You have an error in your SQL syntax", &error), ERR_REFUSED);
	assert_string_equal(error.text, "You have an error in your SQL syntax (error 1064)");
}

/* None of these is the server's failure, nor final: a tenant or an operator holds something. */
static void test_what_somebody_holds(void **state)
{
	static const unsigned int numbers[] = {1010, 1205, 1213, 1217, 1451, 1689, 3058, 3572, 3730, 3989};
	struct error error;

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		assert_int_equal(maria_error_explain(numbers[i], "", &error), ERR_LOCKED);
	assert_true(maria_error_is_lock(1205) && maria_error_is_lock(3572));
	assert_false(maria_error_is_lock(1451));
	assert_true(maria_error_lacks_right(1044) && maria_error_lacks_right(1227));
	assert_false(maria_error_lacks_right(1064));
}

static void test_whose_it_is(void **state)
{
	(void)state;
	assert_true(maria_error_is_local(0));
	assert_true(maria_error_is_local(2006));
	assert_true(maria_error_is_local(5000));
	assert_false(maria_error_is_local(1396));
	assert_false(maria_error_is_local(4191));
	assert_true(maria_error_is_overtaken(1010));
	assert_true(maria_error_is_overtaken(1094));
	assert_false(maria_error_is_overtaken(1064));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_may_pass),
	    cmocka_unit_test(test_what_is_final),
	    cmocka_unit_test(test_what_somebody_holds),
	    cmocka_unit_test(test_whose_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
