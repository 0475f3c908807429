/* What all calls share: beginning, querying, trying again, ending. The work is freed before its call is settled. */
#include "work.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "errors.h"
#include "session.h"

#define ROUNDS_MAX  4
#define PAUSE_FIRST 5   /* ms */
#define PAUSE_MAX   200 /* ms */

static void on_end(void *arg, int code, const struct error *error);

/* ---- beginning and ending ---- */

static void on_pause(void *arg)
{
	struct work *work = arg;

	work->on_resume(work);
}

static struct work *make_work(const struct maria *maria, struct driver_call *call)
{
	struct work *work = calloc(1, sizeof(*work));

	if (work == NULL)
		return NULL;
	work->maria = maria;
	work->host = &maria->hosts[call->server - maria->service->servers];
	work->call = call;
	work->database = call->instance != NULL ? call->instance->resource : "";
	work->login = call->bind != NULL ? call->bind->login : NULL;
	snprintf(work->retired, sizeof(work->retired), "%s" RETIRED_END, work->database);
	sql_init(&work->sql, &maria_dialect);
	arena_init(&work->arena);
	timer_init(&work->pause, on_pause, work);
	return work;
}

static void free_work(struct work *work)
{
	timer_stop(work->maria->context->timers, &work->pause);
	sql_release(&work->sql);
	arena_release(&work->arena);
	free(work);
}

static void start_round(struct work *work)
{
	work->rounds++;
	steps_start(&work->steps, work->table, work, on_end);
}

void maria_start(void *state, struct driver_call *call, const struct step *table)
{
	struct work *work = make_work(state, call);
	struct error error;

	if (work == NULL) {
		call_settle(call, ERR_NO_MEMORY, "out of memory");
		return;
	}
	if (call->bind != NULL && driver_read_only(call->bind, &work->read_only, &error) != 0) {
		free_work(work);
		call_settle(call, error.code, "%s", error.text);
		return;
	}
	work->table = table;
	call->work = work;
	start_round(work);
}

void maria_cancel(void *state, struct driver_call *call)
{
	struct work *work = call->work;

	(void)state;
	if (work == NULL)
		return;
	lease_drop(&work->lease);
	free_work(work);
}

/* Forgets what the round found out. */
static void begin_again(struct work *work)
{
	work->again = work->has_database = work->has_retired = false;
	work->accounts = NULL;
	work->account_count = 0;
	work->pause_ms = 0;
	arena_release(&work->arena);
	start_round(work);
}

static void on_end(void *arg, int code, const struct error *error)
{
	struct work *work = arg;
	struct driver_call *call = work->call;

	if (code != 0 && work->again) {
		begin_again(work);
		return;
	}
	lease_end(&work->lease);
	free_work(work);
	call_settle(call, code, "%s", error->text);
}

/* ---- failures ---- */

static void fail(struct work *work, const struct error *reason)
{
	steps_fail_because(&work->steps, "server", work->host->target.name,
	                   work->login != NULL ? work->login : work->database, reason);
}

void maria_fail(struct work *work, int code, const char *format, ...)
{
	struct error reason;
	va_list arguments;

	va_start(arguments, format);
	error_set_list(&reason, code, format, arguments);
	va_end(arguments);
	fail(work, &reason);
}

/* ---- queries ---- */

struct sql *maria_sql(struct work *work)
{
	sql_begin(&work->sql, maria_session_connection(lease_session(&work->lease)));
	return &work->sql;
}

static void on_answered(void *arg, int code, const struct error *error, MYSQL_RES *rows)
{
	struct work *work = arg;

	if (code == 0 && work->on_rows != NULL) {
		work->on_rows(work, rows);
		return;
	}
	if (code == 0) {
		steps_next(&work->steps);
		return;
	}
	work->again =
	    work->rounds < ROUNDS_MAX && maria_error_is_overtaken(maria_session_errno(lease_session(&work->lease)));
	fail(work, error);
}

void maria_query(struct work *work, void (*on_rows)(struct work *work, MYSQL_RES *rows))
{
	const char *text = sql_string(&work->sql);
	struct error error;

	if (text == NULL) {
		maria_fail(work, ERR_NO_MEMORY, "out of memory");
		return;
	}
	if (sql_is_empty(&work->sql)) {
		steps_next(&work->steps);
		return;
	}
	work->on_rows = on_rows;
	if (maria_session_query(lease_session(&work->lease), text, on_answered, work, &error) != 0)
		fail(work, &error);
}

void maria_pause(struct work *work, void (*on_resume)(void *work))
{
	work->pause_ms = work->pause_ms == 0 ? PAUSE_FIRST : work->pause_ms * 2;
	if (work->pause_ms > PAUSE_MAX)
		work->pause_ms = PAUSE_MAX;
	work->on_resume = on_resume;
	if (timer_start(work->maria->context->timers, &work->pause, work->pause_ms) != 0)
		maria_fail(work, ERR_NO_MEMORY, "out of memory");
}

bool maria_is_mariadb(const struct work *work)
{
	return maria_session_is_mariadb(lease_session(&work->lease));
}

/* ---- steps ---- */

static void on_lease(void *arg, int code, const struct error *error)
{
	struct work *work = arg;
	struct error failure;

	if (code == 0) {
		steps_next(&work->steps);
		return;
	}
	error_set(&failure, code, "the broker cannot connect to the server \"%s\": %s", work->host->target.name,
	          error->text);
	steps_fail(&work->steps, &failure);
}

void maria_step_take_session(void *arg)
{
	struct work *work = arg;
	const struct session *session = lease_session(&work->lease);

	if (session != NULL && maria_session_is_usable(session)) {
		steps_next(&work->steps);
		return;
	}
	lease_drop(&work->lease);
	lease_ask(work->host->pool, &work->lease, on_lease, work);
}

static void note_databases(struct work *work, MYSQL_RES *rows)
{
	MYSQL_ROW row = mysql_fetch_row(rows);

	if (row[0] == NULL || strcmp(row[0], "1") != 0) {
		maria_fail(work, ERR_UNAVAILABLE, "another call holds the instance's lock");
		return;
	}
	work->has_database = strcmp(row[1], "1") == 0;
	work->has_retired = strcmp(row[2], "1") == 0;
	steps_next(&work->steps);
}

/* The dispatcher's deadline ends the wait for the lock. */
void maria_step_look(void *arg)
{
	struct work *work = arg;
	const bool literal = maria_session_has_literal_grants(lease_session(&work->lease));

	if (!maria_pattern(work->database, literal, work->pattern)) {
		maria_fail(work, ERR_REFUSED, "the name is too long for a grant, which has %d bytes", DATABASE_MAX);
		return;
	}
	sql_add(maria_sql(work), "SELECT GET_LOCK(SHA1(%l), 3600) INTO @locked;\n", work->database);
	sql_add(&work->sql,
	        "SELECT @locked, EXISTS (SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %l),"
	        " EXISTS (SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %l)",
	        work->database, work->retired);
	maria_query(work, note_databases);
}

/* Not ERR_NOT_FOUND, which tsuru takes for success on an update: the instance is known, its database is lost. */
void maria_step_require_database(void *arg)
{
	struct work *work = arg;

	if (work->has_database)
		steps_next(&work->steps);
	else
		maria_fail(work, ERR_REFUSED, "the database is not there any more");
}
