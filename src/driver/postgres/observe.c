/* check and observe: how a server and an instance are, in one query each, and without the instance's lock. */
#include <stdio.h>
#include <string.h>

#include "driver/login.h"
#include "postgres.h"
#include "work.h"

#define SHOWN_MAX 128

/* ---- check ---- */

#define SECOND_SESSION_WAIT 3000 /* ms */

enum { ROW_STANDBY, ROW_READ_ONLY, ROW_USER, ROW_NOT_LET_IN, ROW_SESSIONS, ROW_STRAYS };

static void warn_of_superuser(struct pg_work *work, const char *user)
{
	char sentence[ERROR_TEXT_MAX];

	snprintf(sentence, sizeof(sentence),
	         "on the server \"%s\" the broker's role \"%s\" is a superuser: a role with CREATEDB and CREATEROLE "
	         "is enough and puts less at risk",
	         work->host->target.name, user);
	call_result(work->call, CHECK_WARNING, sentence);
}

/* A role that an operator made for another service since the broker's own database was looked at. */
static void let_in(struct pg_work *work, const char *roles)
{
	struct sql *sql = work_sql(work);

	if (roles[0] != '\0')
		sql_add(sql, "GRANT CONNECT ON DATABASE " HOME_DATABASE " TO %s", roles);
	work_query(work, NULL);
}

static void on_answer(struct pg_work *work, const struct rows *rows)
{
	const char *obstacle = home_obstacle(rows_say(rows, ROW_STANDBY), rows_say(rows, ROW_READ_ONLY));

	if (obstacle != NULL) {
		lease_drop(&work->lease); /* what the role is set to counts for a new session */
		call_fail(work->call, ERR_UNAVAILABLE, "%s", obstacle);
		return;
	}
	login_server_warn(work->host->target.logins, work->call);
	if (work_is_superuser(work))
		warn_of_superuser(work, rows_text(rows, 0, ROW_USER));
	call_result(work->call, CHECK_SESSIONS, rows_text(rows, 0, ROW_SESSIONS));
	call_result(work->call, CHECK_STRAYS, rows_text(rows, 0, ROW_STRAYS));
	let_in(work, rows_text(rows, 0, ROW_NOT_LET_IN));
}

/* Late, or had: the pooler may have no more connections for the user just now, which says nothing of its mode. */
static void end_second(void *arg)
{
	struct pg_work *work = arg;

	timer_stop(work->call->backend->context->timers, &work->pause);
	work_leave(work);
	call_next(work->call);
}

static void on_second(void *arg, int code, const struct error *error)
{
	struct pg_work *work = arg;

	if (code != 0)
		call_fail_because(work->call, error);
	else
		end_second(work);
}

/* A second session beside the first, which asks nothing: a pooler that shares gives it the same process of the server,
 * and the session itself says so. */
static void step_try_pooler(void *arg)
{
	struct pg_work *work = arg;
	const struct driver_context *context = work->call->backend->context;

	if (!session_is_pooled(home_session(lease_session(&work->lease)))) {
		call_next(work->call);
		return;
	}
	work->on_resume = end_second;
	work->inside = session_open(context, &work->host->target, HOME_DATABASE, NULL, on_second, work);
	if (work->inside == NULL || timer_start(context->timers, &work->pause, SECOND_SESSION_WAIT) != 0)
		call_fail(work->call, ERR_NO_MEMORY, "out of memory");
}

/* Its sessions that were left behind end even while there is no connection. */
static void step_end_what_was_left(void *arg)
{
	struct pg_work *work = arg;

	ender_go_on(&work->host->ender);
	call_next(work->call);
}

static void step_ask_server(void *arg)
{
	struct pg_work *work = arg;
	struct sql *sql = work_sql(work);

	sql_add(sql, "SELECT " HOME_IS_READ_ONLY ", current_user, (SELECT " HOME_NOT_LET_IN
	             " FROM pg_database d WHERE d.datname = '" HOME_DATABASE "' AND pg_has_role(d.datdba, 'USAGE')),"
	             " (SELECT count(*) FROM pg_stat_activity a WHERE " ROSTER_OURS "),"
	             " (SELECT count(*) FROM pg_stat_activity a WHERE ");
	roster_add_stray(&work->host->roster, sql);
	sql_add(sql, " AND coalesce(a.state_change, a.backend_start) < now() - interval '" CHECK_STRAY_SECONDS " s')");
	work_query(work, on_answer);
}

const struct step postgres_check_steps[] = {
    {"end_what_was_left", step_end_what_was_left},
    {"take_session", step_take_session},
    {"try_the_pooler", step_try_pooler},
    {"answer", step_ask_server},
    {NULL, NULL},
};

/* ---- observe ---- */

enum { ROW_ALLOWED, ROW_SIZE, ROW_CONNECTIONS, ROW_LIMIT, ROW_VERSION };

static void add_results(struct pg_work *work, const struct rows *rows)
{
	const char *limit = rows_text(rows, 0, ROW_LIMIT);
	char connections[SHOWN_MAX];

	snprintf(connections, sizeof(connections), strcmp(limit, "-1") == 0 ? "%s" : "%s of %s",
	         rows_text(rows, 0, ROW_CONNECTIONS), limit);
	call_result(work->call, "Size", rows_text(rows, 0, ROW_SIZE));
	call_result(work->call, "Connections", connections);
	call_result(work->call, "Version", rows_text(rows, 0, ROW_VERSION));
}

static void on_database(struct pg_work *work, const struct rows *rows)
{
	if (rows_count(rows) == 0) {
		call_fail(work->call, ERR_NOT_FOUND, "the database is not there");
		return;
	}
	if (!rows_say(rows, ROW_ALLOWED)) {
		call_fail(work->call, ERR_UNAVAILABLE, "the database does not allow connections");
		return;
	}
	add_results(work, rows);
	call_next(work->call);
}

/* Workers of the server itself have no user. */
static void step_ask_database(void *arg)
{
	struct pg_work *work = arg;

	sql_add(work_sql(work),
	        "SELECT d.datallowconn, pg_size_pretty(pg_database_size(d.oid)),"
	        " (SELECT count(*) FROM pg_stat_activity a WHERE a.datid = d.oid AND a.usesysid IS NOT NULL),"
	        " d.datconnlimit, current_setting('server_version') FROM pg_database d WHERE d.datname = %l",
	        work->owner);
	work_query(work, on_database);
}

const struct step postgres_observe_steps[] = {
    {"take_session", step_take_session},
    {"show_the_database", step_ask_database},
    {NULL, NULL},
};
