/* Connecting computes for milliseconds in a row (TLS, SCRAM), as does a password's verifier. When many do so at once
 * they take turns of the loop, and what else waits there is served in between. */
#ifndef DRIVER_POSTGRES_TURN_H
#define DRIVER_POSTGRES_TURN_H

#include <stdbool.h>

struct event_base;

struct pg_turn {
	int passed; /* turns, one after another */
};

/* Whether the running turn of the loop has been long already, so that the caller should leave its computing to the
 * next. Not for ever: after some turns the answer is no. */
bool turn_should_pass(struct pg_turn *turn, struct event_base *base);

#endif
