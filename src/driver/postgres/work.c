/* What all calls share: beginning, querying, trying again, ending. */
#include "work.h"

#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "dialect.h"
#include "sqlstate.h"

#define ROUNDS_MAX  4
#define PAUSE_FIRST 5   /* ms */
#define PAUSE_MAX   200 /* ms */

/* ---- beginning and ending ---- */

static void on_pause(void *arg)
{
	struct pg_work *work = arg;

	work->on_resume(work);
}

static void name_roles(struct pg_work *work)
{
	const struct driver_call *call = work->call;

	work->owner = call->instance != NULL ? call->instance->resource : "";
	work->login = call->bind != NULL ? call->bind->login : NULL;
	snprintf(work->reader, sizeof(work->reader), "%s" READER_END, work->owner);
	snprintf(work->retired, sizeof(work->retired), "%s" RETIRED_END, work->owner);
	if (call->instance != NULL && call->instance->incarnation != NULL)
		snprintf(work->tag, sizeof(work->tag), TAG_INSTANCE "%s", call->instance->incarnation);
}

int work_begin(void *arg, struct error *error)
{
	struct pg_work *work = arg;
	struct driver_call *call = work->call;

	(void)error;
	work->host = call_host(call);
	sql_init(&work->sql, &postgres_dialect);
	limited_init(&work->limited);
	witness_init(&work->witness, call->backend->context, work->host->pool);
	arena_init(&work->arena);
	timer_init(&work->pause, on_pause, work);
	name_roles(work);
	return 0;
}

void work_end(void *arg, bool given_up)
{
	struct pg_work *work = arg;

	if (given_up)
		lease_drop(&work->lease);
	else
		lease_end(&work->lease);
	timer_stop(work->call->backend->context->timers, &work->pause);
	session_close(work->inside);
	secret_wipe(work->verifier, sizeof(work->verifier));
	sql_release(&work->sql);
	limited_release(&work->limited);
	witness_release(&work->witness);
	arena_release(&work->arena);
}

bool work_again(void *arg)
{
	struct pg_work *work = arg;

	if (!work->again)
		return false;
	work->again = false;
	work->looks = 0;
	work->on_failed = NULL;
	work->facts = (struct facts){0};
	work->roles = NULL;
	work->databases = NULL;
	work->adoption = NULL;
	work->spared = NULL;
	work->role_count = work->database_count = work->database = 0;
	work->pause_ms = 0;
	arena_release(&work->arena);
	work_leave(work);
	return true;
}

/* ---- failures ---- */

bool work_once_more(struct pg_work *work)
{
	const struct error reason = {.code = ERR_UNAVAILABLE};

	if (work->call->rounds >= ROUNDS_MAX)
		return false;
	work->again = true;
	call_fail_because(work->call, &reason);
	return true;
}

/* ---- queries ---- */

static struct pg_session *home_of(const struct pg_work *work)
{
	return home_session(lease_session(&work->lease));
}

struct sql *work_sql(struct pg_work *work)
{
	sql_begin(&work->sql, session_connection(home_of(work)));
	return &work->sql;
}

/* Whoever holds what it needs is named. */
static void fail_locked(struct pg_work *work, const struct error *error)
{
	struct error told;

	error_set(&told, error->code, "%s; it waits for %s", error->text, work->witness.found);
	call_fail_because(work->call, &told);
}

void work_fail(struct pg_work *work, const char *sqlstate, const struct error *error)
{
	bool (*on_failed)(struct pg_work *, const char *) = work->on_failed;
	struct error reason = *error;

	if (sqlstate_is_blocked(sqlstate))
		witness_note_held_up(&work->witness);
	else
		witness_rest(&work->witness);
	work->on_failed = NULL;
	if (on_failed != NULL && on_failed(work, sqlstate))
		return;
	work->again = work->call->rounds < ROUNDS_MAX && sqlstate_is_overtaken(sqlstate, error->text);
	if (work_removes(work) && sqlstate_is_curable(sqlstate))
		reason.code = ERR_LOCKED;
	/* What the role is set to counts for a new session. The state is the old one's. */
	if (strcmp(sqlstate, SQLSTATE_READ_ONLY) == 0)
		lease_drop(&work->lease);
	if (reason.code == ERR_LOCKED && work->witness.found[0] != '\0')
		fail_locked(work, &reason);
	else
		call_fail_because(work->call, &reason);
}

