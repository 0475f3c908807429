/* Seats on a server, given from the loop by one event: leaving one never runs another call's work on the leaver's
 * stack. */
#include "pool.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>

#include "link.h"

TAILQ_HEAD(seat_list, seat);
TAILQ_HEAD(kept_list, kept);

struct kept {
	TAILQ_ENTRY(kept) entry;
	struct redis_pool *pool;
	struct link *link;
	int64_t since;
};

struct redis_pool {
	const struct driver_context *context;
	struct redis_pool_limits limits;
	struct seat_list waiting; /* in order */
	size_t taken;
	struct event *serve;
	struct kept_list kept; /* the last used first */
	size_t kept_count;
	struct timer oldest; /* when the longest unused has to go */
};

/* ---- seats ---- */

static void serve_soon(struct redis_pool *pool)
{
	if (!TAILQ_EMPTY(&pool->waiting) && pool->taken < pool->limits.seats)
		event_active(pool->serve, EV_TIMEOUT, 0);
}

static void on_serve(evutil_socket_t fd, short what, void *arg)
{
	struct redis_pool *pool = arg;

	(void)fd;
	(void)what;
	while (!TAILQ_EMPTY(&pool->waiting) && pool->taken < pool->limits.seats) {
		struct seat *seat = TAILQ_FIRST(&pool->waiting);

		TAILQ_REMOVE(&pool->waiting, seat, entry);
		seat->taken = true;
		pool->taken++;
		seat->on_taken(seat->arg);
	}
}

void seat_ask(struct redis_pool *pool, struct seat *seat, void (*on_taken)(void *arg), void *arg)
{
	*seat = (struct seat){.pool = pool, .on_taken = on_taken, .arg = arg};
	TAILQ_INSERT_TAIL(&pool->waiting, seat, entry);
	serve_soon(pool);
}

void seat_leave(struct seat *seat)
{
	struct redis_pool *pool = seat->pool;

	if (pool == NULL)
		return;
	if (seat->taken)
		pool->taken--;
	else
		TAILQ_REMOVE(&pool->waiting, seat, entry);
	*seat = (struct seat){0};
	serve_soon(pool);
}

/* ---- kept links ---- */

static struct link *take_link(struct kept *kept)
{
	struct link *link = kept->link;

	TAILQ_REMOVE(&kept->pool->kept, kept, entry);
	kept->pool->kept_count--;
	free(kept);
	return link;
}

static void set_timer(struct redis_pool *pool)
{
	const struct kept *oldest = TAILQ_LAST(&pool->kept, kept_list);
	struct timers *timers = pool->context->timers;

	/* Without memory for the timer the link stays until the next one is put back. */
	if (oldest != NULL)
		(void)timer_start(timers, &pool->oldest, oldest->since + pool->limits.idle - timers_now(timers));
	else
		timer_stop(timers, &pool->oldest);
}

static void on_oldest(void *arg)
{
	struct redis_pool *pool = arg;
	const int64_t until = timers_now(pool->context->timers) - pool->limits.idle;
	struct kept *kept;

	while ((kept = TAILQ_LAST(&pool->kept, kept_list)) != NULL && kept->since <= until)
		link_close(take_link(kept));
	set_timer(pool);
}

static void on_died(void *arg)
{
	link_close(take_link(arg));
}

struct link *redis_pool_take(struct redis_pool *pool, const char *host, const char *port)
{
	struct kept *kept;
	struct link *link;

	TAILQ_FOREACH (kept, &pool->kept, entry)
		if (link_is_to(kept->link, host, port)) {
			link = take_link(kept);
			link_watch(link, NULL, NULL);
			return link;
		}
	return NULL;
}

void redis_pool_put(struct redis_pool *pool, struct link *link)
{
	struct kept *kept;

	if (link == NULL)
		return;
	kept = link_is_idle(link) ? calloc(1, sizeof(*kept)) : NULL;
	if (kept == NULL) {
		link_close(link);
		return;
	}
	if (pool->kept_count >= pool->limits.seats)
		link_close(take_link(TAILQ_LAST(&pool->kept, kept_list)));
	*kept = (struct kept){.pool = pool, .link = link, .since = timers_now(pool->context->timers)};
	TAILQ_INSERT_HEAD(&pool->kept, kept, entry);
	pool->kept_count++;
	link_watch(link, on_died, kept);
	set_timer(pool);
}

/* ---- the pool ---- */

int redis_pool_new(const struct driver_context *context, const struct redis_pool_limits *limits,
                   struct redis_pool **ret_pool, struct error *error)
{
	struct redis_pool *pool = calloc(1, sizeof(*pool));

	if (pool == NULL)
		return error_no_memory(error);
	pool->context = context;
	pool->limits = *limits;
	TAILQ_INIT(&pool->waiting);
	TAILQ_INIT(&pool->kept);
	timer_init(&pool->oldest, on_oldest, pool);
	pool->serve = event_new(context->base, -1, 0, on_serve, pool);
	if (pool->serve == NULL) {
		free(pool);
		return error_no_memory(error);
	}
	*ret_pool = pool;
	return 0;
}

void redis_pool_free(struct redis_pool *pool)
{
	struct kept *kept;

	if (pool == NULL)
		return;
	assert(TAILQ_EMPTY(&pool->waiting) && pool->taken == 0);
	while ((kept = TAILQ_FIRST(&pool->kept)) != NULL)
		link_close(take_link(kept));
	timer_stop(pool->context->timers, &pool->oldest);
	event_free(pool->serve);
	free(pool);
}

size_t redis_pool_size(const struct redis_pool *pool)
{
	return pool->kept_count + pool->taken;
}
