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

#include "roles.h"
#include "sqlstate.h"

#define WAIT           "'250ms'" /* of one try */
#define PREPARED_TRIES 3         /* of one call: who cannot be rolled back is left to the server's operator */

enum { ROW_SESSIONS, ROW_PREPARED };

/* ---- prepared transactions ---- */

struct prepared {
	const char *id, *database, *owner;
};

static void end_prepared(struct work *work, void (*on_ended)(void *work));

static void on_rolled_back(struct work *work, const struct rows *rows)
{
	(void)rows;
	work_leave(work);
	work_pause(work, work->on_prepared_ended);
}

static bool on_not_rolled_back(struct work *work, const char *sqlstate)
{
	(void)sqlstate;
	work_leave(work);
	work_pause(work, work->on_prepared_ended);
	return true;
}

static void roll_back(struct work *work, const struct rows *rows)
{
	(void)rows;
	sql_add(work_sql(work), "ROLLBACK PREPARED %l", work->prepared->id);
	work_forgive(work, on_not_rolled_back);
	work_query_inside(work, on_rolled_back);
}

/* Who is no superuser has to be the one that prepared it. */
static void become_owner(struct work *work)
{
	if (work_is_superuser(work)) {
		roll_back(work, NULL);
		return;
	}
	sql_add(work_sql(work), "GRANT %i TO CURRENT_USER;\nSET ROLE %i", work->prepared->owner, work->prepared->owner);
	work_forgive(work, on_not_rolled_back);
	work_query_inside(work, roll_back);
}

static void on_prepared(struct work *work, const struct rows *rows)
{
	struct prepared *prepared;

	if (rows_count(rows) == 0) {
		work_pause(work, work->on_prepared_ended);
		return;
	}
	prepared = arena_alloc(&work->arena, sizeof(*prepared));
	if (prepared != NULL)
		*prepared = (struct prepared){.id = arena_text(&work->arena, rows_text(rows, 0, 0)),
		                              .database = arena_text(&work->arena, rows_text(rows, 0, 1)),
		                              .owner = arena_text(&work->arena, rows_text(rows, 0, 2))};
	if (prepared == NULL || arena_failed(&work->arena)) {
		work_fail(work, ERR_NO_MEMORY, "out of memory");
		return;
	}
	work->prepared = prepared;
	work_forgive(work, on_not_rolled_back);
	work_enter(work, prepared->database, become_owner);
}

/* Prepared by one of work->roles, or in the database of an instance that is going. */
static void add_condition(struct sql *sql, const struct work *work)
{
	sql_add(sql, "owner IN (");
	roles_add_names(sql, work);
	sql_add(sql, ")");
	if (work->call->bind == NULL)
		sql_add(sql, " OR database IN (%l, %l)", work->owner, work->retired);
}

/* Rolls one back and calls on_ended, whatever came of it. */
static void end_prepared(struct work *work, void (*on_ended)(void *work))
{
	struct sql *sql = work_sql(work);

	work->on_prepared_ended = on_ended;
	work->prepared_tries++;
	sql_add(sql, "SELECT gid, database, owner FROM pg_prepared_xacts WHERE ");
	add_condition(sql, work);
	sql_add(sql, " OR owner IN (%l, %l) ORDER BY prepared LIMIT 1", work->owner, work->reader);
	work_query(work, on_prepared);
}

/* ---- shutting ---- */

static bool on_shut_out(struct work *work, const char *sqlstate)
{
	if (!sqlstate_is_blocked(sqlstate))
		return false;
	if (work->prepared_tries < PREPARED_TRIES)
		end_prepared(work, step_shut_roles);
	else if (work_is_held_up(work))
		return false;
	else
		work_pause(work, step_shut_roles);
	return true;
}

static void add_ending(struct sql *sql, const struct work *work)
{
	sql_add(sql, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename IN (");
	roles_add_names(sql, work);
	sql_add(sql, ")");
}

/* Ends the sessions of work->roles that are not shown yet. */
static void add_ending_of_hidden(struct sql *sql, const struct work *work)
{
	struct sql block;

	sql_init(&block, sql->dialect);
	sql_begin(&block, sql->connection);
	sql_add(&block, "DECLARE hidden int; login text;\nBEGIN\n"
	                " FOR hidden IN SELECT DISTINCT l.pid FROM pg_locks l WHERE l.pid IS NOT NULL AND NOT EXISTS ("
	                "SELECT FROM pg_stat_activity a WHERE a.pid = l.pid AND a.usesysid IS NOT NULL) LOOP\n"
	                "  FOREACH login IN ARRAY ARRAY[");
	roles_add_names(&block, work);
	sql_add(&block, "]::text[] LOOP\n"
	                "   BEGIN EXECUTE format('SET LOCAL ROLE %%I', login); PERFORM pg_terminate_backend(hidden);"
	                " EXCEPTION WHEN insufficient_privilege OR invalid_parameter_value THEN NULL; END;\n"
	                "   SET LOCAL ROLE NONE;\n"
	                "  END LOOP;\n END LOOP;\nEND");
	if (sql_string(&block) != NULL)
		sql_add(sql, "DO %l;\n", sql_string(&block));
	else
		sql->failed = true;
	sql_release(&block);
}

static void on_shut(struct work *work, const struct rows *rows)
{
	(void)rows;
	steps_next(&work->steps);
}

void step_shut_roles(void *arg)
{
	struct work *work = arg;
	struct sql *sql = work_sql(work);

	if (work->role_count == 0) {
		steps_next(&work->steps);
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
	work_query(work, on_shut);
}

static void on_sessions(struct work *work, const struct rows *rows)
{
	const bool prepared = strcmp(rows_text(rows, 0, ROW_PREPARED), "0") != 0;

	if (strcmp(rows_text(rows, 0, ROW_SESSIONS), "0") != 0)
		work_pause(work, step_end_sessions);
	else if (prepared && work->prepared_tries < PREPARED_TRIES)
		end_prepared(work, step_end_sessions);
	else
		steps_next(&work->steps);
}

void step_end_sessions(void *arg)
{
	struct work *work = arg;
	struct sql *sql = work_sql(work);

	if (work->role_count > 0) {
		add_ending_of_hidden(sql, work);
		sql_add(sql, "SELECT (");
		add_ending(sql, work);
		sql_add(sql, "), (SELECT count(*) FROM pg_prepared_xacts WHERE ");
		add_condition(sql, work);
		sql_add(sql, ")");
	}
	work_query(work, on_sessions);
}
