/* A member's state is the list it stands in. Leases are served from the loop by one event, so that giving a session
 * back never runs another call's work on the giver's stack. */
#include "driver/pool.h"

#include <assert.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>

#define CLEANING_MAX 5000 /* ms */

TAILQ_HEAD(member_list, member);
TAILQ_HEAD(lease_list, lease);

struct member {
	struct pool *pool;
	void *session;
	struct member_list *list;  /* where it stands */
	TAILQ_ENTRY(member) entry; /* of the list */
	struct timer cleaning;     /* its limit */
	int64_t idle_since;
};

struct pool {
	const struct driver_context *context;
	const struct pool_kind *kind;
	const void *target;
	struct pool_limits limits;
	struct member_list opening;
	struct member_list lent;
	struct member_list cleaning; /* given back; releasing what the call held */
	struct member_list idle;     /* the last used first */
	size_t member_count;
	struct lease_list waiting; /* in order */
	struct event *serve;
	struct timer oldest; /* when the longest unused has to go */
};

static void move(struct member *member, struct member_list *list)
{
	TAILQ_REMOVE(member->list, member, entry);
	TAILQ_INSERT_HEAD(list, member, entry);
	member->list = list;
}

static void serve_soon(struct pool *pool)
{
	if (!TAILQ_EMPTY(&pool->waiting))
		event_active(pool->serve, EV_TIMEOUT, 0);
}

static void drop_member(struct member *member)
{
	struct pool *pool = member->pool;

	timer_stop(pool->context->timers, &member->cleaning);
	TAILQ_REMOVE(member->list, member, entry);
	pool->member_count--;
	pool->kind->close(member->session);
	free(member);
	serve_soon(pool);
}

/* ---- idle ones ---- */

/* One that was lent and not used yet is still watched: its call finds out by itself. */
static void on_died(void *arg)
{
	struct member *member = arg;

	if (member->list == &member->pool->idle)
		drop_member(member);
}

static void set_timer(struct pool *pool)
{
	const struct member *oldest = TAILQ_LAST(&pool->idle, member_list);
	const int64_t now = timers_now(pool->context->timers);

	/* Without memory for the timer the session stays until the next one is put back. */
	if (oldest != NULL)
		(void)timer_start(pool->context->timers, &pool->oldest, oldest->idle_since + pool->limits.idle - now);
	else
		timer_stop(pool->context->timers, &pool->oldest);
}

static void on_oldest(void *arg)
{
	struct pool *pool = arg;
	const int64_t until = timers_now(pool->context->timers) - pool->limits.idle;
	struct member *member;

	while ((member = TAILQ_LAST(&pool->idle, member_list)) != NULL && member->idle_since <= until)
		drop_member(member);
	set_timer(pool);
}

static void keep_session(struct member *member)
{
	struct pool *pool = member->pool;

	if (!pool->kind->is_usable(member->session) || pool->kind->watch(member->session, on_died, member) != 0) {
		drop_member(member);
		return;
	}
	member->idle_since = timers_now(pool->context->timers);
	move(member, &pool->idle);
	set_timer(pool);
	serve_soon(pool);
}

/* ---- cleaning ---- */

static void on_cleaned(void *arg, int code, const struct error *error)
{
	struct member *member = arg;

	(void)error;
	timer_stop(member->pool->context->timers, &member->cleaning);
	if (code == 0)
		keep_session(member);
	else
		drop_member(member);
}

/* No answer: it is not known whether the server got the request. Its locks end with the session. */
static void on_cleaning_late(void *arg)
{
	drop_member(arg);
}

static bool start_cleaning(struct member *member)
{
	const struct pool *pool = member->pool;

	return pool->kind->is_usable(member->session) &&
	       timer_start(pool->context->timers, &member->cleaning, CLEANING_MAX) == 0 &&
	       pool->kind->clean(member->session, on_cleaned, member) == 0;
}

/* ---- serving ---- */

static void finish_lease(struct lease *lease, struct member *member, int code, const struct error *error)
{
	TAILQ_REMOVE(&lease->pool->waiting, lease, entry);
	lease->waiting = false;
	lease->member = member;
	if (member != NULL)
		move(member, &lease->pool->lent);
	lease->on_done(lease->arg, code, error);
}

static void fail_waiting(struct pool *pool, const struct error *error)
{
	const struct lease *last = TAILQ_LAST(&pool->waiting, lease_list);
	bool ended;

	do {
		struct lease *lease = TAILQ_FIRST(&pool->waiting);

		ended = lease == last;
		finish_lease(lease, NULL, error->code, error);
	} while (!ended);
}

/* While other sessions work, those who wait get one of them; without any, the failure is theirs. */
static void on_opened(void *arg, int code, const struct error *error)
{
	struct member *member = arg;
	struct pool *pool = member->pool;
	const struct error failure = *error;

	if (code == 0) {
		keep_session(member);
		return;
	}
	drop_member(member);
	if (TAILQ_EMPTY(&pool->idle) && TAILQ_EMPTY(&pool->lent) && TAILQ_EMPTY(&pool->cleaning) &&
	    !TAILQ_EMPTY(&pool->waiting))
		fail_waiting(pool, &failure);
}

