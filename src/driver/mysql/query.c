/* What a query's answer means to its step: the rows go to the step that asked, a failure to the round that follows, or
 * with its explanation to the call. */
#include "query.h"

#include "errors.h"
#include "explain.h"
#include "session.h"

#define ROUNDS_MAX 4

static void on_answered(void *arg, int code, const struct error *error, MYSQL_RES *rows)
{
	struct mysql_work *work = arg;
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

void maria_query(struct mysql_work *work, void (*on_rows)(struct mysql_work *work, MYSQL_RES *rows))
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
