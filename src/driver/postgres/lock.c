/* The lock on the instance: it is taken in the broker's own database, before anything is changed. */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "roster.h"
#include "sqlstate.h"
#include "work.h"

#define LOCK_BYTES 7 /* of a hash: positive as the server's bigint */
#define LOOKS_MAX  2 /* of a round; each waits as long as the server lets it */

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
	work_add_facts(sql, work);
	work->looks++;
	work_forgive(work, see_holders);
	work_query(work, work_note_facts);
}