static void on_answered(void *arg, int code, const struct error *error, const struct rows *rows)
{
	struct pg_work *work = arg;

	if (code != 0) {
		work_fail(work, session_sqlstate(work->limited.session), error);
		return;
	}
	witness_rest(&work->witness);
	work->on_failed = NULL;
	if (work->on_rows != NULL) {
		work->on_rows(work, rows);
		return;
	}
	work_leave(work);
	call_next(work->call);
}

static void send_query(struct pg_work *work, struct pg_session *asked,
                       void (*on_rows)(struct pg_work *work, const struct rows *rows))
{
	const char *text = sql_string(&work->sql);
	struct error error;

	if (text == NULL) {
		call_fail(work->call, ERR_NO_MEMORY, "out of memory");
		return;
	}
	if (sql_is_empty(&work->sql)) {
		work->on_failed = NULL;
		call_next(work->call);
		return;
	}
	work->on_rows = on_rows;
	if (!session_sends_alone(text))
		witness_watch(&work->witness, steps_name(&work->call->steps), session_pid(asked));
	if (limited_query(&work->limited, asked, text, call_left(work->call), on_answered, work, &error) != 0)
		call_fail_because(work->call, &error);
}

void work_forgive(struct pg_work *work, bool (*on_failed)(struct pg_work *work, const char *sqlstate))
{
	work->on_failed = on_failed;
}

void work_query(struct pg_work *work, void (*on_rows)(struct pg_work *work, const struct rows *rows))
{
	send_query(work, home_of(work), on_rows);
}

void work_query_inside(struct pg_work *work, void (*on_rows)(struct pg_work *work, const struct rows *rows))
{
	send_query(work, work->inside, on_rows);
}

void work_leave(struct pg_work *work)
{
	session_close(work->inside);
	work->inside = NULL;
}

/* ---- the rest ---- */

static void resume_after(struct pg_work *work, int64_t delay_ms, void (*on_resume)(void *work))
{
	work->on_resume = on_resume;
	if (timer_start(work->call->backend->context->timers, &work->pause, delay_ms) != 0)
		call_fail(work->call, ERR_NO_MEMORY, "out of memory");
}

void work_pause(struct pg_work *work, void (*on_resume)(void *work))
{
	work->pause_ms = work->pause_ms == 0 ? PAUSE_FIRST : work->pause_ms * 2;
	if (work->pause_ms > PAUSE_MAX)
		work->pause_ms = PAUSE_MAX;
	resume_after(work, work->pause_ms, on_resume);
}

void work_yield(struct pg_work *work, void (*on_resume)(void *work))
{
	resume_after(work, 0, on_resume);
}

bool work_is_superuser(const struct pg_work *work)
{
	return session_is_superuser(home_of(work));
}

bool work_removes(const struct pg_work *work)
{
	const enum call_kind kind = work->call->kind;

	return kind == CALL_DEPROVISION || kind == CALL_RETIRE || kind == CALL_UNBIND;
}

int work_version(const struct pg_work *work)
{
	return session_version(home_of(work));
}

const char *work_membership(const struct pg_work *work)
{
	return work_version(work) >= GRANTS_HAVE_OPTIONS ? " WITH INHERIT TRUE, SET TRUE" : "";
}

/* ---- steps ---- */

static void on_lease(void *arg, int code, const struct error *error)
{
	struct pg_work *work = arg;

	if (code == 0)
		call_next(work->call);
	else
		call_fail_to_connect(work->call, error);
}

void step_take_session(void *arg)
{
	struct pg_work *work = arg;
	struct pg_session *own = home_of(work);

	if (own != NULL && session_is_usable(own)) {
		call_next(work->call);
		return;
	}
	lease_drop(&work->lease);
	lease_ask(work->host->pool, &work->lease, on_lease, work);
}
