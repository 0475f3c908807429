/* check and observe: how a server and an instance are, in one query each, and without the instance's lock. */
#include <stdio.h>
#include <string.h>

#include "work.h"

#define SHOWN_MAX 128

/* ---- check ---- */

static void on_recovery(struct work *work, const struct rows *rows)
{
	if (rows_text(rows, 0, 0)[0] == 't')
		work_fail(work, ERR_UNAVAILABLE, "it is a read-only standby");
	else
		steps_next(&work->steps);
}

static void step_ask_recovery(void *arg)
{
	struct work *work = arg;

	sql_add(work_sql(work), "SELECT pg_is_in_recovery()");
	work_query(work, on_recovery);
}

static const struct step check_steps[] = {
    {"take_session", step_take_session},
    {"answer", step_ask_recovery},
    {NULL, NULL},
};

void postgres_check(void *state, struct driver_call *call)
{
	struct work *work = work_begin(state, call);

	if (work != NULL)
		work_start(work, check_steps);
}

/* ---- observe ---- */

enum { ROW_ALLOWED, ROW_SIZE, ROW_CONNECTIONS, ROW_LIMIT, ROW_VERSION };

static void add_results(struct work *work, const struct rows *rows)
{
	const char *limit = rows_text(rows, 0, ROW_LIMIT);
	char connections[SHOWN_MAX];

	snprintf(connections, sizeof(connections), strcmp(limit, "-1") == 0 ? "%s" : "%s of %s",
	         rows_text(rows, 0, ROW_CONNECTIONS), limit);
	call_result(work->call, "Size", rows_text(rows, 0, ROW_SIZE));
	call_result(work->call, "Connections", connections);
	call_result(work->call, "Version", rows_text(rows, 0, ROW_VERSION));
}

static void on_database(struct work *work, const struct rows *rows)
{
	if (rows_count(rows) == 0) {
		work_fail(work, ERR_NOT_FOUND, "the database is not there");
		return;
	}
	if (rows_text(rows, 0, ROW_ALLOWED)[0] != 't') {
		work_fail(work, ERR_UNAVAILABLE, "the database does not allow connections");
		return;
	}
	add_results(work, rows);
	steps_next(&work->steps);
}

/* Workers of the server itself have no user. */
static void step_ask_database(void *arg)
{
	struct work *work = arg;

	sql_add(work_sql(work),
	        "SELECT d.datallowconn, pg_size_pretty(pg_database_size(d.oid)),"
	        " (SELECT count(*) FROM pg_stat_activity a WHERE a.datid = d.oid AND a.usesysid IS NOT NULL),"
	        " d.datconnlimit, current_setting('server_version') FROM pg_database d WHERE d.datname = %l",
	        work->owner);
	work_query(work, on_database);
}

static const struct step observe_steps[] = {
    {"take_session", step_take_session},
    {"show_the_database", step_ask_database},
    {NULL, NULL},
};

void postgres_observe(void *state, struct driver_call *call)
{
	struct work *work = work_begin(state, call);

	if (work != NULL)
		work_start(work, observe_steps);
}
