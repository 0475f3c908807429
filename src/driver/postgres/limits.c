/* A statement's limit is a little below the attempt's, so that the server's own word comes back and the session can be
 * used again. From version 13 on the limit counts for each statement of a query; from 17 on the whole transaction has a
 * limit, too, which ends the session and so is the later of the two. */
#include "limits.h"

#include "dialect.h"
#include "target.h"

#define TRANSACTIONS_HAVE_LIMITS 170000
#define MARGIN_MAX               500 /* ms */

const char *limits_reset(const struct pg_session *session)
{
	return session_version(session) >= TRANSACTIONS_HAVE_LIMITS
	           ? "SET statement_timeout TO '" STATEMENT_TIMEOUT "';\nSET transaction_timeout TO 0;\n"
	           : "SET statement_timeout TO '" STATEMENT_TIMEOUT "';\n";
}

/* ---- a query ---- */

static void add_limits(struct sql *sql, const struct pg_session *session, int64_t left)
{
	const int64_t margin = left / 10 < MARGIN_MAX ? left / 10 : MARGIN_MAX;

	sql_add(sql, "SET statement_timeout TO %d;\n", left - margin);
	if (session_version(session) >= TRANSACTIONS_HAVE_LIMITS)
		sql_add(sql, "SET transaction_timeout TO %d;\n", left);
}

static void on_limits(void *arg, int code, const struct error *error, const struct rows *rows)
{
	const struct limited *limited = arg;
	struct error failure = *error;

	(void)rows;
	if (code == 0)
		code = session_query(limited->session, limited->text, limited->on_answered, limited->arg, &failure);
	if (code != 0)
		limited->on_answered(limited->arg, code, &failure, NULL);
}

int limited_query(struct limited *limited, struct pg_session *session, const char *text, int64_t left,
                  session_answered *on_answered, void *arg, struct error *error)
{
	const bool is_alone = session_sends_alone(text);
	const char *sent;

	limited->session = session;
	limited->text = text;
	limited->on_answered = on_answered;
	limited->arg = arg;
	sql_begin(&limited->sql, session_connection(session));
	add_limits(&limited->sql, session, left);
	if (!is_alone)
		sql_add(&limited->sql, "%s", text);
	sent = sql_string(&limited->sql);
	if (sent == NULL)
		return error_no_memory(error);
	return is_alone ? session_query(session, sent, on_limits, limited, error)
	                : session_query(session, sent, on_answered, arg, error);
}

void limited_init(struct limited *limited)
{
	sql_init(&limited->sql, &postgres_dialect);
}

void limited_release(struct limited *limited)
{
	sql_release(&limited->sql);
}
