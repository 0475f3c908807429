/* The longest turn of the event loop, measured by the lateness of a timer: whatever keeps the loop, be it work, a
 * blocking call or a lack of memory, keeps this timer, too. A turn is known to within PULSE_BEAT. */
#ifndef CLI_PULSE_H
#define CLI_PULSE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "base/timer.h"

#define PULSE_BEAT  20  /* ms */
#define PULSE_STALL 100 /* ms; a turn over it leaves a line in the log */

struct pulse {
	struct timers *timers;
	const struct log *log;
	struct timer timer;
	int64_t due;     /* when the timer should fire, monotonic ms */
	int64_t longest; /* ms */
	size_t stalls;   /* turns over PULSE_STALL */
};

/* Begins to measure. What it points to is borrowed until pulse_stop. */
int pulse_start(struct pulse *pulse, struct timers *timers, const struct log *log, struct error *error);
/* Harmless when it was not started, and all is zero. */
void pulse_stop(struct pulse *pulse);
/* Takes note of a timer that is late by that many ms. */
void pulse_note(struct pulse *pulse, int64_t late);

#endif
