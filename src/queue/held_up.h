/* Instances that were held up lately, by incarnation. A lock that is let go for a moment, so that an operation ends,
 * and taken again does not put its instance before others again (places.c). */
#ifndef QUEUE_HELD_UP_H
#define QUEUE_HELD_UP_H

#include "queue/job.h"

/* For a minute from now on. Without memory it is not. */
void held_up_remember(struct queue *queue, const char *incarnation);
bool held_up_is_remembered(struct queue *queue, const char *incarnation);
void held_up_forget_all(struct queue *queue);

#endif
