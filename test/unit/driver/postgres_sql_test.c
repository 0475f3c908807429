/* The text of statements: what is hostile stays inside its quotes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "driver/postgres/dialect.h"
#include "driver/postgres/session.h"

struct fixture {
	struct libpq pq;
	struct pg_connection connection;
	struct sql sql;
};

/* A connection that never was one escapes all the same. */
static int setup(void **state)
{
	static const char *const keywords[] = {"host", NULL}, *const values[] = {"/nonexistent", NULL};
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct error error = {0};

	assert_non_null(fixture);
	assert_int_equal(libpq_load(&fixture->pq, &error), 0);
	fixture->connection = (struct pg_connection){&fixture->pq, fixture->pq.connectStartParams(keywords, values, 0)};
	assert_non_null(fixture->connection.handle);
	sql_init(&fixture->sql, &postgres_dialect);
	sql_begin(&fixture->sql, &fixture->connection);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	sql_release(&fixture->sql);
	fixture->pq.finish(fixture->connection.handle);
	free(fixture);
	return 0;
}

static void test_arguments(void **state)
{
	struct sql *sql = &((struct fixture *)*state)->sql;

	sql_add(sql, "ALTER ROLE %i %s CONNECTION LIMIT %d PASSWORD %l; SELECT 5 %% 3", "a\"b", "LOGIN", (int64_t)-1,
	        "it's");
	assert_string_equal(sql_string(sql),
	                    "ALTER ROLE \"a\"\"b\" LOGIN CONNECTION LIMIT -1 PASSWORD 'it''s'; SELECT 5 % 3");
}

static void test_backslashes(void **state)
{
	struct sql *sql = &((struct fixture *)*state)->sql;

	sql_add(sql, "%l", "\\'; DROP TABLE x --");
	assert_string_equal(sql_string(sql), " E'\\\\''; DROP TABLE x --'");
}

static void test_long_numbers_are_whole(void **state)
{
	struct sql *sql = &((struct fixture *)*state)->sql;

	sql_add(sql, "%d", (int64_t)9007199254740993);
	assert_string_equal(sql_string(sql), "9007199254740993");
}

static void test_settings(void **state)
{
	struct sql *sql = &((struct fixture *)*state)->sql;

	sql_add_setting(sql, "r", "d", "work_mem", "8MB, or 9");
	assert_string_equal(sql_string(sql), "ALTER ROLE \"r\" IN DATABASE \"d\" SET \"work_mem\" TO '8MB, or 9';\n");
}

static void test_settings_of_an_extension(void **state)
{
	struct sql *sql = &((struct fixture *)*state)->sql;

	sql_add_setting(sql, "r", "d", "pg_trgm.word\"x", "0.5");
	assert_string_equal(sql_string(sql),
	                    "ALTER ROLE \"r\" IN DATABASE \"d\" SET \"pg_trgm\".\"word\"\"x\" TO '0.5';\n");
}

static void test_settings_that_are_lists(void **state)
{
	struct sql *sql = &((struct fixture *)*state)->sql;

	sql_add_setting(sql, "r", "d", "Search_Path", "app , public,  it's");
	assert_string_equal(sql_string(sql),
	                    "ALTER ROLE \"r\" IN DATABASE \"d\" SET \"Search_Path\" TO 'app', 'public', 'it''s';\n");
}

static void test_begin_again(void **state)
{
	struct fixture *fixture = *state;

	assert_true(sql_is_empty(&fixture->sql));
	sql_add(&fixture->sql, "one");
	assert_false(sql_is_empty(&fixture->sql));
	sql_begin(&fixture->sql, &fixture->connection);
	assert_true(sql_is_empty(&fixture->sql));
	sql_add(&fixture->sql, "two");
	assert_string_equal(sql_string(&fixture->sql), "two");
}

static void test_failures_stick(void **state)
{
	struct fixture *fixture = *state;
	struct pg_connection none = {.pq = &fixture->pq};

	sql_begin(&fixture->sql, &none);
	sql_add(&fixture->sql, "%l", "x");
	sql_add(&fixture->sql, "more");
	assert_null(sql_string(&fixture->sql));
	assert_false(sql_is_empty(&fixture->sql));
}

#define sql_case(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    sql_case(test_arguments),
	    sql_case(test_backslashes),
	    sql_case(test_long_numbers_are_whole),
	    sql_case(test_settings),
	    sql_case(test_settings_of_an_extension),
	    sql_case(test_settings_that_are_lists),
	    sql_case(test_begin_again),
	    sql_case(test_failures_stick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
