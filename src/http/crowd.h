/* Who is connected: strangers, which have not logged in, in the order of their coming, and how many there are of each
 * source. Where a limit is passed, the stranger that came first goes: one that only sits there never keeps out one that
 * has something to say, and those that logged in are never sent away for another.
 *
 * Over the limits of strangers it goes at a pace (CROWD_LEAVE): many who come again as soon as they are closed would
 * otherwise cost all the time there is. Until then it is there beyond the limit, and may still log in. Over the limits
 * of all connections it goes at once. */
#ifndef HTTP_CROWD_H
#define HTTP_CROWD_H

#include <stddef.h>
#include <sys/queue.h>

#include "http/http.h"
#include "http/line.h"

#define CROWD_LEAVE 50  /* close at once */
#define CROWD_PACE  100 /* ms between two such times */

struct connection;
struct crowd_source;

enum crowd_kind {
	CROWD_KNOWN, /* it has logged in; or it is no part of the crowd */
	CROWD_STRANGER,
	CROWD_LEAVING, /* a stranger beyond a limit, that will be closed */
};

/* What a source's connections stand in line for, each by itself. */
enum crowd_line {
	CROWD_HANDSHAKES,
	CROWD_REQUESTS,
	CROWD_LINES,
};

TAILQ_HEAD(crowd_list, crowd_place);

struct crowd {
	struct crowd_source *sources; /* a table */
	struct crowd_list strangers;  /* the oldest first */
	struct crowd_list leaving;    /* the first to go first */
	size_t stranger_count, leaving_count;
};

/* A connection's place; all zero but for the connection is none. */
struct crowd_place {
	struct connection *connection;
	struct crowd_source *source;          /* NULL: it is counted for none */
	TAILQ_ENTRY(crowd_place) link;        /* of strangers, or of leaving */
	TAILQ_ENTRY(crowd_place) source_link; /* of its source's strangers */
	enum crowd_kind kind;
	bool expected; /* somebody has logged in from its address: it goes before others */
};

void crowd_init(struct crowd *crowd);
/* It comes as a stranger, of source if that is not NULL (when memory is out, of none). */
void crowd_enter(struct crowd *crowd, struct crowd_place *place, const struct network_address *source);
/* After it has left all lines. */
void crowd_leave(struct crowd *crowd, struct crowd_place *place);
/* Its source's place in a line; NULL: it is counted for none. Borrowed until it leaves. */
struct line_share *crowd_share(const struct crowd_place *place, enum crowd_line line);
/* It has logged in; or it failed to, and is the newest of the strangers if it was none. */
void crowd_trust(struct crowd *crowd, struct crowd_place *place);
void crowd_distrust(struct crowd *crowd, struct crowd_place *place);
/* Newest has come: those that are too many of the strangers are leaving. */
void crowd_settle(struct crowd *crowd, const struct crowd_place *newest, const struct http_limits *limits);
/* Who has to go at once, as all connections are total: newest itself where there is no other; NULL: nobody. */
struct connection *crowd_surplus(const struct crowd *crowd, const struct crowd_place *newest,
                                 const struct http_limits *limits, size_t total);
/* Who of the strangers goes first; NULL: there are none. */
struct connection *crowd_first(const struct crowd *crowd);

#endif
