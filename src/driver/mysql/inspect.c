/* inspect and list: what a server has of the broker's, beside what it should have. Nothing is changed. */
#include <stdlib.h>
#include <string.h>

#include "accounts.h"

/* ---- inspect ---- */

static void on_instance(struct work *work, MYSQL_RES *rows)
{
	MYSQL_ROW row = mysql_fetch_row(rows);

	if (strcmp(row[0], "1") == 0) {
		steps_next(&work->steps);
		return;
	}
	call_result(work->call, DRIFT_LOST, "the database is not there");
	steps_finish(&work->steps);
}

static void step_compare_instance(void *arg)
{
	struct work *work = arg;

	sql_add(maria_sql(work), "SELECT EXISTS (SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %l)",
	        work->database);
	maria_query(work, on_instance);
}

static void on_logins(struct work *work, MYSQL_RES *rows)
{
	MYSQL_ROW row;

	while ((row = mysql_fetch_row(rows)) != NULL)
		if (strcmp(row[1], "1") != 0)
			call_result(work->call, DRIFT_BIND, row[0]);
	steps_next(&work->steps);
}

/* Whether it is locked is in the one server's table and the other's view of it. */
static const char *unlocked(const struct work *work)
{
	return maria_is_mariadb(work)
	           ? "NOT EXISTS (SELECT 1 FROM mysql.global_priv g WHERE g.User = u.User AND g.Host = u.Host"
	             " AND JSON_VALUE(g.Priv, '$.account_locked') = 1)"
	           : "u.account_locked = 'N'";
}

/* A good login has its account at the configured host, unlocked, with the plan's limits and its rights. */
static int add_login(struct work *work, struct sql *sql, const struct bind *bind)
{
	const struct options *options = &work->call->plan->options;
	struct error error;
	bool read_only;

	if (driver_read_only(bind, &read_only, &error) != 0) {
		maria_fail(work, error.code, "%s", error.text);
		return error.code;
	}
	sql_add(sql,
	        "SELECT %l, EXISTS (SELECT 1 FROM mysql.user u JOIN mysql.db d ON d.User = u.User AND d.Host = u.Host"
	        " WHERE u.User = %l AND u.Host = %l AND d.Db = %l AND d.Select_priv = 'Y' AND d.Insert_priv = %l"
	        " AND u.max_user_connections = %d AND u.max_questions = %d AND u.max_updates = %d"
	        " AND (u.ssl_type <> '') = %d AND ",
	        bind->login, bind->login, work->host->target.app_host, work->pattern, read_only ? "N" : "Y",
	        options_number(options, "connection_limit"), options_number(options, "queries_per_hour"),
	        options_number(options, "updates_per_hour"), (int64_t)options_flag(options, "require_tls"));
	sql_add(sql, "%s)", unlocked(work));
	return 0;
}

static void step_compare_logins(void *arg)
{
	struct work *work = arg;
	const struct driver_call *call = work->call;
	struct sql *sql = maria_sql(work);

	for (size_t i = 0; i < call->bind_count; i++) {
		if (i > 0)
			sql_add(sql, " UNION ALL ");
		if (add_login(work, sql, &call->binds[i]) != 0)
			return;
	}
	maria_query(work, on_logins);
}

static const struct step inspect_steps[] = {
    {"take_session", maria_step_take_session},
    {"look_for_the_database", maria_step_look},
    {"compare_the_instance", step_compare_instance},
    {"compare_its_logins", step_compare_logins},
    {NULL, NULL},
};

void maria_inspect(void *state, struct driver_call *call)
{
	maria_start(state, call, inspect_steps);
}

/* ---- list ---- */

static void on_list(struct work *work, MYSQL_RES *rows)
{
	MYSQL_ROW row;

	while ((row = mysql_fetch_row(rows)) != NULL)
		call_result(work->call, row[0], row[1]);
	steps_next(&work->steps);
}

/* A database and its retired half are one. An account that was kept for what it defined has rights in an instance, and
 * goes with it. */
static void step_list(void *arg)
{
	struct work *work = arg;
	struct sql *sql = maria_sql(work);

	sql_add(sql,
	        "SELECT DISTINCT %l, REGEXP_REPLACE(SCHEMA_NAME, %l, '') FROM information_schema.SCHEMATA"
	        " WHERE SCHEMA_NAME REGEXP %l",
	        LIST_INSTANCE, RETIRED_END "$", HASHED "(" RETIRED_END ")?$");
	sql_add(sql, " UNION SELECT DISTINCT %l, User FROM mysql.user u WHERE User REGEXP %l AND ", LIST_LOGIN,
	        HASHED "$");
	sql_add(sql, "(%s OR NOT EXISTS (SELECT 1 FROM mysql.db d WHERE d.User = u.User))", unlocked(work));
	maria_query(work, on_list);
}

static const struct step list_steps[] = {
    {"take_session", maria_step_take_session},
    {"list_databases_and_logins", step_list},
    {NULL, NULL},
};

void maria_list(void *state, struct driver_call *call)
{
	maria_start(state, call, list_steps);
}
