/* Requests that are not whole yet, and have more than a small head in memory. Thousands of strangers can each have a
 * large one kept for as long as they take to send it, so all of them together have a limit, and where it is passed, the
 * one that came first is told that it did not arrive in time. What is sent in one go is here for milliseconds. */
#ifndef HTTP_HEADS_H
#define HTTP_HEADS_H

#include <stddef.h>
#include <sys/queue.h>

#define HEADS_SMALL ((size_t)4096)             /* bytes of one that are not counted */
#define HEADS_MAX   ((size_t)16 * 1024 * 1024) /* bytes of all */

struct connection;

TAILQ_HEAD(heads_list, heads_part);

/* Of one server. */
struct heads {
	struct heads_list list; /* the oldest first */
	size_t bytes;
};

/* A connection's part; all zero but for the connection is none. */
struct heads_part {
	struct connection *connection;
	TAILQ_ENTRY(heads_part) link;
	size_t bytes; /* 0: it is not in the list */
};

void heads_init(struct heads *heads);
/* So many bytes of a request that is not whole are here. */
void heads_note(struct heads *heads, struct heads_part *part, size_t bytes);
/* Whose came first where newest is one too many, and counts no more; NULL: nobody. */
struct connection *heads_surplus(struct heads *heads, const struct heads_part *newest);
/* The connection ends. */
void heads_leave(struct heads *heads, struct heads_part *part);

#endif
