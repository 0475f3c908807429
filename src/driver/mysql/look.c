/* The session, the instance's lock, and what is on the server before anything is done there. */
#include "look.h"

#include <stdlib.h>
#include <string.h>

#include "badge.h"
#include "errors.h"
#include "query.h"
#include "session.h"

#define LOCK_WAIT   1 /* s, before its holder is looked at */
#define LOCK_TRIES  5
#define SILENCE_MIN 5 /* s that a holder was silent for */

/* ---- the session ---- */

/* What grants call the database depends on the server. */
static void have_session(struct mysql_work *work)
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
	struct mysql_work *work = arg;

	if (code == 0)
		have_session(work);
	else
		call_fail_to_connect(work->call, error);
}

/* An account with READ_ONLY ADMIN could write there; whoever made the server read-only has a reason. From 12 on a
 * MariaDB has words for it. */
static void on_state(struct mysql_work *work, MYSQL_RES *rows)
{
	if (strcmp(mysql_fetch_row(rows)[0], "1") == 0)
		call_fail(work->call, ERR_UNAVAILABLE, MARIA_READ_ONLY);
	else
		call_next(work->call);
}

void maria_step_require_writable(void *arg)
{
	struct mysql_work *work = arg;

	sql_add(maria_sql(work), "SELECT " MARIA_IS_READ_ONLY);
	maria_query(work, on_state);
}

/* DROP DATABASE leaves the files of a table whose engine is not loaded, and forgets the table; RENAME does not find it.
 */
static void on_unloaded(struct mysql_work *work, MYSQL_RES *rows)
{
	enum { SCHEMA, TABLE, ENGINE };
	MYSQL_ROW row = mysql_fetch_row(rows);

	if (row == NULL)
		call_next(work->call);
	else
		call_fail(work->call, ERR_LOCKED,
		          "the table \"%s\" of the database \"%s\" is one of the storage engine %s, which is not "
		          "loaded: INSTALL SONAME loads it",
		          row[TABLE], row[SCHEMA], row[ENGINE]);
}

void maria_step_require_engines(void *arg)
{
	struct mysql_work *work = arg;

	sql_add(maria_sql(work),
	        "SELECT TABLE_SCHEMA, TABLE_NAME, ENGINE FROM information_schema.TABLES"
	        " WHERE TABLE_SCHEMA IN (%l, %l) AND ENGINE NOT IN"
	        " (SELECT ENGINE FROM information_schema.ENGINES WHERE SUPPORT IN ('YES', 'DEFAULT')) LIMIT 1",
	        work->database, work->retired);
	maria_query(work, on_unloaded);
}

void maria_step_take_session(void *arg)
{
	struct mysql_work *work = arg;
	const struct mysql_session *session = lease_session(&work->lease);

	if (session != NULL && maria_session_is_usable(session)) {
		have_session(work);
		return;
	}
	lease_drop(&work->lease);
	lease_ask(work->host->pool, &work->lease, on_lease, work);
}

/* ---- the lock, the mark, and the databases ---- */

static void take_lock(struct mysql_work *work);

struct holder {
	const char *id, *user; /* NULL: it has gone */
	bool silent;
};

static void on_holder_ended(struct mysql_work *work, MYSQL_RES *rows)
{
	(void)rows;
	take_lock(work);
}

/* The broker's own go on with what they do, and the call comes back later. One that has asked nothing for so long as no
 * call is silent was lost by the network: the server does not know that nobody is behind it. */
static void end_holder(struct mysql_work *work, const struct holder *holder)
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

static void note_databases(struct mysql_work *work, MYSQL_RES *rows)
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
static void add_comment(struct mysql_work *work, const char *database)
{
	sql_add(&work->sql, ", (SELECT %s FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %l)",
	        maria_is_mariadb(work) ? "SCHEMA_COMMENT" : "''", database);
}

/* A lock that is taken twice would have to be given back twice. */
static void take_lock(struct mysql_work *work)
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
	struct mysql_work *work = arg;

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
	struct mysql_work *work = arg;

	if (work->has_database)
		maria_step_require_own(work);
	else
		call_fail(work->call, ERR_REFUSED, "the database is not there any more");
}
