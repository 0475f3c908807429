/* The end of an event loop. */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

struct event_base;

/* Frees it, and runs what was put off first: a bufferevent with deferred callbacks that is freed while one is due is
 * held by it, and libevent drops those of a loop that ends. All events must have been freed. Accepts NULL. */
void loop_free(struct event_base *base);

#endif
