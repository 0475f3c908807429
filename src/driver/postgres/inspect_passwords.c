/* inspect, of passwords that an app changed itself. A superuser reads what the server keeps of them and compares; to
 * anybody else the server only says whether it lets the login in. So the broker knocks as the login, with the password
 * of the records, and goes away as soon as the door is open. Only "wrong password" is taken for an answer: whatever
 * else keeps a login out, or is slow, says nothing of its password, and does the rest of the inspection no harm.
 *
 * A session costs both sides some milliseconds and the login one of its connections meanwhile, so it is one after
 * another, and not more than KNOCKS_MAX of an inspection, in KNOCKS_MS at most. Where there are more logins, chance
 * decides which: with each drift pass it is others' turn. */
#include "inspect_passwords.h"

#include <string.h>

#include "base/secret.h"
#include "inspect_logins.h"

#define KNOCKS_MAX 20
#define KNOCKS_MS  6000

/* ---- comparing ---- */

static void compare_verifiers(void *arg)
{
	struct pg_work *work = arg;
	struct driver_call *call = work->call;

	while (work->verifier_next < call->bind_count) {
		const size_t i = work->verifier_next;

		if (turn_should_pass(&work->turn, work->call->backend->context->base)) {
			work_yield(work, compare_verifiers);
			return;
		}
		work->verifier_next++;
		if (work->verifiers[i] != NULL && call->passwords[i] != NULL &&
		    !verifier_is_of(work->verifiers[i], call->passwords[i]))
			inspect_add_login(call, call->binds[i].login);
	}
	call_next(work->call);
}

static void on_verifiers(struct pg_work *work, const struct rows *rows)
{
	const struct driver_call *call = work->call;

	work->verifiers = arena_alloc(&work->arena, (call->bind_count + 1) * sizeof(*work->verifiers));
	work->verifier_next = 0;
	if (work->verifiers != NULL)
		memset(work->verifiers, 0, (call->bind_count + 1) * sizeof(*work->verifiers));
	for (size_t i = 0; work->verifiers != NULL && i < call->bind_count; i++)
		for (int row = 0; row < rows_count(rows); row++)
			if (strcmp(rows_text(rows, row, 0), call->binds[i].login) == 0)
				work->verifiers[i] = arena_text(&work->arena, rows_text(rows, row, 1));
	if (arena_failed(&work->arena))
		call_fail(work->call, ERR_NO_MEMORY, "out of memory");
	else
		compare_verifiers(work);
}

static void ask_verifiers(struct pg_work *work)
{
	const struct driver_call *call = work->call;
	struct sql *sql = work_sql(work);

	sql_add(sql, "SELECT rolname, rolpassword FROM pg_authid WHERE rolname IN (");
	for (size_t i = 0; i < call->bind_count; i++)
		sql_add(sql, i > 0 ? ", %l" : "%l", call->binds[i].login);
	sql_add(sql, ")");
	work_query(work, on_verifiers);
}

/* ---- knocking ---- */

static void end_knocking(void *arg)
{
	struct pg_work *work = arg;

	timer_stop(work->call->backend->context->timers, &work->pause);
	work_leave(work);
	call_next(work->call);
}

static void knock_next(struct pg_work *work);

static void on_door(void *arg, int code, const struct error *error)
{
	struct pg_work *work = arg;

	(void)error;
	if (code != 0 && session_was_denied(work->inside))
		inspect_add_login(work->call, work->knocker.user);
	work_leave(work);
	knock_next(work);
}

/* The next one whose password is known and that is not told yet; false: there is none. */
static bool find_knocker(struct pg_work *work)
{
	const struct driver_call *call = work->call;

	while (work->knock_next < call->bind_count) {
		const size_t i = (work->knock_first + work->knock_next++) % call->bind_count;

		if (call->passwords[i] == NULL || inspect_login_is_told(call, call->binds[i].login))
			continue;
		work->knocker = (struct target_login){.user = call->binds[i].login, .password = call->passwords[i]};
		return true;
	}
	return false;
}

static void knock_next(struct pg_work *work)
{
	if (work->knocks++ == KNOCKS_MAX || !find_knocker(work)) {
		end_knocking(work);
		return;
	}
	work->inside =
	    session_open(work->call->backend->context, &work->host->target, work->owner, &work->knocker, on_door, work);
	if (work->inside == NULL)
		call_fail(work->call, ERR_NO_MEMORY, "out of memory");
}

static void begin_knocking(struct pg_work *work)
{
	uint32_t first;

	secret_random(&first, sizeof(first));
	work->knock_first = first % work->call->bind_count;
	work->knock_next = 0;
	work->knocks = 0;
	work->on_resume = end_knocking;
	if (timer_start(work->call->backend->context->timers, &work->pause, KNOCKS_MS) != 0)
		call_fail(work->call, ERR_NO_MEMORY, "out of memory");
	else
		knock_next(work);
}

/* A pooler denies a login that it does not know as the server denies a wrong password. */
static bool can_knock(const struct pg_work *work)
{
	return !session_is_pooled(home_session(lease_session(&work->lease)));
}

void step_compare_passwords(void *arg)
{
	struct pg_work *work = arg;
	const struct driver_call *call = work->call;
	const bool is_superuser = work_is_superuser(work);

	if (call->bind_count == 0 || call->passwords == NULL || (!is_superuser && !can_knock(work)))
		call_next(work->call);
	else if (is_superuser)
		ask_verifiers(work);
	else
		begin_knocking(work);
}
