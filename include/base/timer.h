/* Time: a clock that tests can move by hand, and one-shot timers on it.
 * In the program one libevent timer stands for the earliest deadline; in tests timers_advance fires them. */
#ifndef BASE_TIMER_H
#define BASE_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct timers;

struct timer {
	int64_t deadline; /* monotonic milliseconds */
	size_t slot;      /* 1-based place in the heap; 0: not started */
	void (*on_timer)(void *arg);
	void *arg; /* borrowed */
};

/* Timers on the real clock, driven by base (borrowed). NULL when memory is out. */
struct timers *timers_new(struct event_base *base);
/* Timers on a clock that stands still until timers_advance. Wall time begins at wall_ms, monotonic at 0. */
struct timers *timers_new_manual(int64_t wall_ms);
/* Every timer must have been stopped. Accepts NULL. */
void timers_free(struct timers *timers);

/* Monotonic microseconds of the machine's own clock, for what is measured, and for leases: it goes on while the machine
 * is suspended, as the clocks of the others do. Timers stand still then (CLOCK_BOOTTIME, and CLOCK_MONOTONIC). */
int64_t timers_clock(void);
/* Monotonic milliseconds of the timers' clock; cheap, read afresh at each call. */
int64_t timers_now(const struct timers *timers);
/* Milliseconds since 1970, UTC. */
int64_t timers_wall(const struct timers *timers);
/* Manual clock only: moves it, firing what falls due, in order of deadlines. */
void timers_advance(struct timers *timers, int64_t ms);

/* Embeds a timer; it is not running. */
void timer_init(struct timer *timer, void (*on_timer)(void *arg), void *arg);
/* Starts it, or moves it when it runs. It fires once, from the loop, never from inside this call.
 * 0 or ERR_NO_MEMORY: then it is not running. */
int timer_start(struct timers *timers, struct timer *timer, int64_t delay_ms);
/* Stops it; harmless when it does not run. */
void timer_stop(struct timers *timers, struct timer *timer);
bool timer_running(const struct timer *timer);

#endif
