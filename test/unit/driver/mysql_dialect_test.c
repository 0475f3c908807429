/* Statements for MariaDB and MySQL: what is hostile stays inside its quotes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <mysql.h>
#include <stdlib.h>
#include <string.h>

#include "driver/mysql/dialect.h"

struct fixture {
	MYSQL *mysql;
	struct sql sql;
};

/* A connection that never was one escapes all the same. */
static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fixture->mysql = mysql_init(NULL);
	assert_non_null(fixture->mysql);
	sql_init(&fixture->sql, &maria_dialect);
	sql_begin(&fixture->sql, fixture->mysql);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	sql_release(&fixture->sql);
	mysql_close(fixture->mysql);
	free(fixture);
	return 0;
}

static void test_arguments(void **state)
{
	struct sql *sql = &((struct fixture *)*state)->sql;

	sql_add(sql, "GRANT %s ON %i.* TO %l@%l", "SELECT", "a`b", "it's", "%");
	sql_add(sql, " WITH MAX_USER_CONNECTIONS %d", (int64_t)5000000000);
	assert_string_equal(sql_string(sql),
	                    "GRANT SELECT ON `a``b`.* TO 'it\\'s'@'%' WITH MAX_USER_CONNECTIONS 5000000000");
}

static void test_what_cannot_stand_in_a_statement(void **state)
{
	struct sql *sql = &((struct fixture *)*state)->sql;

	sql_add(sql, "DROP DATABASE %i", "");
	assert_null(sql_string(sql));
}

static void test_backslashes(void **state)
{
	struct sql *sql = &((struct fixture *)*state)->sql;

	sql_add(sql, "%l", "\\'; DROP TABLE x --");
	assert_string_equal(sql_string(sql), "'\\\\\\'; DROP TABLE x --'");
}

/* The hash is the one that the server itself makes of "secret". */
static void test_passwords(void **state)
{
	struct sql *sql = &((struct fixture *)*state)->sql;

	maria_add_password(sql, true, "secret");
	assert_string_equal(sql_string(sql), "IDENTIFIED BY PASSWORD '*14E65567ABDB5135D0CFD9A70B3032C179A49EE7'");
	sql_begin(sql, ((struct fixture *)*state)->mysql);
	maria_add_password(sql, false, "secret");
	assert_string_equal(sql_string(sql), "IDENTIFIED BY 'secret'");
}

static void test_patterns(void **state)
{
	char pattern[DATABASE_MAX + 1], longest[DATABASE_MAX + 2];

	(void)state;
	assert_true(maria_pattern("my_db%\\", false, pattern));
	assert_string_equal(pattern, "my\\_db\\%\\\\");
	assert_true(maria_pattern("my_db", true, pattern));
	assert_string_equal(pattern, "my_db");
	memset(longest, 'a', sizeof(longest));
	longest[DATABASE_MAX + 1] = '\0';
	assert_false(maria_pattern(longest, false, pattern));
	longest[DATABASE_MAX] = '\0';
	assert_true(maria_pattern(longest, false, pattern));
	longest[0] = '_';
	assert_false(maria_pattern(longest, false, pattern));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_arguments, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_what_cannot_stand_in_a_statement, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_backslashes, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_passwords, setup, teardown),
	    cmocka_unit_test(test_patterns),
	};
	int failures = cmocka_run_group_tests(tests, NULL, NULL);

	mysql_library_end();
	return failures;
}
