/* A server tells nobody whose metadata lock it is. So those are named that could hold it: sessions in the database, and
 * prepared transactions, which outlive their sessions and their accounts. Of these it tells neither whose nor where
 * they are (a MariaDB's list has their names alone, and the engine's has no names), and another tenant's or the
 * operator's may be among them: the broker ends none. */
#include "explain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "errors.h"
#include "rights.h"
#include "session.h"

#define NAME_SIZE 320 /* bytes of a transaction's name as XA ROLLBACK takes it: two halves of 64 bytes in hex */

/* Without a session, or memory, the reason stands alone. A failure of the query is none of the call's. */
static void ask_why(struct mysql_work *work, session_answered *on_answered)
{
	struct mysql_session *session = lease_session(&work->lease);
	const char *text = sql_string(&work->sql);

	if (text == NULL || !maria_session_is_usable(session) ||
	    maria_session_query(session, text, maria_limit(work), on_answered, work, NULL) != 0)
		call_fail_because(work->call, &work->reason);
}

static void __attribute__((format(printf, 2, 3))) add_why(struct mysql_work *work, const char *format, ...)
{
	const size_t length = strlen(work->reason.text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(work->reason.text + length, sizeof(work->reason.text) - length, format, arguments);
	va_end(arguments);
}

/* ---- locks ---- */

/* A MariaDB says it as a statement takes it. A MySQL shows both halves as one number in hex. */
static void write_name(const struct mysql_work *work, MYSQL_ROW row, char ret_name[NAME_SIZE])
{
	enum { FORMAT, FIRST, SECOND, NAME };
	const size_t first = 2 * strtoul(row[FIRST], NULL, 10);
	const char *digits = row[NAME];

	if (maria_is_mariadb(work)) {
		snprintf(ret_name, NAME_SIZE, "%s", digits);
		return;
	}
	if (strncmp(digits, "0x", 2) == 0)
		digits += 2;
	if (strlen(digits) >= first)
		snprintf(ret_name, NAME_SIZE, "X'%.*s',X'%s',%s", (int)first, digits, digits + first, row[FORMAT]);
	else
		snprintf(ret_name, NAME_SIZE, "%s", row[NAME]);
}

static void on_transactions(void *arg, int code, const struct error *error, MYSQL_RES *rows)
{
	struct mysql_work *work = arg;
	char name[NAME_SIZE];
	MYSQL_ROW row;

	(void)error;
	if (code == 0 && rows != NULL && (row = mysql_fetch_row(rows)) != NULL) {
		write_name(work, row, name);
		add_why(
		    work,
		    "; of %llu prepared transactions (XA RECOVER), which outlive their sessions, one may hold it: when "
		    "it is the instance's, XA ROLLBACK %s ends %s",
		    (unsigned long long)mysql_num_rows(rows), name, mysql_num_rows(rows) > 1 ? "the first" : "it");
	} else if (code != 0) {
		add_why(work,
		        "; a prepared transaction, which outlives its session, may hold it: XA RECOVER lists them, for "
		        "which the broker's user needs XA_RECOVER_ADMIN");
	}
	call_fail_because(work->call, &work->reason);
}

static void on_holders(void *arg, int code, const struct error *error, MYSQL_RES *rows)
{
	enum { ID, USER, HOST, PREPARED, MARKED };
	struct mysql_work *work = arg;
	MYSQL_ROW row = NULL;
	bool prepared = true;

	(void)error;
	if (code == 0 && rows != NULL && (row = mysql_fetch_row(rows)) != NULL) {
		prepared = strcmp(row[PREPARED], "0") != 0;
		if (row[ID] != NULL && strcmp(row[MARKED], "1") == 0)
			add_why(
			    work,
			    "; session %s of '%s' from %s is in the database and may hold it: it was ended, and has "
			    "not come to its end",
			    row[ID], row[USER], row[HOST]);
		else if (row[ID] != NULL)
			add_why(work,
			        "; session %s of '%s' from %s is in the database and may hold it: KILL %s ends it",
			        row[ID], row[USER], row[HOST], row[ID]);
	}
	if (!prepared) {
		call_fail_because(work->call, &work->reason);
		return;
	}
	sql_add(maria_sql(work), maria_is_mariadb(work) ? "XA RECOVER FORMAT = 'SQL'" : "XA RECOVER CONVERT XID");
	ask_why(work, on_transactions);
}

/* One that is prepared and has no session any more has no thread. */
static void explain_lock(struct mysql_work *work)
{
	sql_add(maria_sql(work),
	        "SELECT p.ID, p.USER, p.HOST, n.prepared, p.COMMAND = 'Killed' FROM (SELECT COUNT(*) AS prepared FROM"
	        " information_schema.INNODB_TRX WHERE trx_mysql_thread_id = 0) n LEFT JOIN"
	        " information_schema.PROCESSLIST p ON p.DB IN (%l, %l) AND p.ID <> CONNECTION_ID()"
	        " ORDER BY p.TIME DESC LIMIT 1",
	        work->database, work->retired);
	ask_why(work, on_holders);
}

/* ---- rights ---- */

static void on_missing(void *arg, int code, const struct error *error, MYSQL_RES *rows)
{
	struct mysql_work *work = arg;
	MYSQL_ROW row;

	(void)error;
	if (code == 0 && rows != NULL && (row = mysql_fetch_row(rows)) != NULL && row[0] != NULL)
		add_why(work, "; it lacks: GRANT %s ON *.* TO %s WITH GRANT OPTION", row[0], row[1]);
	call_fail_because(work->call, &work->reason);
}

static void explain_right(struct mysql_work *work)
{
	maria_add_missing(work, maria_sql(work));
	ask_why(work, on_missing);
}

void maria_explain(struct mysql_work *work, unsigned int number, const struct error *error)
{
	const bool can_ask = maria_session_is_usable(lease_session(&work->lease));

	work->reason = *error;
	if (can_ask && maria_error_is_lock(number))
		explain_lock(work);
	else if (can_ask && maria_error_lacks_right(number))
		explain_right(work);
	else
		call_fail_because(work->call, error);
}
