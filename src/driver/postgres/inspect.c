/* inspect and list: what a server has of the broker's, beside what it should have. One query each; nothing is changed.
 */
#include <stdlib.h>
#include <string.h>

#include "roles.h"

#define HASHED "_[0-9a-f]{10}" /* how name_instance and name_login end */

/* ---- inspect ---- */

enum { ROW_DATABASE, ROW_OPEN, ROW_DATABASE_LIMIT, ROW_OWNER, ROW_READER };
enum { ROW_LOGIN, ROW_GOOD };

static bool says_true(const struct rows *rows, int row, int column)
{
	return rows_text(rows, row, column)[0] == 't';
}

static void on_instance(struct work *work, const struct rows *rows)
{
	struct driver_call *call = work->call;

	if (!says_true(rows, 0, ROW_DATABASE)) {
		call_result(call, DRIFT_LOST, "the database is not there");
		steps_finish(&work->steps);
		return;
	}
	if (!says_true(rows, 0, ROW_OPEN))
		call_result(call, DRIFT_INSTANCE, "the database takes no connections");
	if (strtoll(rows_text(rows, 0, ROW_DATABASE_LIMIT), NULL, 10) != plan_connection_limit(call->plan))
		call_result(call, DRIFT_INSTANCE, "the database's connection limit is not the plan's");
	if (!says_true(rows, 0, ROW_OWNER) || !says_true(rows, 0, ROW_READER))
		call_result(call, DRIFT_INSTANCE, "the owner's or the readers' role is missing");
	steps_next(&work->steps);
}

static void step_compare_instance(void *arg)
{
	struct work *work = arg;

	sql_add(work_sql(work),
	        "SELECT d.oid IS NOT NULL, d.datallowconn, d.datconnlimit,"
	        " EXISTS (SELECT FROM pg_roles WHERE rolname = %l), EXISTS (SELECT FROM pg_roles WHERE rolname = %l)"
	        " FROM (SELECT) one LEFT JOIN pg_database d ON d.datname = %l",
	        work->owner, work->reader, work->owner);
	work_query(work, on_instance);
}

static void on_logins(struct work *work, const struct rows *rows)
{
	for (int i = 0; i < rows_count(rows); i++) {
		if (!says_true(rows, i, ROW_GOOD))
			call_result(work->call, DRIFT_BIND, rows_text(rows, i, ROW_LOGIN));
	}
	steps_next(&work->steps);
}

/* A good login may log in, has the plan's limit, and is a member of one of the instance's roles. */
static void step_compare_logins(void *arg)
{
	struct work *work = arg;
	const struct driver_call *call = work->call;
	struct sql *sql = work_sql(work);

	if (call->bind_count > 0) {
		sql_add(sql,
		        "SELECT l.name, EXISTS (SELECT FROM pg_roles r JOIN pg_auth_members m ON m.member = r.oid"
		        " JOIN pg_roles g ON g.oid = m.roleid WHERE r.rolname = l.name AND r.rolcanlogin"
		        " AND r.rolconnlimit = %d AND g.rolname IN (%l, %l)) FROM (VALUES ",
		        plan_connection_limit(call->plan), work->owner, work->reader);
		for (size_t i = 0; i < call->bind_count; i++)
			sql_add(sql, i > 0 ? ", (%l)" : "(%l)", call->binds[i].login);
		sql_add(sql, ") l(name)");
	}
	work_query(work, on_logins);
}

static const struct step inspect_steps[] = {
    {"take_session", step_take_session},
    {"compare_the_instance", step_compare_instance},
    {"compare_its_logins", step_compare_logins},
    {NULL, NULL},
};

void postgres_inspect(void *state, struct driver_call *call)
{
	struct work *work = work_begin(state, call);

	if (work != NULL)
		work_start(work, inspect_steps);
}

/* ---- list ---- */

static void on_list(struct work *work, const struct rows *rows)
{
	for (int i = 0; i < rows_count(rows); i++)
		call_result(work->call, rows_text(rows, i, 0), rows_text(rows, i, 1));
	steps_next(&work->steps);
}

/* The roles of a database bear its name. */
static void step_list(void *arg)
{
	struct work *work = arg;

	sql_add(work_sql(work),
	        "WITH own AS (SELECT regexp_replace(datname, %l, '') AS name FROM pg_database WHERE datname ~ %l)\n"
	        "SELECT %l, name FROM own UNION ALL SELECT %l, rolname FROM pg_roles WHERE rolname ~ %l"
	        " AND rolname NOT IN (SELECT name FROM own)",
	        RETIRED_END "$", HASHED "(" RETIRED_END ")?$", LIST_INSTANCE, LIST_LOGIN, HASHED "$");
	work_query(work, on_list);
}

static const struct step list_steps[] = {
    {"take_session", step_take_session},
    {"list_what_it_has", step_list},
    {NULL, NULL},
};

void postgres_list(void *state, struct driver_call *call)
{
	struct work *work = work_begin(state, call);

	if (work != NULL)
		work_start(work, list_steps);
}
