/* check and observe: whether the server answers and can be written to, and what a person wants to see of an instance.
 */
#include <stdlib.h>
#include <string.h>

#include "badge.h"
#include "driver/login.h"
#include "errors.h"
#include "look.h"
#include "password.h"
#include "query.h"
#include "rights.h"

#define KIB 1024.0
#define MIB (1024.0 * KIB)
#define GIB (1024.0 * MIB)

/* ---- check ---- */

static void on_answer(struct mysql_work *work, MYSQL_RES *rows)
{
	enum { READ_ONLY, WANTS_CLEAR };
	MYSQL_ROW row = mysql_fetch_row(rows);

	login_server_warn(work->host->target.logins, work->call);
	if (strcmp(row[WANTS_CLEAR], "1") == 0 && !maria_is_private(work))
		call_tell(work->call, CHECK_WARNING, "binds are refused: " CLEAR_AND_OPEN, maria_why_clear(work),
		          work->host->target.name);
	if (strcmp(row[READ_ONLY], "1") == 0)
		call_fail(work->call, ERR_UNAVAILABLE, MARIA_READ_ONLY);
	else
		call_next(work->call);
}

static void on_missing(struct mysql_work *work, MYSQL_RES *rows)
{
	maria_tell_missing(work, mysql_fetch_row(rows), CHECK_WARNING);
	call_next(work->call);
}

static void step_look_at_own_rights(void *arg)
{
	struct mysql_work *work = arg;

	maria_add_missing(work, maria_sql(work));
	maria_query(work, on_missing);
}

/* What everybody has, a bound app has, too. */
static void on_everybody(struct mysql_work *work, MYSQL_RES *rows)
{
	MYSQL_ROW row;

	while ((row = mysql_fetch_row(rows)) != NULL)
		call_tell(work->call, CHECK_WARNING, "every app on the server \"%s\" has the rights of %s%s%s: %s",
		          work->host->target.name, row[0][0] == '\0' ? "an anonymous account" : "PUBLIC",
		          row[1][0] != '\0' ? " in databases like " : "", row[1],
		          row[0][0] == '\0' ? "drop it, and its rows in mysql.db, as mariadb-secure-installation does"
		                            : "REVOKE them");
	call_next(work->call);
}

static void step_look_for_everybody(void *arg)
{
	struct mysql_work *work = arg;
	struct sql *sql = maria_sql(work);

	sql_add(sql, "SELECT User, Db FROM mysql.db WHERE User IN ('', 'PUBLIC')"
	             " UNION SELECT User, '' FROM mysql.user WHERE User = '' AND Host <> ''");
	if (maria_is_mariadb(work))
		sql_add(sql, " UNION SELECT User, '' FROM mysql.global_priv WHERE User = 'PUBLIC'"
		             " AND JSON_VALUE(Priv, '$.access') <> 0");
	maria_query(work, on_everybody);
}

static void step_answer(void *arg)
{
	struct mysql_work *work = arg;

	struct sql *sql = maria_sql(work);

	sql_add(sql, "SELECT " MARIA_IS_READ_ONLY ", ");
	maria_add_wants_clear(work, sql);
	maria_query(work, on_answer);
}

const struct step maria_check_steps[] = {
    {"take_session", maria_step_take_session},       {"answer", step_answer},
    {"look_at_own_rights", step_look_at_own_rights}, {"look_for_what_everybody_has", step_look_for_everybody},
    {"count_sessions", maria_step_count_sessions},   {NULL, NULL},
};

/* ---- observe ---- */

static void add_size(struct driver_call *call, const char *bytes)
{
	const double size = bytes != NULL ? strtod(bytes, NULL) : 0;

	if (size >= GIB)
		call_tell(call, "Size", "%.1f GiB", size / GIB);
	else if (size >= MIB)
		call_tell(call, "Size", "%.1f MiB", size / MIB);
	else
		call_tell(call, "Size", "%.0f KiB", size / KIB);
}

static void on_observed(struct mysql_work *work, MYSQL_RES *rows)
{
	MYSQL_ROW row = mysql_fetch_row(rows);

	if (strcmp(row[0], "1") != 0) {
		call_fail(work->call, ERR_NOT_FOUND, "the database is not there");
		return;
	}
	add_size(work->call, row[1]);
	call_result(work->call, "Tables", row[2]);
	call_result(work->call, "Connections", row[3]);
	call_next(work->call);
}

static void step_observe(void *arg)
{
	struct mysql_work *work = arg;
	struct sql *sql = maria_sql(work);

	maria_add_unwaiting(work, sql);
	sql_add(sql,
	        "SELECT EXISTS (SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %l),"
	        " SUM(DATA_LENGTH + INDEX_LENGTH), COUNT(*),"
	        " (SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = %l)"
	        " FROM information_schema.TABLES WHERE TABLE_SCHEMA = %l AND TABLE_TYPE <> 'VIEW'",
	        work->database, work->database, work->database);
	maria_query(work, on_observed);
}

const struct step maria_observe_steps[] = {
    {"take_session", maria_step_take_session},
    {"show_the_database", step_observe},
    {NULL, NULL},
};
