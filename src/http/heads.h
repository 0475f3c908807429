/* Requests that are not whole yet, and have more than a small head here. Thousands of strangers can each have a large
 * one kept for as long as they take to send it, so all of them together have a measure, and where it is passed, the one
 * that came first is told that it did not arrive in time. What is sent in one go is here for milliseconds. */
#ifndef HTTP_HEADS_H
#define HTTP_HEADS_H

#include <stddef.h>
#include <sys/queue.h>

#define HEADS_SMALL ((size_t)4096)             /* bytes of one that are not counted */
#define HEADS_MAX   ((size_t)16 * 1024 * 1024) /* bytes of all */

struct connection;

TAILQ_HEAD(heads_list, connection);

/* Of one server. */
struct heads {
	struct heads_list list; /* the oldest first */
	size_t bytes;
};

/* A connection's part; zero is none. */
struct heads_part {
	TAILQ_ENTRY(connection) link;
	size_t bytes; /* 0: it is not in the list */
};

void heads_init(struct heads *heads);
/* What the connection has read of a request has changed. */
void heads_note(struct connection *connection);
/* Who came first where newest is one too many, and counts no more; NULL: nobody. */
struct connection *heads_surplus(const struct connection *newest);
/* The connection ends. */
void heads_leave(struct connection *connection);

#endif
