/* How long the running turn has been. The loop's clock is coarse: off by 4 ms at most. */
#include "turn.h"

#include <event2/event.h>
#include <event2/util.h>
#include <stdint.h>
#include <sys/time.h>

#define LONG_TURN  6000 /* microseconds */
#define PASSED_MAX 32

bool turn_should_pass(struct pg_turn *turn, struct event_base *base)
{
	struct timeval begin, now, length;

	event_base_gettimeofday_cached(base, &begin);
	evutil_gettimeofday(&now, NULL);
	timersub(&now, &begin, &length);
	if (turn->passed == PASSED_MAX || (length.tv_sec == 0 && length.tv_usec < LONG_TURN)) {
		turn->passed = 0;
		return false;
	}
	turn->passed++;
	return true;
}
