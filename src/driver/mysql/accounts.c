/* Accounts: a user at a host each, where a login's name is the user. Accounts of a login at other hosts than the
 * configuration's were made before that was changed; they go with the rest. */
#include "accounts.h"

#include <stdlib.h>
#include <string.h>

#include "query.h"

#define ENDING_MAX 1500 /* ms that sessions may take to end before the call comes back later */

/* ---- what a plan gives ---- */

static int64_t number_of(const struct plan *plan, const char *key)
{
	return options_number(&plan->options, key);
}

int maria_add_limits(struct mysql_work *work, struct sql *sql)
{
	const struct plan *plan = work->call->plan;
	const int64_t timeout = number_of(plan, "statement_timeout");

	if (timeout > 0 && !maria_is_mariadb(work)) {
		call_fail(work->call, ERR_REFUSED,
		          "the plan \"%s\" has a statement_timeout, which only MariaDB gives accounts", plan->name);
		return ERR_REFUSED;
	}
	sql_add(sql, " REQUIRE %s WITH MAX_USER_CONNECTIONS %d MAX_QUERIES_PER_HOUR %d MAX_UPDATES_PER_HOUR %d",
	        options_flag(&plan->options, "require_tls") ? "SSL" : "NONE", number_of(plan, "connection_limit"),
	        number_of(plan, "queries_per_hour"), number_of(plan, "updates_per_hour"));
	if (maria_is_mariadb(work))
		sql_add(sql, " MAX_STATEMENT_TIME %d.%s%s%d", timeout / 1000, timeout % 1000 < 100 ? "0" : "",
		        timeout % 1000 < 10 ? "0" : "", timeout % 1000);
	return 0;
}

/* ---- finding ---- */

static void note_accounts(struct mysql_work *work, MYSQL_RES *rows)
{
	enum { USER, HOST, LOCKED, EVENTS, MARK };
	const size_t count = (size_t)mysql_num_rows(rows);
	MYSQL_ROW row;

	work->account_count = 0;
	work->accounts = arena_alloc(&work->arena, (count + 1) * sizeof(*work->accounts));
	while (!arena_failed(&work->arena) && (row = mysql_fetch_row(rows)) != NULL) {
		if (!maria_has_mark(work, row[MARK]))
			return;
		work->accounts[work->account_count++] = (struct account){
		    .user = arena_text(&work->arena, row[USER]),
		    .host = arena_text(&work->arena, row[HOST]),
		    .locked = strcmp(row[LOCKED], "1") == 0,
		    .has_events = strcmp(row[EVENTS], "Y") == 0,
		};
	}
	if (arena_failed(&work->arena))
		call_fail(work->call, ERR_NO_MEMORY, "out of memory");
	else
		call_next(work->call);
}

/* Whether it is locked is in the one server's table and the other's view of it. */
const char *maria_locked(const struct mysql_work *work)
{
	return maria_is_mariadb(work)
	           ? "EXISTS (SELECT 1 FROM mysql.global_priv g WHERE g.User = u.User AND g.Host = u.Host"
	             " AND JSON_VALUE(g.Priv, '$.account_locked') = 1)"
	           : "u.account_locked = 'Y'";
}

/* SELECT ... FROM ... WHERE */
static struct sql *begin_search(struct mysql_work *work)
{
	struct sql *sql = maria_sql(work);

	sql_add(sql, "SELECT u.User, u.Host, %s, COALESCE(d.Event_priv, 'N'), ", maria_locked(work));
	maria_add_mark(work, sql);
	sql_add(sql,
	        " FROM mysql.user u LEFT JOIN mysql.db d ON d.User = u.User AND d.Host = u.Host AND d.Db = %l WHERE ",
	        work->pattern);
	return sql;
}

void maria_step_find_login(void *arg)
{
	struct mysql_work *work = arg;

	sql_add(begin_search(work), "u.User = %l", work->login);
	maria_query(work, note_accounts);
}

