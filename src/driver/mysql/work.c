/* What all calls share below their queries: beginning, ending, and what a statement has to be told of the server. */
#include "work.h"

#include <stdio.h>

#include "reaper.h"
#include "session.h"

#define PAUSE_FIRST         5   /* ms */
#define PAUSE_MAX           200 /* ms */
#define MARGIN              200 /* ms between a statement's limit and the call's */
#define READ_ONLY_DATABASES 80022

/* ---- beginning and ending ---- */

static void on_pause(void *arg)
{
	struct mysql_work *work = arg;

	work->on_resume(work);
}

int maria_begin(void *arg, struct error *error)
{
	struct mysql_work *work = arg;
	struct driver_call *call = work->call;

	(void)error;
	work->host = call_host(call);
	work->database = call->instance != NULL ? call->instance->resource : "";
	work->login = call->bind != NULL ? call->bind->login : NULL;
	snprintf(work->retired, sizeof(work->retired), "%s" RETIRED_END, work->database);
	sql_init(&work->sql, &maria_dialect);
	arena_init(&work->arena);
	timer_init(&work->pause, on_pause, work);
	return 0;
}

bool maria_again(void *arg)
{
	struct mysql_work *work = arg;

	if (!work->again)
		return false;
	work->again = work->has_database = work->has_retired = false;
	work->owner = work->retired_owner = OWNER_UNKNOWN;
	work->accounts = NULL;
	work->account_count = work->living = 0;
	work->pause_ms = work->paused = 0;
	work->lock_tries = 0;
	arena_release(&work->arena);
	return true;
}

void maria_end(void *arg, bool given_up)
{
	struct mysql_work *work = arg;
	const struct mysql_session *session = lease_session(&work->lease);

	if (given_up && session != NULL)
		reaper_add(work->host->reaper, maria_session_asking(session), maria_session_badge(session));
	if (given_up || work->spoiled)
		lease_drop(&work->lease);
	else
		lease_end(&work->lease);
	timer_stop(work->call->backend->context->timers, &work->pause);
	sql_release(&work->sql);
	arena_release(&work->arena);
}

void maria_pause(struct mysql_work *work, void (*on_resume)(void *work))
{
	work->pause_ms = work->pause_ms == 0 ? PAUSE_FIRST : work->pause_ms * 2;
	if (work->pause_ms > PAUSE_MAX)
		work->pause_ms = PAUSE_MAX;
	work->paused += work->pause_ms;
	work->on_resume = on_resume;
	if (timer_start(work->call->backend->context->timers, &work->pause, work->pause_ms) != 0)
		call_fail(work->call, ERR_NO_MEMORY, "out of memory");
}

/* ---- statements ---- */

struct sql *maria_sql(struct mysql_work *work)
{
	sql_begin(&work->sql, maria_session_connection(lease_session(&work->lease)));
	return &work->sql;
}

int64_t maria_limit(const struct mysql_work *work)
{
	const int64_t left = call_left(work->call);

	return left > 2 * MARGIN ? left - MARGIN : left / 2 + 1;
}

bool maria_is_mariadb(const struct mysql_work *work)
{
	return mariadb_connection(maria_session_connection(lease_session(&work->lease)));
}

void maria_add_unwaiting(struct mysql_work *work, struct sql *sql)
{
	if (maria_is_mariadb(work))
		sql_add(sql, "SET STATEMENT lock_wait_timeout = 0 FOR ");
}

void maria_add_writable(struct mysql_work *work, struct sql *sql, const char *database)
{
	MYSQL *mysql = maria_session_connection(lease_session(&work->lease));

	if (!mariadb_connection(mysql) && mysql_get_server_version(mysql) >= READ_ONLY_DATABASES)
		sql_add(sql, "ALTER DATABASE %i READ ONLY = 0;\n", database);
}

/* ---- the server's mark ---- */

void maria_add_mark(struct mysql_work *work, struct sql *sql)
{
	sql_add(sql, "(SELECT Host FROM mysql.user WHERE User = %l ORDER BY Host = %l DESC LIMIT 1)", MARK_USER,
	        work->call->mark != NULL ? work->call->mark : "");
}

bool maria_has_mark(struct mysql_work *work, const char *found)
{
	struct error error;

	if (mark_check(work->call, found, &error) == 0)
		return true;
	call_fail_because(work->call, &error);
	return false;
}