static int open_member(struct pool *pool)
{
	struct member *member = calloc(1, sizeof(*member));

	if (member == NULL)
		return ERR_NO_MEMORY;
	member->pool = pool;
	timer_init(&member->cleaning, on_cleaning_late, member);
	member->session = pool->kind->open(pool->context, pool->target, on_opened, member);
	if (member->session == NULL) {
		free(member);
		return ERR_NO_MEMORY;
	}
	member->list = &pool->opening;
	TAILQ_INSERT_HEAD(&pool->opening, member, entry);
	pool->member_count++;
	return 0;
}

static struct member *take_idle(struct pool *pool)
{
	struct member *member;

	while ((member = TAILQ_FIRST(&pool->idle)) != NULL) {
		if (pool->kind->is_usable(member->session))
			return member;
		drop_member(member);
	}
	return NULL;
}

/* As many as wait, within the limit. */
static void open_members(struct pool *pool)
{
	const struct lease *lease = TAILQ_FIRST(&pool->waiting);
	const struct member *member = TAILQ_FIRST(&pool->opening);
	struct error error;

	for (; lease != NULL && member != NULL; lease = TAILQ_NEXT(lease, entry))
		member = TAILQ_NEXT(member, entry);
	for (; lease != NULL && pool->member_count < pool->limits.sessions; lease = TAILQ_NEXT(lease, entry)) {
		if (open_member(pool) == 0)
			continue;
		error_no_memory(&error);
		fail_waiting(pool, &error);
		return;
	}
}

static void on_serve(evutil_socket_t fd, short what, void *arg)
{
	struct pool *pool = arg;
	struct member *member;

	(void)fd;
	(void)what;
	while (!TAILQ_EMPTY(&pool->waiting) && (member = take_idle(pool)) != NULL)
		finish_lease(TAILQ_FIRST(&pool->waiting), member, 0, NULL);
	set_timer(pool);
	open_members(pool);
}

/* ---- leases ---- */

void lease_ask(struct pool *pool, struct lease *lease, pool_done *on_done, void *arg)
{
	*lease = (struct lease){.pool = pool, .waiting = true, .on_done = on_done, .arg = arg};
	TAILQ_INSERT_TAIL(&pool->waiting, lease, entry);
	serve_soon(pool);
}

void *lease_session(const struct lease *lease)
{
	return lease->member != NULL ? lease->member->session : NULL;
}

static struct member *take_member(struct lease *lease)
{
	struct member *member = lease->member;

	if (lease->waiting)
		TAILQ_REMOVE(&lease->pool->waiting, lease, entry);
	lease->waiting = false;
	lease->member = NULL;
	return member;
}

void lease_end(struct lease *lease)
{
	struct member *member = take_member(lease);

	if (member == NULL)
		return;
	if (start_cleaning(member))
		move(member, &member->pool->cleaning);
	else
		drop_member(member);
}

void lease_drop(struct lease *lease)
{
	struct member *member = take_member(lease);

	if (member != NULL)
		drop_member(member);
}

/* ---- the pool ---- */

int pool_new(const struct driver_context *context, const struct pool_kind *kind, const void *target,
             const struct pool_limits *limits, struct pool **ret_pool, struct error *error)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	if (pool == NULL)
		return error_no_memory(error);
	pool->context = context;
	pool->kind = kind;
	pool->target = target;
	pool->limits = *limits;
	TAILQ_INIT(&pool->opening);
	TAILQ_INIT(&pool->lent);
	TAILQ_INIT(&pool->cleaning);
	TAILQ_INIT(&pool->idle);
	TAILQ_INIT(&pool->waiting);
	timer_init(&pool->oldest, on_oldest, pool);
	pool->serve = event_new(context->base, -1, 0, on_serve, pool);
	if (pool->serve == NULL) {
		free(pool);
		return error_no_memory(error);
	}
	*ret_pool = pool;
	return 0;
}

size_t pool_size(const struct pool *pool)
{
	return pool->member_count;
}

static void visit_list(const struct member_list *list, void (*visit)(void *session, void *arg), void *arg)
{
	const struct member *member;

	TAILQ_FOREACH (member, list, entry)
		visit(member->session, arg);
}

void pool_visit(const struct pool *pool, void (*visit)(void *session, void *arg), void *arg)
{
	visit_list(&pool->opening, visit, arg);
	visit_list(&pool->lent, visit, arg);
	visit_list(&pool->cleaning, visit, arg);
	visit_list(&pool->idle, visit, arg);
}

static void drop_list(struct member_list *list)
{
	struct member *member;

	while ((member = TAILQ_FIRST(list)) != NULL)
		drop_member(member);
}

void pool_free(struct pool *pool)
{
	if (pool == NULL)
		return;
	assert(TAILQ_EMPTY(&pool->waiting) && TAILQ_EMPTY(&pool->lent));
	drop_list(&pool->opening);
	drop_list(&pool->cleaning);
	drop_list(&pool->idle);
	timer_stop(pool->context->timers, &pool->oldest);
	event_free(pool->serve);
	free(pool);
}
