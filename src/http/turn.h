/* A few in a turn of the loop: what costs time, and what thousands of connections may want at one moment. Who is not
 * among the few stands in a line (line.h), from which so many have their turn before the loop looks at everything else
 * again. Addresses from which somebody has logged in stand in front. There are two such things:
 *
 * A step of a TLS handshake: handshake.h.
 *
 * A request of a stranger. Thousands of kept connections can each have one here at one moment, and none of them needs a
 * password for an answer, be it a refusal or a probe's. So what arrives on a connection that has not logged in is
 * looked at in this turn as long as there are few. Who has logged in itself never waits. */
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

/* Of one server and one thing. */
struct turns {
	struct line line; /* something has arrived for them */
	enum crowd_line which;
	size_t most;  /* in a turn */
	size_t taken; /* in this one */
	struct event *step, *settle;
	void (*go_on)(struct connection *connection);
	void (*on_end)(void *arg); /* behind what go_on has made active in this turn; NULL: nobody is told */
	void *arg;                 /* for on_end; turns_init leaves both as they are */
};

/* go_on: the turn has come for one in the line. Fails when memory is out. */
int turns_init(struct turns *turns, struct event_base *base, enum crowd_line which, size_t most,
               void (*go_on)(struct connection *connection));
void turns_release(struct turns *turns);
/* The place's connection stands in line with part from now on. */
void turn_wait(struct turns *turns, struct line_part *part, const struct crowd_place *place);

/* ---- requests of strangers ---- */

/* Something of the place's connection is to be looked at; false: not now, part waits and go_on is called for it. */
bool turn_take(struct turns *turns, struct line_part *part, const struct crowd_place *place);
/* The same for what does not stand in line; false: there is no turn left. */
bool turn_spare(struct turns *turns, const struct crowd_place *place);

#endif
