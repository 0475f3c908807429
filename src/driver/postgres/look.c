/* One query tells all facts. The lock on the instance is taken in the broker's own database, before anything is
 * changed. */
#include "look.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "hinder.h"
#include "mark.h"
#include "roster.h"
#include "sqlstate.h"

#define LOCK_BYTES 7 /* of a hash: positive as the server's bigint */
#define LOOKS_MAX  2 /* of a round; each waits as long as the server lets it */

/* ---- facts ---- */

static void add_facts(struct sql *sql, const struct pg_work *work)
{
	const char *login = work->login != NULL ? work->login : "";

	sql_add(
	    sql,
	    "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %l),"
	    " EXISTS (SELECT FROM pg_roles WHERE rolname = %l),"
	    " EXISTS (SELECT FROM pg_roles WHERE rolname = %l),"
	    " EXISTS (SELECT FROM pg_database WHERE datname = %l),"
	    " EXISTS (SELECT FROM pg_database JOIN pg_roles r ON r.oid = datdba WHERE datname = %l AND rolname = %l),"
	    " EXISTS (SELECT FROM pg_database WHERE datname = %l),"
	    " EXISTS (SELECT FROM pg_database JOIN pg_roles r ON r.oid = datdba WHERE datname = %l AND rolname = %l),"
	    " EXISTS (SELECT FROM pg_roles r WHERE rolname IN (%l, %l)"
	    " AND starts_with(shobj_description(r.oid, 'pg_authid'), %l)"
	    " AND shobj_description(r.oid, 'pg_authid') <> %l),"
	    " EXISTS (SELECT FROM pg_roles r WHERE rolname = %l AND pg_has_role(r.oid, 'USAGE')),"
	    " EXISTS (SELECT FROM pg_roles r, pg_roles me WHERE r.rolname = %l AND me.rolname = current_user AND"
	    " (pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION') OR me.rolcreaterole AND NOT r.rolsuper AND"
	    " current_setting('server_version_num')::int < 160000)),"
	    " EXISTS (SELECT FROM pg_database WHERE datname = %l AND has_database_privilege(oid, "
	    "'CONNECT')), " MARK_COMMENT ", " HINDER_EXISTS,
	    work->owner, work->reader, login, work->owner, work->owner, work->owner, work->retired, work->retired,
	    work->owner, work->owner, work->reader, TAG_BEGIN, work->tag, work->owner, work->owner, work->owner,
	    work->owner, work->owner, work->reader, work->owner);
}

/* An unbind goes on: its login's name has the incarnation's hash in it. */
static void check_tags(struct pg_work *work)
{
	if (work->facts.others && work->call->kind != CALL_UNBIND)
		call_fail(work->call, ERR_REFUSED,
		          "the comment on the role \"%s\" or \"%s\" says that it is another instance's, so it is left "
		          "alone; when it is this one's: COMMENT ON ROLE ... IS '%s'",
		          work->owner, work->reader, work->tag);
	else
		call_next(work->call);
}

static void note_facts(struct pg_work *work, const struct rows *rows)
{
	struct error reason;

	if (mark_check(work->call, mark_of_comment(rows_text(rows, 0, 11)), &reason) != 0) {
		call_fail_because(work->call, &reason);
		return;
	}
	work->facts = (struct facts){
	    .owner = rows_say(rows, 0),
	    .reader = rows_say(rows, 1),
	    .login = rows_say(rows, 2),
	    .database = rows_say(rows, 3),
	    .owned = rows_say(rows, 4),
	    .retired = rows_say(rows, 5),
	    .retired_owned = rows_say(rows, 6),
	    .others = rows_say(rows, 7),
	    .acts = rows_say(rows, 8),
	    .joins = rows_say(rows, 9),
	    .enters = rows_say(rows, 10),
	    .hindered = rows_say(rows, 12),
	};
	check_tags(work);
}

void step_peek(void *arg)
{
	struct pg_work *work = arg;

	add_facts(work_sql(work), work);
	work_query(work, note_facts);
}

/* ---- with the lock ---- */

static int64_t lock_number(const struct pg_work *work)
{
	const char *const parts[] = {"tsuru-broker", work->owner};
	char hex[2 * LOCK_BYTES + 1];

	secret_hash_hex(hex, LOCK_BYTES, parts, 2);
	return strtoll(hex, NULL, 16);
}

enum { ROW_ENDED, ROW_HOLDERS };

/* Whoever was ended lets go of it at once. */
static void on_holders(struct pg_work *work, const struct rows *rows)
{
	const char *holders = rows_text(rows, 0, ROW_HOLDERS);

	if (work->looks < LOOKS_MAX && (holders[0] == '\0' || strcmp(rows_text(rows, 0, ROW_ENDED), "0") != 0))
		step_look(work);
	else
		call_fail(work->call, ERR_LOCKED, "the lock on the instance is held by %s",
		          holders[0] != '\0' ? holders : "one session after another");
}

/* Nobody but admins can enter the database of the lock. One that holds it is ended if it is no session of this user's
 * (an operator's own, or another service's by a mistake in the configuration), or if it was left behind. */
static bool see_holders(struct pg_work *work, const char *sqlstate)
{
	struct sql *sql;

	if (!sqlstate_is_locked(sqlstate))
		return false;
	sql = work_sql(work);
	sql_add(sql,
	        "SELECT count(*) FILTER (WHERE ended), string_agg(DISTINCT format('\"%%s\" of %%I', name, usename),"
	        " ', ') FROM (SELECT a.application_name AS name, a.usename, CASE WHEN"
	        " a.usename <> current_user AND pg_has_role(a.usesysid, 'USAGE') OR ");
	roster_add_stray(&work->host->roster, sql);
	sql_add(sql,
	        " THEN pg_terminate_backend(a.pid) ELSE false END AS ended"
	        " FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
	        " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.database = a.datid"
	        " AND a.datname = current_database() AND (l.classid::bigint << 32) + l.objid::bigint = %d) holders",
	        lock_number(work));
	work_query(work, on_holders);
	return true;
}

/* The lock is a statement of its own: what follows sees what was committed before it was taken. */
void step_look(void *arg)
{
	struct pg_work *work = arg;
	struct sql *sql = work_sql(work);

	sql_add(sql, "SELECT pg_advisory_lock(%d);\n", lock_number(work));
	add_facts(sql, work);
	work->looks++;
	work_forgive(work, see_holders);
	work_query(work, note_facts);
}
