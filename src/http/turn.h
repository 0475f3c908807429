/* How many requests of strangers are looked at in a turn of the loop. Thousands of kept connections can each have one
 * here at one moment, and none of them needs a password for an answer, be it a refusal or a probe's. So what arrives on
 * a connection that has not logged in is looked at in this turn as long as there are few; the others stand in a line
 * (line.h), from which so many have their turn before the loop looks at everything else again. Addresses from which
 * somebody has logged in stand in front. Who has logged in itself never waits. */
#ifndef HTTP_TURN_H
#define HTTP_TURN_H

#include <stdbool.h>
#include <stddef.h>

#include "http/crowd.h"
#include "http/line.h"

#define TURN_STRANGERS 64 /* as many as a listener accepts in a turn: new ones need not wait for themselves */
#define TURN_AGAIN     10 /* ms until what a timer could not do in a turn is tried again */

struct event;
struct event_base;

/* Of one server. */
struct turns {
	struct line line; /* something of a request has arrived for them */
	size_t taken;     /* in this turn */
	struct event *step, *settle;
	void (*go_on)(struct connection *connection);
};

/* go_on: a turn that turn_take refused has come. Fails when memory is out. */
int turns_init(struct turns *turns, struct event_base *base, void (*go_on)(struct connection *connection));
void turns_release(struct turns *turns);
/* Something of the place's connection is to be looked at; false: not now, part waits and go_on is called for it. */
bool turn_take(struct turns *turns, struct line_part *part, const struct crowd_place *place);
/* The same for what does not stand in line; false: there is no turn left. */
bool turn_spare(struct turns *turns, const struct crowd_place *place);

#endif
