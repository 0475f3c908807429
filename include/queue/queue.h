/* The operation queue: in order for an instance, side by side across instances, up to each host's limit. */
#ifndef QUEUE_QUEUE_H
#define QUEUE_QUEUE_H

#include "queue/job.h"

/* Puts a job, whose operation is durable, at the end of its instance's lane and starts it when it is its turn.
 * ERR_NO_MEMORY frees the job: the operation stays pending in the store and runs after the next start. */
int queue_push(struct queue *queue, struct job *job);
/* The job of the operation, or, when id is NULL, the newest of kind; NULL when there is none. */
struct job *queue_find(struct queue *queue, const char *incarnation, const char *id, enum operation_kind kind);
/* Whether the instance has unfinished work of these kinds (a mask of 1 << kind). */
bool queue_has(struct queue *queue, const char *incarnation, unsigned kinds);
/* How many operations of the instance have not ended. */
size_t queue_count(struct queue *queue, const char *incarnation);
/* Whether a later operation of the lane removes the instance. */
bool queue_is_doomed(const struct job *job);
/* Runs at once what waits for its next attempt. */
void queue_hurry(struct queue *queue, const char *incarnation);

/* The host's places; and what waits for them at its end. */
void queue_open_host(struct host *host);
void queue_close_host(struct host *host);
/* Runs at once all that waits for its next attempt on a host, which is up again. */
void queue_hurry_host(struct queue *queue, const struct host *host);

/* What stands by for a place on it goes on: it was seen whether work may go there. */
void queue_wake_host(struct host *host);

/* The call is over, its place on the host is free. */
void queue_release_host(struct job *job);
/* Before that: what the attempt's code says of whether its instance is held up. */
void queue_judge(struct job *job, int code);
/* The attempt failed in a way that may pass: tries again later, or soon where a lock was in its way, which is counted
 * in job->locked. */
void queue_back_off(struct job *job, bool locked);
/* After a moment's trouble of the broker itself: runs `on_timer` again after a second. */
void queue_pause(struct job *job, void (*on_timer)(void *arg));
/* A create that failed for good starts over: what it made has to go. */
void queue_clean(struct job *job);
/* The operation has ended, durably: answers those who wait, and the lane goes on. */
void queue_end(struct job *job, const struct broker_reply *reply);
/* Somebody waits for its end, or does not any more. */
void queue_wait(struct job *job, struct waiter *waiter);
void queue_leave(struct job *job, struct waiter *waiter);
/* How many wait for it and the others of its instance. */
size_t queue_waiters(const struct job *of);
/* Answers those who wait; the job goes on without them. */
void queue_answer(struct job *job, const struct broker_reply *reply);

/* The configuration is another now. */
void queue_move(struct queue *queue);
/* An operator wants no further attempt. False when it is too late, or must not be: what a failed create left has to go.
 */
bool queue_give_up(struct job *job);

/* Takes up what is pending in the store. */
int queue_recover(struct queue *queue, struct error *error);
/* Cancels every call and timer. */
void queue_stop(struct queue *queue);
/* Frees everything in memory, after queue_stop. */
void queue_close(struct queue *queue);

#endif
