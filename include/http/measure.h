/* The metrics of HTTP servers: requests and their duration by listener and route. One set serves all of a program's
 * servers. */
#ifndef HTTP_MEASURE_H
#define HTTP_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/metrics.h"

struct http_measures {
	struct metrics *metrics; /* may be NULL */
	struct metric *requests, *durations, *connections, *strangers, *closed, *logins, *waiting;
};

/* Adds them; metrics may be NULL. */
void http_measures_init(struct http_measures *measures, struct metrics *metrics);
/* A reply was handed to the socket. measures may be NULL. */
void http_measures_count(const struct http_measures *measures, const char *listener, const char *route, int status,
                         int64_t duration_us);

/* A connection that had not logged in was closed because there were too many. */
void http_measures_closed(const struct http_measures *measures, const char *listener);
/* A login was refused: "wrong", or "early", before its time and not compared. */
void http_measures_login(const struct http_measures *measures, const char *listener, const char *reason);

#endif
