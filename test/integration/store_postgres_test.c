/* The store's tests with its records in PostgreSQL: runs the programs that it is given against a private server, as a
 * role that owns one database and nothing else. */
#include "postgres_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

static int program_count;
static char **programs;

static void run(PGconn *connection, const char *statement)
{
	PGresult *result = PQexec(connection, statement);

	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		fail_msg("%s: %s", statement, PQerrorMessage(connection));
	PQclear(result);
}

static int start(void **state)
{
	struct postgres_server *server = calloc(1, sizeof(*server));
	PGconn *admin;
	char url[128];

	assert_non_null(server);
	postgres_server_create(server);
	postgres_server_start(server, false);
	admin = postgres_server_admin(server, "postgres");
	run(admin, "CREATE ROLE broker LOGIN PASSWORD 'secret'");
	run(admin, "CREATE DATABASE broker OWNER broker");
	PQfinish(admin);
	snprintf(url, sizeof(url), "postgres://broker:secret@127.0.0.1:%d/broker", server->port);
	assert_int_equal(setenv("STORE_URL", url, 1), 0);
	*state = server;
	return 0;
}

static int stop(void **state)
{
	postgres_server_stop(*state, "immediate");
	postgres_server_destroy(*state);
	free(*state);
	return 0;
}

static void test_programs(void **state)
{
	(void)state;
	for (int i = 0; i < program_count; i++)
		assert_int_equal(system(programs[i]), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_programs)};

	program_count = argc - 1;
	programs = argv + 1;
	return cmocka_run_group_tests(tests, start, stop);
}
