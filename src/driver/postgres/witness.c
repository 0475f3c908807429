/* The witness of a statement that waits. It asks once half of the lock's limit has passed, so a statement that gets
 * through costs nothing. */
#include "witness.h"

#include <stdio.h>

#include "dialect.h"
#include "home.h"
#include "limits.h"
#include "session.h"

#define DELAY (LOCK_TIMEOUT_MS / 2)

/* A row is waited for by its writer's transaction, and the row's own lock says where it is. Catalogs have the same
 * numbers in every database. */
#define WAITED_FOR                                                                                                     \
	"SELECT CASE WHEN w.locktype = 'advisory' THEN 'the lock on the instance'"                                     \
	" WHEN w.locktype IN ('transactionid', 'tuple') THEN 'a row' || coalesce("                                     \
	"(SELECT ' of ' || t.relation::regclass FROM pg_locks t"                                                       \
	" WHERE t.pid = w.pid AND t.locktype = 'tuple' AND t.relation < 16384 LIMIT 1), '')"                           \
	" WHEN w.locktype = 'relation' AND w.relation < 16384 THEN w.relation::regclass::text"                         \
	" WHEN w.locktype = 'relation' THEN 'a table'"                                                                 \
	" WHEN w.locktype = 'object' AND w.classid = 'pg_database'::regclass THEN 'the database'"                      \
	" ELSE 'a lock of the kind ' || w.locktype END"
#define HOLDERS                                                                                                        \
	"SELECT left(string_agg(DISTINCT CASE b.pid WHEN 0 THEN 'a prepared transaction' ELSE format('%%s of %%s',"    \
	" CASE coalesce(a.application_name, '') WHEN '' THEN 'a session' ELSE '\"' || a.application_name || '\"' END," \
	" coalesce(quote_ident(a.usename), 'the server')) END, ', '), 100)"                                            \
	" FROM unnest(pg_blocking_pids(%d)) b (pid) LEFT JOIN pg_stat_activity a ON a.pid = b.pid"

enum { ROW_WAITED_FOR, ROW_HOLDERS };

static void on_answered(void *arg, int code, const struct error *error, const struct rows *rows)
{
	struct witness *witness = arg;

	(void)error;
	if (code == 0 && witness->pid != 0 && rows_count(rows) == 1 && rows_text(rows, 0, ROW_HOLDERS)[0] != '\0')
		snprintf(witness->found, sizeof(witness->found), "%s, held by %s", rows_text(rows, 0, ROW_WAITED_FOR),
		         rows_text(rows, 0, ROW_HOLDERS));
	lease_end(&witness->lease);
}

static void on_session(void *arg, int code, const struct error *error)
{
	struct witness *witness = arg;
	struct pg_session *session = home_session(lease_session(&witness->lease));
	const char *text;

	(void)error;
	if (code != 0)
		return;
	sql_begin(&witness->sql, session_connection(session));
	sql_add(&witness->sql, WAITED_FOR ", (" HOLDERS ") FROM pg_locks w WHERE w.pid = %d AND NOT w.granted LIMIT 1",
	        (int64_t)witness->pid, (int64_t)witness->pid);
	text = sql_string(&witness->sql);
	if (text == NULL || session_query(session, text, on_answered, witness, NULL) != 0)
		lease_drop(&witness->lease);
}

static void on_timer(void *arg)
{
	struct witness *witness = arg;

	if (lease_session(&witness->lease) != NULL) /* an earlier question is not answered yet */
		return;
	witness->asked = true;
	lease_ask(witness->pool, &witness->lease, on_session, witness);
}

void witness_init(struct witness *witness, const struct driver_context *context, struct pool *pool)
{
	*witness = (struct witness){.context = context, .pool = pool};
	sql_init(&witness->sql, &postgres_dialect);
	timer_init(&witness->timer, on_timer, witness);
}

void witness_rest(struct witness *witness)
{
	timer_stop(witness->context->timers, &witness->timer);
	if (lease_session(&witness->lease) == NULL)
		lease_drop(&witness->lease);
	witness->pid = 0;
	witness->asked = witness->found[0] != '\0';
}

void witness_watch(struct witness *witness, const char *step, int pid)
{
	if (witness->step != step) {
		witness_rest(witness);
		witness->step = step;
		witness->asked = false;
		witness->held_up = 0;
		witness->found[0] = '\0';
	}
	witness->pid = pid;
	/* Without memory for the timer nobody is named. */
	if (!witness->asked && !timer_running(&witness->timer))
		(void)timer_start(witness->context->timers, &witness->timer, DELAY);
}

void witness_note_held_up(struct witness *witness)
{
	if (witness->held_up == 0)
		witness->held_up = timers_now(witness->context->timers);
}

bool witness_has_waited(const struct witness *witness)
{
	return witness->held_up != 0 && timers_now(witness->context->timers) - witness->held_up >= LOCK_TIMEOUT_MS;
}

void witness_release(struct witness *witness)
{
	witness_rest(witness);
	lease_drop(&witness->lease);
	sql_release(&witness->sql);
}
