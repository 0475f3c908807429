/* How far removals have come. SCAN goes through all keys of a node, others' too, and that may take longer than an
 * attempt: the next one goes on where it ended. A cursor is good on any connection, as long as the node runs. */
#ifndef DRIVER_REDIS_PROGRESS_H
#define DRIVER_REDIS_PROGRESS_H

#include <stddef.h>
#include <sys/queue.h>

#include "reply.h"

#define RUN_BYTES    64   /* of a run_id */
#define CURSOR_BYTES 24   /* of a number of 64 bits */
#define PROGRESS_MAX 4096 /* remembered; who noted one longest ago begins anew */

struct redis_progress;
TAILQ_HEAD(progress_list, redis_progress);

struct progresses {
	struct progress_list list; /* the oldest first */
	size_t count;
};

void progresses_init(struct progresses *progresses);
void progresses_release(struct progresses *progresses);
/* The cursor that goes on with the removal of resource on a node that has been running as run: "0" at the beginning,
 * "" when no key is left there. It is good until the next note. */
const char *progress_cursor(const struct progresses *progresses, const char *resource, const struct node *node,
                            const char *run);
/* Keys in front of cursor are gone. Without memory, the next attempt begins anew. */
void progress_note(struct progresses *progresses, const char *resource, const struct node *node, const char *run,
                   const char *cursor);
/* The removal is done. */
void progress_forget(struct progresses *progresses, const char *resource);

#endif