void maria_step_find_accounts(void *arg)
{
	struct mysql_work *work = arg;
	const struct driver_call *call = work->call;
	struct sql *sql = begin_search(work);

	sql_add(sql, "u.User IN ('?'");
	for (size_t i = 0; i < call->bind_count; i++)
		sql_add(sql, ", %l", call->binds[i].login);
	sql_add(sql, ") OR (d.Db IS NOT NULL AND u.User REGEXP %l)", NAME_END "$");
	maria_query(work, note_accounts);
}

/* ---- the way out ---- */

/* A lock keeps nobody's events from running: the right to have some does. */
void maria_step_shut_accounts(void *arg)
{
	struct mysql_work *work = arg;
	struct sql *sql = maria_sql(work);

	for (size_t i = 0; i < work->account_count; i++) {
		const struct account *account = &work->accounts[i];

		if (!account->locked)
			sql_add(sql, "ALTER USER %l@%l ACCOUNT LOCK;\n", account->user, account->host);
		if (account->has_events)
			sql_add(sql, "REVOKE EVENT ON %i.* FROM %l@%l;\n", work->pattern, account->user, account->host);
	}
	maria_query(work, NULL);
}

static void find_sessions(void *arg);

static void on_killed(struct mysql_work *work, MYSQL_RES *rows)
{
	(void)rows;
	maria_pause(work, find_sessions);
}

/* A session that is marked for its end, as COMMAND says, does nothing more and hears nothing more. It may stay for
 * hours: its work is taken back, or it is inside a function that does not look (INSTR of two long texts). So nobody
 * waits for it; what it holds until then, a removal finds by itself. */
static void settle_for(struct mysql_work *work, MYSQL_RES *rows)
{
	enum { ID, USER, MARKED };
	MYSQL_ROW row;

	while ((row = mysql_fetch_row(rows)) != NULL)
		if (strcmp(row[MARKED], "1") != 0) {
			call_fail(work->call, ERR_LOCKED, "session %s of the login \"%s\" was ended and is still there",
			          row[ID], row[USER]);
			return;
		}
	call_next(work->call);
}

/* It may take a while, or need to be told again. */
static void kill_sessions(struct mysql_work *work, MYSQL_RES *rows)
{
	struct sql *sql;
	MYSQL_ROW row;

	if (mysql_num_rows(rows) == 0) {
		call_next(work->call);
		return;
	}
	if (work->paused > ENDING_MAX) {
		settle_for(work, rows);
		return;
	}
	sql = maria_sql(work);
	while ((row = mysql_fetch_row(rows)) != NULL)
		sql_add(sql, "KILL %d;\n", (int64_t)strtoll(row[0], NULL, 10));
	maria_query(work, on_killed);
}

static void find_sessions(void *arg)
{
	struct mysql_work *work = arg;
	struct sql *sql = maria_sql(work);

	if (work->account_count == 0) {
		call_next(work->call);
		return;
	}
	sql_add(sql, "SELECT ID, USER, COMMAND = 'Killed' FROM information_schema.PROCESSLIST WHERE USER IN (");
	for (size_t i = 0; i < work->account_count; i++)
		sql_add(sql, i > 0 ? ", %l" : "%l", work->accounts[i].user);
	sql_add(sql, ")");
	maria_query(work, kill_sessions);
}

void maria_step_end_sessions(void *arg)
{
	struct mysql_work *work = arg;

	work->pause_ms = work->paused = 0;
	find_sessions(work);
}

void maria_step_drop_accounts(void *arg)
{
	struct mysql_work *work = arg;
	struct sql *sql = maria_sql(work);

	for (size_t i = 0; i < work->account_count; i++) {
		sql_add(sql, "DROP USER IF EXISTS %l@%l;\n", work->accounts[i].user, work->accounts[i].host);
	}
	maria_query(work, NULL);
}
