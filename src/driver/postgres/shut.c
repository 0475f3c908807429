/* A login changes its own role in a transaction that it leaves open (ALTER ROLE me PASSWORD ...), and whoever else
 * wants to change that role waits for it. So its sessions are ended in the same breath as it is shut, the wait has a
 * limit of some milliseconds, and all is done again until it succeeds: a session ends at once, a new one takes longer
 * to log in than we take for the next try. A transaction that was prepared (PREPARE TRANSACTION) holds its locks
 * without any session; those of the instance are rolled back when they stand in the way.
 *
 * A session that begins is not in pg_stat_activity until it has read its settings, and a login can have it sleep there
 * for half an hour (post_auth_delay), past the question whether it may log in. It has locks, so pg_locks has its pid,
 * but nothing says whose it is. The server knows: as the login, one may end the login's own sessions and no others.
 *
 * All this is done without the instance's lock, and once more with it: what an earlier call's session may still have
 * been doing on the server is over by then. */
#include "shut.h"

#include <string.h>

#include "dialect.h"
#include "guests.h"
#include "prepared.h"
#include "roles.h"
#include "sqlstate.h"

#define WAIT "'250ms'" /* of one try */

enum { ROW_SESSIONS, ROW_PREPARED };

/* ---- shutting ---- */

static bool on_shut_out(struct pg_work *work, const char *sqlstate)
{
	if (!sqlstate_is_blocked(sqlstate) || witness_has_waited(&work->witness))
		return false;
	prepared_end(work, PREPARED_ALL, step_shut_roles);
	return true;
}

static void add_ending(struct sql *sql, const struct pg_work *work)
{
	sql_add(sql, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename IN (");
	roles_add_names(sql, work);
	sql_add(sql, ")");
}

/* Ends the sessions of work->roles that are not shown yet. */
static void add_ending_of_hidden(struct sql *sql, const struct pg_work *work)
{
	struct sql block;

	sql_begin_part(&block, sql);
	sql_add(&block, "DECLARE hidden int; login text;\nBEGIN\n"
	                " FOR hidden IN SELECT DISTINCT l.pid FROM pg_locks l WHERE l.pid IS NOT NULL"
	                " AND " GUESTS_NOT_SHOWN " LOOP\n"
	                "  FOREACH login IN ARRAY ARRAY[");
	roles_add_names(&block, work);
	sql_add(&block, "]::text[] LOOP\n"
	                "   BEGIN EXECUTE format('SET LOCAL ROLE %%I', login); PERFORM pg_terminate_backend(hidden);"
	                " EXCEPTION WHEN insufficient_privilege OR invalid_parameter_value THEN NULL; END;\n"
	                "   SET LOCAL ROLE NONE;\n"
	                "  END LOOP;\n END LOOP;\nEND");
	sql_end_block(sql, &block);
}

void step_shut_roles(void *arg)
{
	struct pg_work *work = arg;
	struct sql *sql = work_sql(work);

	if (work->role_count == 0) {
		call_next(work->call);
		return;
	}
	/* To end its sessions one has to be a member. */
	for (size_t i = 0; !work_is_superuser(work) && i < work->role_count; i++)
		sql_add(sql, "GRANT %i TO CURRENT_USER;\n", work->roles[i].name);
	add_ending(sql, work);
	sql_add(sql, ";\nSET LOCAL lock_timeout TO " WAIT ";\n");
	for (size_t i = 0; i < work->role_count; i++) {
		if (work->call->kind == CALL_BIND)
			sql_add(sql, "ALTER ROLE %i PASSWORD %l;\n", work->roles[i].name, work->verifier);
		else
			sql_add(sql, "ALTER ROLE %i NOLOGIN;\n", work->roles[i].name);
	}
	work_forgive(work, on_shut_out);
	work_query(work, NULL);
}

static void on_sessions(struct pg_work *work, const struct rows *rows)
{
	const bool prepared = strcmp(rows_text(rows, 0, ROW_PREPARED), "0") != 0;

	if (strcmp(rows_text(rows, 0, ROW_SESSIONS), "0") != 0)
		work_pause(work, step_end_sessions);
	else if (prepared)
		prepared_end(work, PREPARED_OF_ROLES, step_end_sessions);
	else
		call_next(work->call);
}

void step_end_sessions(void *arg)
{
	struct pg_work *work = arg;
	struct sql *sql = work_sql(work);

	if (work->role_count > 0) {
		add_ending_of_hidden(sql, work);
		sql_add(sql, "SELECT (");
		add_ending(sql, work);
		sql_add(sql, "), (SELECT count(*) FROM pg_prepared_xacts x WHERE ");
		prepared_add_condition(sql, work, PREPARED_OF_ROLES);
		sql_add(sql, ")");
	}
	work_query(work, on_sessions);
}
