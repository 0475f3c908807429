/* retire and restore: the logins are locked, and the tables move to a database whose name says so. What cannot move
 * (tables with triggers, views, routines, events) stays in the first one, which nobody can enter. */
#include <string.h>

#include "accounts.h"
#include "look.h"
#include "query.h"
#include "rights.h"

#define TABLES_AT_ONCE 200 /* of one RENAME, which the server does whole or not at all */

/* ---- moving tables ---- */

static void find_tables(void *arg);

static void on_moved(struct mysql_work *work, MYSQL_RES *rows)
{
	(void)rows;
	find_tables(work);
}

static void move_tables(struct mysql_work *work, MYSQL_RES *rows)
{
	const char *word = "RENAME TABLE ";
	struct sql *sql;
	MYSQL_ROW row;

	if (mysql_num_rows(rows) == 0) {
		call_next(work->call);
		return;
	}
	sql = maria_sql(work);
	for (; (row = mysql_fetch_row(rows)) != NULL; word = ", ")
		sql_add(sql, "%s%i.%i TO %i.%i", word, work->from, row[0], work->to, row[0]);
	maria_query(work, on_moved);
}

static void find_tables(void *arg)
{
	struct mysql_work *work = arg;

	sql_add(maria_sql(work),
	        "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %l"
	        " AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE') AND TABLE_NAME NOT IN"
	        " (SELECT EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = %l)"
	        " ORDER BY 1 LIMIT %d",
	        work->from, work->from, (int64_t)TABLES_AT_ONCE);
	maria_query(work, move_tables);
}

/* ---- retire ---- */

static void step_create_retired(void *arg)
{
	struct mysql_work *work = arg;
	struct sql *sql = maria_sql(work);

	if (work->has_retired && work->retired_owner == OWNER_OTHER) {
		call_fail(work->call, ERR_REFUSED,
		          "the database \"%s\" belongs to another instance, as its comment says", work->retired);
		return;
	}
	if (work->has_database) {
		maria_add_writable(work, sql, work->database);
		sql_add(sql, "CREATE DATABASE IF NOT EXISTS %i", work->retired);
	}
	if (work->has_database && maria_is_mariadb(work)) {
		char comment[OWNER_COMMENT_SIZE];

		maria_owner_comment(work->call, work->retired, comment);
		sql_add(sql, " COMMENT %l", comment);
	}
	maria_query(work, NULL);
}

static void step_move_away(void *arg)
{
	struct mysql_work *work = arg;

	work->from = work->database;
	work->to = work->retired;
	find_tables(work);
}

const struct step maria_retire_steps[] = {
    {"take_session", maria_step_take_session},        {"find_it_writable", maria_step_require_writable},
    {"find_logins", maria_step_find_accounts},        {"shut_logins", maria_step_shut_accounts},
    {"end_sessions", maria_step_end_sessions},        {"look_for_the_database", maria_step_look},
    {"find_the_database", maria_step_require_own},    {"find_logins_again", maria_step_find_accounts},
    {"shut_logins_again", maria_step_shut_accounts},  {"end_sessions_again", maria_step_end_sessions},
    {"find_the_engines", maria_step_require_engines}, {"create_the_retired_database", step_create_retired},
    {"move_its_tables_away", step_move_away},         {NULL, NULL},
};

/* ---- restore ---- */

static void step_move_back(void *arg)
{
	struct mysql_work *work = arg;

	work->from = work->retired;
	work->to = work->database;
	if (work->has_retired && work->retired_owner != OWNER_OTHER)
		find_tables(work);
	else
		call_next(work->call);
}

/* Empty by now; a table that somebody made there since would keep it. */
static void on_left(struct mysql_work *work, MYSQL_RES *rows)
{
	struct sql *sql = maria_sql(work);

	if (work->has_retired && work->retired_owner != OWNER_OTHER && mysql_num_rows(rows) == 0)
		sql_add(sql, "DROP DATABASE IF EXISTS %i", work->retired);
	maria_query(work, NULL);
}

static void step_drop_retired(void *arg)
{
	struct mysql_work *work = arg;

	sql_add(maria_sql(work), "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = %l LIMIT 1",
	        work->retired);
	maria_query(work, on_left);
}

static int unlock_login(struct mysql_work *work, struct sql *sql, const struct bind *bind)
{
	struct error error;
	bool read_only;

	if (driver_read_only(bind, &read_only, &error) != 0) {
		call_fail_because(work->call, &error);
		return error.code;
	}
	maria_add_rights(work, sql, bind->login, read_only);
	sql_add(sql, "ALTER USER %l@%l ACCOUNT UNLOCK;\n", bind->login, work->host->target.app_host);
	return 0;
}

static bool has_account(const struct mysql_work *work, const char *login)
{
	for (size_t i = 0; i < work->account_count; i++)
		if (strcmp(work->accounts[i].user, login) == 0 &&
		    strcmp(work->accounts[i].host, work->host->target.app_host) == 0)
			return true;
	return false;
}

/* Their rights, too: their events run again. */
static void step_unlock_logins(void *arg)
{
	struct mysql_work *work = arg;
	const struct driver_call *call = work->call;
	struct sql *sql = maria_sql(work);

	for (size_t i = 0; i < call->bind_count; i++)
		if (has_account(work, call->binds[i].login) && unlock_login(work, sql, &call->binds[i]) != 0)
			return;
	maria_query(work, NULL);
}

const struct step maria_restore_steps[] = {
    {"take_session", maria_step_take_session},
    {"find_it_writable", maria_step_require_writable},

    {"look_for_the_database", maria_step_look},
    {"find_the_database", maria_step_require_database},
    {"find_the_engines", maria_step_require_engines},
    {"move_its_tables_back", step_move_back},
    {"drop_the_retired_database", step_drop_retired},
    {"find_logins", maria_step_find_accounts},
    {"unlock_logins", step_unlock_logins},
    {NULL, NULL},
};
