/* Timers: a binary heap by deadline. One libevent timer stands for the earliest; on a manual clock timers_advance does.
 */
#include "base/timer.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <time.h>

#include "base/error.h"

struct timers {
	struct timer **heap; /* slots 1 to count */
	size_t count, capacity;
	struct event *earliest; /* NULL: the clock is manual */
	int64_t armed;          /* when earliest fires, no later than the first deadline; -1: never */
	int64_t manual_now, manual_wall;
};

static int64_t read_clock(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t timers_clock(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

int64_t timers_now(const struct timers *timers)
{
	return timers->earliest != NULL ? read_clock(CLOCK_MONOTONIC) / 1000 : timers->manual_now;
}

int64_t timers_wall(const struct timers *timers)
{
	return timers->earliest != NULL ? read_clock(CLOCK_REALTIME) / 1000 : timers->manual_wall + timers->manual_now;
}

/* ---- the heap ---- */

static void place(struct timers *timers, struct timer *timer, size_t slot)
{
	timers->heap[slot] = timer;
	timer->slot = slot;
}

static void sift_up(struct timers *timers, struct timer *timer, size_t slot)
{
	while (slot > 1 && timers->heap[slot / 2]->deadline > timer->deadline) {
		place(timers, timers->heap[slot / 2], slot);
		slot /= 2;
	}
	place(timers, timer, slot);
}

static void sift_down(struct timers *timers, struct timer *timer, size_t slot)
{
	for (size_t child = slot * 2; child <= timers->count; child = slot * 2) {
		if (child < timers->count && timers->heap[child + 1]->deadline < timers->heap[child]->deadline)
			child++;
		if (timers->heap[child]->deadline >= timer->deadline)
			break;
		place(timers, timers->heap[child], slot);
		slot = child;
	}
	place(timers, timer, slot);
}

static int make_room(struct timers *timers)
{
	size_t capacity = timers->capacity > 0 ? timers->capacity * 2 : 64;
	struct timer **heap;

	if (timers->count + 1 < timers->capacity)
		return 0;
	heap = realloc(timers->heap, capacity * sizeof(struct timer *));
	if (heap == NULL)
		return ERR_NO_MEMORY;
	timers->heap = heap;
	timers->capacity = capacity;
	return 0;
}

static void take_out(struct timers *timers, struct timer *timer)
{
	struct timer *last = timers->heap[timers->count--];
	size_t slot = timer->slot;

	timer->slot = 0;
	if (last == timer)
		return;
	sift_down(timers, last, slot);
	sift_up(timers, last, last->slot);
}

/* ---- firing ---- */

/* Sets libevent's one timer to the earliest deadline, unless it fires before that anyway. */
static void arm(struct timers *timers)
{
	int64_t delay;
	struct timeval interval;

	if (timers->earliest == NULL)
		return;
	if (timers->count == 0) {
		if (timers->armed >= 0)
			event_del(timers->earliest);
		timers->armed = -1;
		return;
	}
	/* When it fires too early, that costs one turn of the loop. Moving it whenever the earliest timer is started
	 * anew would cost more. */
	if (timers->armed >= 0 && timers->armed <= timers->heap[1]->deadline)
		return;
	timers->armed = timers->heap[1]->deadline;
	delay = timers->armed - timers_now(timers);
	if (delay < 0)
		delay = 0;
	interval.tv_sec = delay / 1000;
	interval.tv_usec = (suseconds_t)(delay % 1000 * 1000);
	event_add(timers->earliest, &interval);
}

/* Fires what is due, but never more than ran when the turn began: a timer that starts itself anew cannot hold the loop.
 */
static void on_earliest(evutil_socket_t fd, short what, void *arg)
{
	struct timers *timers = arg;
	const int64_t now = timers_now(timers);
	size_t due = timers->count;

	(void)fd;
	(void)what;
	timers->armed = -1;
	for (; due > 0 && timers->count > 0 && timers->heap[1]->deadline <= now; due--) {
		struct timer *timer = timers->heap[1];

		take_out(timers, timer);
		timer->on_timer(timer->arg);
	}
	timers->armed = -1;
	arm(timers);
}

void timers_advance(struct timers *timers, int64_t ms)
{
	const int64_t target = timers->manual_now + ms;

	assert(timers->earliest == NULL);
	while (timers->count > 0 && timers->heap[1]->deadline <= target) {
		struct timer *timer = timers->heap[1];

		if (timer->deadline > timers->manual_now)
			timers->manual_now = timer->deadline;
		take_out(timers, timer);
		timer->on_timer(timer->arg);
	}
	timers->manual_now = target;
}

/* ---- the public rest ---- */

struct timers *timers_new_manual(int64_t wall_ms)
{
	struct timers *timers = calloc(1, sizeof(*timers));

	if (timers != NULL)
		timers->manual_wall = wall_ms;
	return timers;
}

struct timers *timers_new(struct event_base *base)
{
	struct timers *timers = timers_new_manual(0);

	if (timers == NULL)
		return NULL;
	timers->armed = -1;
	timers->earliest = evtimer_new(base, on_earliest, timers);
	if (timers->earliest == NULL) {
		free(timers);
		return NULL;
	}
	return timers;
}

void timers_free(struct timers *timers)
{
	if (timers == NULL)
		return;
	assert(timers->count == 0);
	if (timers->earliest != NULL)
		event_free(timers->earliest);
	free(timers->heap);
	free(timers);
}

void timer_init(struct timer *timer, void (*on_timer)(void *arg), void *arg)
{
	*timer = (struct timer){.on_timer = on_timer, .arg = arg};
}

int timer_start(struct timers *timers, struct timer *timer, int64_t delay_ms)
{
	timer_stop(timers, timer);
	if (make_room(timers) != 0)
		return ERR_NO_MEMORY;
	timer->deadline = timers_now(timers) + (delay_ms > 0 ? delay_ms : 0);
	timers->count++;
	sift_up(timers, timer, timers->count);
	arm(timers);
	return 0;
}

void timer_stop(struct timers *timers, struct timer *timer)
{
	if (timer->slot == 0)
		return;
	take_out(timers, timer);
	arm(timers);
}

bool timer_running(const struct timer *timer)
{
	return timer->slot != 0;
}
