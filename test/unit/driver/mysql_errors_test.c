/* What error numbers of MariaDB and MySQL mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

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
	assert_int_equal(maria_error_explain(1819, "Your password does not satisfy", &error), ERR_REFUSED);
	assert_non_null(strstr(error.text, "binds.rotate"));
	assert_int_equal(maria_error_explain(3638, "Cannot use these credentials", &error), ERR_REFUSED);
}

struct told {
	unsigned int number;
	const char *message, *sentence;
	int code;
};

/* One number, several meanings: the words of MariaDB 10.11 and MySQL 8.0. */
static void test_what_the_words_tell_apart(void **state)
{
	static const struct told all[] = {
	    {1290, "running with the --read-only option so", "it is read-only", ERR_UNAVAILABLE},
	    {1290, "running with the --super-read-only option so", "it is read-only", ERR_UNAVAILABLE},
	    {1290, "running with the --strict-password-validation option", "it looks at passwords", ERR_UNAVAILABLE},
	    {1290, "running with the --skip-grant-tables option so", "it has no accounts until", ERR_UNAVAILABLE},
	    {1290, "running with the --secure-file-priv option so", "one of its options forbids", ERR_UNAVAILABLE},
	    {1006, "Can't create database 'a' (errno: 28 \"No space left on device\")", "its disk is full",
	     ERR_UNAVAILABLE},
	    {1006, "Can't create database 'a' (errno: 28 - No space left on device)", "its disk is full",
	     ERR_UNAVAILABLE},
	    {1005, "Can't create table `x`.`t3` (errno: 13 \"Permission denied\")", "it may not change its own files",
	     ERR_UNAVAILABLE},
	    {1004, "Can't create file 'a' (OS errno 24 - Too many open files)", "it has too many files open",
	     ERR_UNAVAILABLE},
	    {1025, "Error on rename of 'a' to 'b' (errno: 30 \"Read-only file system\")", "its disk is read-only",
	     ERR_UNAVAILABLE},
	    {1030, "Got error 28 \"No space left on device\" from storage engine InnoDB", "its disk is full",
	     ERR_UNAVAILABLE},
	    {1010, "Error dropping database (can't rmdir './x', errno: 39 \"Directory not empty\")",
	     "the directory of the database is not empty yet", ERR_LOCKED},
	    {1010, "Error dropping database (can't rmdir './x', errno: 13 \"Permission denied\")",
	     "it may not change its own files", ERR_UNAVAILABLE},
	    {1005, "Can't create table `x`.`t` (errno: 150 \"Foreign key constraint\")", "Can't create table",
	     ERR_REFUSED},
	    {1064, "near 'errno: 28'", "near", ERR_REFUSED},
	};
	struct error error;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		assert_int_equal(maria_error_explain(all[i].number, all[i].message, &error), all[i].code);
		assert_memory_equal(error.text, all[i].sentence, strlen(all[i].sentence));
		assert_non_null(strstr(error.text, all[i].message));
	}
}

static void test_what_is_read_only(void **state)
{
	static const unsigned int numbers[] = {1792, 1836, 1874, 1881};
	struct error error;

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		assert_int_equal(maria_error_explain(numbers[i], "", &error), ERR_UNAVAILABLE);
		assert_non_null(strstr(error.text, "read-only"));
	}
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
	    cmocka_unit_test(test_what_the_words_tell_apart),
	    cmocka_unit_test(test_what_is_read_only),
	    cmocka_unit_test(test_what_somebody_holds),
	    cmocka_unit_test(test_whose_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
