/* What all calls share: beginning, querying, trying again, ending. */
#include "work.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "badge.h"
#include "errors.h"
#include "explain.h"
#include "reaper.h"
#include "session.h"

#define ROUNDS_MAX          4
#define PAUSE_FIRST         5   /* ms */
#define PAUSE_MAX           200 /* ms */
#define LOCK_WAIT           1   /* s, before its holder is looked at */
#define LOCK_TRIES          5
#define SILENCE_MIN         5   /* s that a holder was silent for */
#define MARGIN              200 /* ms between a statement's limit and the call's */
#define READ_ONLY_DATABASES 80022

/* ---- beginning and ending ---- */

static void on_pause(void *arg)
{
	struct work *work = arg;

	work->on_resume(work);
}

int maria_begin(void *arg, struct error *error)
{
	struct work *work = arg;
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
	struct work *work = arg;

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
	struct work *work = arg;
	const struct session *session = lease_session(&work->lease);

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

/* ---- queries ---- */

struct sql *maria_sql(struct work *work)
{
	sql_begin(&work->sql, maria_session_connection(lease_session(&work->lease)));
	return &work->sql;
}

static void on_answered(void *arg, int code, const struct error *error, MYSQL_RES *rows)
{
	struct work *work = arg;
	const unsigned int number = maria_session_errno(lease_session(&work->lease));

	if (code == 0 && work->on_rows != NULL) {
		work->on_rows(work, rows);
		return;
	}
	if (code == 0) {
		call_next(work->call);
		return;
	}
	work->spoiled |= maria_error_lacks_right(number);
	work->again = work->call->rounds < ROUNDS_MAX && maria_error_is_overtaken(number);
	if (work->again)
		call_fail_because(work->call, error);
	else
		maria_explain(work, number, error);
}

int64_t maria_limit(const struct work *work)
{
	const int64_t left = call_left(work->call);

	return left > 2 * MARGIN ? left - MARGIN : left / 2 + 1;
}

void maria_query(struct work *work, void (*on_rows)(struct work *work, MYSQL_RES *rows))
{
	const char *text = sql_string(&work->sql);
	struct error error;

	if (text == NULL) {
		call_fail(work->call, ERR_NO_MEMORY, "out of memory");
		return;
	}
	if (sql_is_empty(&work->sql)) {
		call_next(work->call);
		return;
	}
	work->on_rows = on_rows;
	if (maria_session_query(lease_session(&work->lease), text, maria_limit(work), on_answered, work, &error) != 0)
		call_fail_because(work->call, &error);
}

void maria_pause(struct work *work, void (*on_resume)(void *work))
{
	work->pause_ms = work->pause_ms == 0 ? PAUSE_FIRST : work->pause_ms * 2;
	if (work->pause_ms > PAUSE_MAX)
		work->pause_ms = PAUSE_MAX;
	work->paused += work->pause_ms;
	work->on_resume = on_resume;
	if (timer_start(work->call->backend->context->timers, &work->pause, work->pause_ms) != 0)
		call_fail(work->call, ERR_NO_MEMORY, "out of memory");
}

bool maria_is_mariadb(const struct work *work)
{
	return maria_session_is_mariadb(lease_session(&work->lease));
}

void maria_add_unwaiting(struct work *work, struct sql *sql)
{
	if (maria_is_mariadb(work))
		sql_add(sql, "SET STATEMENT lock_wait_timeout = 0 FOR ");
}

void maria_add_writable(struct work *work, struct sql *sql, const char *database)
{
	if (!maria_is_mariadb(work) && maria_session_version(lease_session(&work->lease)) >= READ_ONLY_DATABASES)
		sql_add(sql, "ALTER DATABASE %i READ ONLY = 0;\n", database);
}

/* ---- steps ---- */

/* What grants call the database depends on the server. */
static void have_session(struct work *work)
{
	const bool literal = maria_session_has_literal_grants(lease_session(&work->lease));

	if (work->database[0] != '\0' && !maria_pattern(work->database, literal, work->pattern))
		call_fail(work->call, ERR_REFUSED, "the name is too long for a grant, which has %d bytes",
		          DATABASE_MAX);
	else
		maria_badge_session(work);
}

static void on_lease(void *arg, int code, const struct error *error)
{
	struct work *work = arg;

	if (code == 0)
		have_session(work);
	else
		call_fail_to_connect(work->call, error);
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
	call_fail_because(work->call, &error);
	return false;
}

static void take_lock(struct work *work);

struct holder {
	const char *id, *user; /* NULL: it has gone */
	bool silent;
};

static void on_holder_ended(struct work *work, MYSQL_RES *rows)
{
	(void)rows;
	take_lock(work);
}

/* The broker's own go on with what they do, and the call comes back later. One that has asked nothing for so long as no
 * call is silent was lost by the network: the server does not know that nobody is behind it. */
static void end_holder(struct work *work, const struct holder *holder)
{
	const bool known = holder->id != NULL && holder->user != NULL;
	const bool ended = known && (strcmp(holder->user, work->host->target.user) != 0 || holder->silent);
	struct sql *sql = maria_sql(work);

	if (++work->lock_tries == LOCK_TRIES || (known && !ended)) {
		call_fail(work->call, ERR_LOCKED,
		          "session %s of \"%s\", an earlier call for the instance, is not done yet",
		          known ? holder->id : "?", known ? holder->user : "?");
		return;
	}
	sql_add(sql, ended ? "KILL %d" : "DO %d", ended ? (int64_t)strtoll(holder->id, NULL, 10) : 0);
	maria_query(work, on_holder_ended);
}

static void note_databases(struct work *work, MYSQL_RES *rows)
{
	enum { LOCKED, HOLDER, HOLDER_USER, SILENT, MARK, DATABASE, RETIRED };
	MYSQL_ROW row = mysql_fetch_row(rows);

	if (row[LOCKED] == NULL || strcmp(row[LOCKED], "1") != 0) {
		const bool silent = row[SILENT] != NULL && strcmp(row[SILENT], "1") == 0;

		end_holder(work, &(struct holder){.id = row[HOLDER], .user = row[HOLDER_USER], .silent = silent});
		return;
	}
	if (!maria_has_mark(work, row[MARK]))
		return;
	work->has_database = row[DATABASE] != NULL;
	work->has_retired = row[RETIRED] != NULL;
	work->owner = maria_owner_of(work->call, work->database, row[DATABASE]);
	work->retired_owner = maria_owner_of(work->call, work->retired, row[RETIRED]);
	call_next(work->call);
}

/* MySQL has no comments on databases. */
static void add_comment(struct work *work, const char *database)
{
	sql_add(&work->sql, ", (SELECT %s FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %l)",
	        maria_is_mariadb(work) ? "SCHEMA_COMMENT" : "''", database);
}

/* A lock that is taken twice would have to be given back twice. */
static void take_lock(struct work *work)
{
	char name[LOCK_NAME_SIZE];
	struct sql *sql = maria_sql(work);

	maria_lock_name(work->call, name);
	sql_add(sql,
	        "SET @" INSTANCE_LOCK " = %l;\n"
	        "SELECT IF(IS_USED_LOCK(%l) = CONNECTION_ID(), 1, GET_LOCK(%l, %d)), IS_USED_LOCK(%l)"
	        " INTO @locked, @holder;\n",
	        name, name, name, (int64_t)LOCK_WAIT, name);
	sql_add(sql, "SELECT @locked, @holder, h.USER, h.COMMAND = 'Sleep' AND h.TIME >= %d, ", (int64_t)SILENCE_MIN);
	maria_add_mark(work, sql);
	add_comment(work, work->database);
	add_comment(work, work->retired);
	sql_add(sql,
	        " FROM (SELECT 1) one LEFT JOIN information_schema.PROCESSLIST h ON h.ID = @holder AND @locked = 0");
	maria_query(work, note_databases);
}

void maria_step_look(void *arg)
{
	take_lock(arg);
}

void maria_step_require_own(void *arg)
{
	struct work *work = arg;

	if (work->owner == OWNER_OTHER)
		call_fail(
		    work->call, ERR_REFUSED,
		    "the database belongs to another instance, as its comment says: it is left alone; \"ctl forget\" "
		    "takes the instance out of the records");
	else
		call_next(work->call);
}

/* Not ERR_NOT_FOUND, which tsuru takes for success on an update: the instance is known, its database is lost. */
void maria_step_require_database(void *arg)
{
	struct work *work = arg;

	if (work->has_database)
		maria_step_require_own(work);
	else
		call_fail(work->call, ERR_REFUSED, "the database is not there any more");
}
