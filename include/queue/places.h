/* The places of a host: who waits for one, and who gets the next. */
#ifndef QUEUE_PLACES_H
#define QUEUE_PLACES_H

#include "queue/job.h"

void places_init(struct places *places, size_t count);

/* The job waits for a place on its host, fresh or held up as its lane is. It cannot fail. */
void places_wait(struct job *job);
/* It waits no longer; for a job that does. */
void places_leave(struct job *job);

/* The next job that may run now: it has its place from here on, and waits no longer. NULL when there is none: *ret_rest
 * then says in how many ms one that waits may have its turn if nothing else happens before, 0 when it is not a matter
 * of time. */
struct job *places_next(struct places *places, int64_t now, int64_t *ret_rest);
/* The job gives its place back. held_up says whether its attempt ended at what somebody else holds. */
void places_free(struct job *job, bool held_up, int64_t now);

/* How many wait, of both kinds. */
size_t places_waiting(const struct places *places);

#endif
