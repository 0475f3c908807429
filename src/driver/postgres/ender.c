/* The ender asks one question at a time. After a failure it rests until the next session is left or the server has
 * answered a check, so a server that hangs is not asked in a circle. */
#include "ender.h"

#include "dialect.h"
#include "home.h"
#include "session.h"

#define WAIT 5000 /* ms */

/* The timer runs while something is under way. */
static void come_to_rest(struct ender *ender)
{
	timer_stop(ender->context->timers, &ender->timer);
	ender->state = ENDER_RESTS;
}

static void on_ended(void *arg, int code, const struct error *error, const struct rows *rows)
{
	struct ender *ender = arg;

	(void)error;
	(void)rows;
	if (code == 0)
		roster_forget(ender->roster, ender->count);
	lease_end(&ender->lease);
	come_to_rest(ender);
	if (code == 0)
		ender_go_on(ender);
}

static void on_session(void *arg, int code, const struct error *error)
{
	struct ender *ender = arg;
	struct pg_session *session = home_session(lease_session(&ender->lease));
	const char *text;

	(void)error;
	if (code != 0) {
		come_to_rest(ender);
		return;
	}
	sql_begin(&ender->sql, session_connection(session));
	sql_add(&ender->sql, "SELECT count(pg_terminate_backend(a.pid)) FROM pg_stat_activity a WHERE ");
	roster_add_left(ender->roster, &ender->sql);
	ender->count = ender->roster->left_count;
	ender->state = ENDER_ENDS;
	text = sql_string(&ender->sql);
	if (text != NULL && session_query(session, text, on_ended, ender, NULL) == 0)
		return;
	lease_drop(&ender->lease);
	come_to_rest(ender);
}

/* The asking session is left by this, too. */
static void on_late(void *arg)
{
	struct ender *ender = arg;

	lease_drop(&ender->lease);
	come_to_rest(ender);
}

void ender_go_on(struct ender *ender)
{
	if (ender->state != ENDER_RESTS || ender->roster->left_count == 0 ||
	    timer_start(ender->context->timers, &ender->timer, WAIT) != 0)
		return;
	ender->state = ENDER_ASKS;
	lease_ask(ender->pool, &ender->lease, on_session, ender);
}

static void on_left(void *arg)
{
	ender_go_on(arg);
}

void ender_open(struct ender *ender, const struct driver_context *context, struct pool *pool, struct roster *roster)
{
	*ender = (struct ender){.context = context, .pool = pool, .roster = roster};
	sql_init(&ender->sql, &postgres_dialect);
	timer_init(&ender->timer, on_late, ender);
	roster->on_left = on_left;
	roster->arg = ender;
}

void ender_close(struct ender *ender)
{
	if (ender->roster == NULL) /* it was never opened */
		return;
	ender->roster->on_left = NULL;
	lease_drop(&ender->lease);
	come_to_rest(ender);
	sql_release(&ender->sql);
}
