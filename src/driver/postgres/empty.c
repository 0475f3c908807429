/* The server renames and drops a database only when nobody is in it. Our role may end the sessions of roles that it is
 * a member of, and with pg_signal_backend those of everybody but superusers. An operator's own session may last: that
 * is no failure of the server's and nothing final, so the call says whose it is and comes back. */
#include "empty.h"

#include <string.h>

#include "dialect.h"
#include "guests.h"
#include "prepared.h"
#include "sqlstate.h"

#define TRIES_MAX 25 /* of a session that was told to end: some seconds */

/* a: pg_stat_activity, r: the role of the session. */
#define MAY_END                                                                                                        \
	"(current_setting('is_superuser') = 'on' OR NOT r.rolsuper AND (pg_has_role(r.oid, 'USAGE')"                   \
	" OR pg_has_role('pg_signal_backend', 'USAGE')))"
#define SESSIONS_IN                                                                                                    \
	"pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid WHERE a.datname = %l AND a.pid <> pg_backend_pid()"

const char *empty_database(const struct pg_work *work)
{
	if (work->call->retired)
		return work->facts.retired ? work->retired : NULL;
	return work->facts.database ? work->owner : NULL;
}

/* ---- closing ---- */

static bool on_not_closed(struct pg_work *work, const char *sqlstate)
{
	if (!sqlstate_is_blocked(sqlstate) || witness_has_waited(&work->witness))
		return false;
	prepared_end(work, PREPARED_HINDERING, step_close_database);
	return true;
}

/* One that the server began to drop (datconnlimit -2) can only be dropped. */
static void add_closing(struct sql *sql, const char *database)
{
	struct sql query;

	sql_begin_part(&query, sql);
	sql_add(
	    &query,
	    "SELECT format('ALTER DATABASE %%I ALLOW_CONNECTIONS false IS_TEMPLATE false', datname) FROM pg_database"
	    " WHERE datname = %l AND datconnlimit <> -2 AND (datallowconn OR datistemplate)",
	    database);
	sql_end_loop(sql, &query);
}

/* Who is in it may be changing it, too. */
void step_close_database(void *arg)
{
	struct pg_work *work = arg;
	struct sql *sql = work_sql(work);
	const char *database = empty_database(work);

	if (database != NULL) {
		sql_add(sql, "SELECT count(pg_terminate_backend(a.pid)) FROM " SESSIONS_IN " AND " MAY_END ";\n",
		        database);
		sql_add(sql, "SET LOCAL lock_timeout TO '250ms';\n");
		add_closing(sql, database);
	}
	work_forgive(work, on_not_closed);
	work_query(work, NULL);
}

/* ---- emptying ---- */

enum { ROW_ENDING, ROW_ROLE, ROW_IS_SUPER, ROW_PID, ROW_SELF, ROW_GID, ROW_PREPARER };

static void tell_session(struct pg_work *work, const struct rows *rows)
{
	const char *role = rows_text(rows, 0, ROW_ROLE), *pid = rows_text(rows, 0, ROW_PID);

	if (rows_say(rows, ROW_IS_SUPER))
		call_fail(work->call, ERR_LOCKED,
		          "the superuser \"%s\" has a session in the database, which the broker's role may not end: "
		          "SELECT pg_terminate_backend(%s) as a superuser",
		          role, pid);
	else
		call_fail(work->call, ERR_LOCKED,
		          "the role \"%s\" has a session in the database (process %s), which the broker's role may not "
		          "end: close it, or GRANT pg_signal_backend TO \"%s\"",
		          role, pid, rows_text(rows, 0, ROW_SELF));
}

static void on_sessions(struct pg_work *work, const struct rows *rows)
{
	if (rows_text(rows, 0, ROW_ROLE)[0] != '\0') {
		tell_session(work, rows);
	} else if (rows_text(rows, 0, ROW_GID)[0] != '\0') {
		call_fail(work->call, ERR_LOCKED,
		          "the transaction %s, which \"%s\" prepared, holds the database: ROLLBACK PREPARED %s in "
		          "it as that role or a superuser, or GRANT \"%s\" TO \"%s\"",
		          rows_text(rows, 0, ROW_GID), rows_text(rows, 0, ROW_PREPARER), rows_text(rows, 0, ROW_GID),
		          rows_text(rows, 0, ROW_PREPARER), rows_text(rows, 0, ROW_SELF));
	} else if (strcmp(rows_text(rows, 0, ROW_ENDING), "0") == 0) {
		call_next(work->call);
	} else if (work->empty_tries++ < TRIES_MAX) {
		work_pause(work, step_empty_database);
	} else {
		call_fail(work->call, ERR_LOCKED,
		          "%s sessions in the database do not end; one that pg_stat_activity does not show has a lock "
		          "on the database in pg_locks: SELECT pg_terminate_backend(its pid) as a superuser, or GRANT "
		          "pg_signal_backend TO \"%s\"",
		          rows_text(rows, 0, ROW_ENDING), rows_text(rows, 0, ROW_SELF));
	}
}

/* A worker of the server's own has no role, and goes by itself. */
void step_empty_database(void *arg)
{
	struct pg_work *work = arg;
	struct sql *sql = work_sql(work);
	const char *database = empty_database(work);

	if (database != NULL) {
		guests_add_ending(sql, work, database);
		sql_add(sql,
		        "WITH ended AS MATERIALIZED (SELECT count(pg_terminate_backend(a.pid)) AS n FROM " SESSIONS_IN
		        " AND " MAY_END "),\nhidden AS MATERIALIZED (" GUESTS_HIDDEN "),\n",
		        database, database);
		sql_add(sql,
		        "other AS (SELECT r.rolname, r.rolsuper, a.pid FROM " SESSIONS_IN " AND NOT " MAY_END
		        " ORDER BY r.rolsuper DESC LIMIT 1)\n",
		        database);
		sql_add(
		    sql,
		    "SELECT ended.n + (SELECT count(*) FROM hidden), other.rolname, other.rolsuper, other.pid, "
		    "current_user, quote_literal(x.gid), "
		    "x.owner FROM ended"
		    " LEFT JOIN other ON true LEFT JOIN (SELECT gid, owner FROM pg_prepared_xacts WHERE database = %l"
		    " LIMIT 1) x ON true",
		    database);
	}
	work_query(work, on_sessions);
}

/* ---- replication slots ---- */

static void on_slots(struct pg_work *work, const struct rows *rows)
{
	if (rows_count(rows) > 0)
		call_fail(
		    work->call, ERR_LOCKED,
		    "the server keeps its log for the replication slot \"%s\" of the database, which the broker's "
		    "role may not drop: SELECT pg_drop_replication_slot('%s') as a superuser, or ALTER ROLE "
		    "\"%s\" REPLICATION",
		    rows_text(rows, 0, 0), rows_text(rows, 0, 0), rows_text(rows, 0, 1));
	else
		call_next(work->call);
}

/* A slot's own session has ended with the others. DROP DATABASE takes the slots with it. */
void step_drop_slots(void *arg)
{
	struct pg_work *work = arg;
	struct sql *sql = work_sql(work), query;
	const char *database = empty_database(work);

	if (database != NULL) {
		sql_begin_part(&query, sql);
		sql_add(&query,
		        "SELECT format('SELECT pg_drop_replication_slot(%%L)', slot_name) FROM pg_replication_slots"
		        " WHERE database = %l AND NOT active",
		        database);
		sql_end_loop(sql, &query);
		sql_add(sql, "SELECT slot_name, current_user FROM pg_replication_slots WHERE database = %l LIMIT 1",
		        database);
	}
	work_query(work, on_slots);
}
