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
#define LOCK_WAIT   1   /* s, before its holder is looked at */

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
	work->owner = work->retired_owner = OWNER_UNKNOWN;
	work->accounts = NULL;
	work->account_count = work->living = 0;
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
	if (work->lacks_rights)
		lease_drop(&work->lease);
	else
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
	work->lacks_rights = code == ERR_REFUSED;
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

/* What grants call the database depends on the server. */
static void have_session(struct work *work)
{
	const bool literal = maria_session_has_literal_grants(lease_session(&work->lease));

	if (work->database[0] != '\0' && !maria_pattern(work->database, literal, work->pattern))
		maria_fail(work, ERR_REFUSED, "the name is too long for a grant, which has %d bytes", DATABASE_MAX);
	else
		steps_next(&work->steps);
}

static void on_lease(void *arg, int code, const struct error *error)
{
	struct work *work = arg;
	struct error failure;

	if (code == 0) {
		have_session(work);
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
		have_session(work);
		return;
	}
	lease_drop(&work->lease);
	lease_ask(work->host->pool, &work->lease, on_lease, work);
}

/* ---- the lock, the mark, and the databases ---- */

void maria_add_mark(struct work *work, struct sql *sql)
{
	sql_add(sql, "(SELECT Host FROM mysql.user WHERE User = %l ORDER BY Host = %l DESC LIMIT 1)", MARK_USER,
	        work->call->mark != NULL ? work->call->mark : "");
}

bool maria_has_mark(struct work *work, const char *found)
{
	struct error error;

	if (mark_check(work->call, found, &error) == 0)
		return true;
	fail(work, &error);
	return false;
}

static void take_lock(struct work *work);

static void on_holder_ended(struct work *work, MYSQL_RES *rows)
{
	(void)rows;
	take_lock(work);
}

/* The broker's own go on with what they do. */
static void end_foreign_holder(struct work *work, const char *id, const char *user)
{
	struct sql *sql = maria_sql(work);

	if (id != NULL && user != NULL && strcmp(user, work->host->target.user) != 0)
		sql_add(sql, "KILL %d", (int64_t)strtoll(id, NULL, 10));
	else
		sql_add(sql, "DO 0");
	maria_query(work, on_holder_ended);
}

static void note_databases(struct work *work, MYSQL_RES *rows)
{
	enum { LOCKED, HOLDER, HOLDER_USER, MARK, DATABASE, RETIRED };
	MYSQL_ROW row = mysql_fetch_row(rows);

	if (row[LOCKED] == NULL || strcmp(row[LOCKED], "1") != 0) {
		end_foreign_holder(work, row[HOLDER], row[HOLDER_USER]);
		return;
	}
	if (!maria_has_mark(work, row[MARK]))
		return;
	work->has_database = row[DATABASE] != NULL;
	work->has_retired = row[RETIRED] != NULL;
	work->owner = maria_owner_of(work->call, work->database, row[DATABASE]);
	work->retired_owner = maria_owner_of(work->call, work->retired, row[RETIRED]);
	steps_next(&work->steps);
}

/* MySQL has no comments on databases. */
static void add_comment(struct work *work, const char *database)
{
	sql_add(&work->sql, ", (SELECT %s FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %l)",
	        maria_is_mariadb(work) ? "SCHEMA_COMMENT" : "''", database);
}

static void take_lock(struct work *work)
{
	char name[LOCK_NAME_SIZE];
	struct sql *sql = maria_sql(work);

	maria_lock_name(work->call, name);
	sql_add(sql, "SELECT GET_LOCK(%l, %d), IS_USED_LOCK(%l) INTO @locked, @holder;\n", name, (int64_t)LOCK_WAIT,
	        name);
	sql_add(sql, "SELECT @locked, @holder, IF(@locked = 1, NULL,"
	             " (SELECT USER FROM information_schema.PROCESSLIST WHERE ID = @holder)), ");
	maria_add_mark(work, sql);
	add_comment(work, work->database);
	add_comment(work, work->retired);
	maria_query(work, note_databases);
}

/* The dispatcher's deadline ends the wait for the lock. */
void maria_step_look(void *arg)
{
	take_lock(arg);
}

void maria_step_require_own(void *arg)
{
	struct work *work = arg;

	if (work->owner == OWNER_OTHER)
		maria_fail(
		    work, ERR_REFUSED,
		    "the database belongs to another instance, as its comment says: it is left alone; \"ctl forget\" "
		    "takes the instance out of the records");
	else
		steps_next(&work->steps);
}

/* Not ERR_NOT_FOUND, which tsuru takes for success on an update: the instance is known, its database is lost. */
void maria_step_require_database(void *arg)
{
	struct work *work = arg;

	if (work->has_database)
		maria_step_require_own(work);
	else
		maria_fail(work, ERR_REFUSED, "the database is not there any more");
}
