/* Lingering close: a refused client that is still sending gets its answer, and not a reset that destroys it on the way.
 * The answered connection's socket is kept for a moment, and what arrives is thrown away. */
#ifndef HTTP_LINGER_H
#define HTTP_LINGER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "base/timer.h"

#define LINGER_TIME      2000       /* ms for one client */
#define LINGER_BYTES_MAX (64 << 20) /* thrown away for one client */
#define LINGER_MAX       256        /* clients at once; beyond it, closing is plain */

struct event_base;
struct lingerer;

TAILQ_HEAD(lingerers, lingerer);

struct linger_list {
	struct event_base *base;
	struct timers *timers;
	struct lingerers all; /* the oldest first */
	size_t count;
};

void linger_init(struct linger_list *list, struct event_base *base, struct timers *timers);
/* Keeps a duplicate of descriptor, whose owner shuts down writing and closes its own. */
void linger_start(struct linger_list *list, int descriptor);
/* Closes the one that has been there longest: it has its answer, and somebody else none. false: there is none. */
bool linger_end_oldest(struct linger_list *list);
/* Closes all. */
void linger_release(struct linger_list *list);

#endif
