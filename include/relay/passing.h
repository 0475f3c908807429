/* A request at a broker that may stand by, from its handler's first look to its reply. */
#ifndef RELAY_PASSING_H
#define RELAY_PASSING_H

#include "base/log.h"
#include "relay/standby.h"

/* Borrowed until the reply, as it lives in the request's arena. */
struct passing {
	const struct standby *standby;
	struct http_request *http;
	struct error
	    *error; /* the handler's: the reason why this broker does not do it by itself, or what is replied */
	void (*serve)(void *arg); /* for this broker to answer it by itself */
	void *arg;
	bool has_no_view; /* what it reads only the active one knows */
	/* Filled in: */
	const char *forwarded_to;    /* the name of who was sent it last; NULL: nobody */
	const char *forward_failure; /* why that brought no answer; "" or NULL: nothing is known */
	bool is_from_view;           /* it is answered from what this broker knows by itself, */
	int64_t view_age;            /* which is so old: seconds */
};

/* As in struct relay_request. A read has PASSING_READ_WAIT for all of it, whatever these say. */
struct passing_terms {
	int64_t wait;
	int64_t answer_within;
	bool is_once;
	size_t most; /* that may be passed on at once; 0: the listener has a limit of its own */
};

#define PASSING_READ_WAIT 5000  /* ms */
#define PASSING_MARGIN    10000 /* ms that an answer may take beyond its wait */

/* Whether it is a GET or a HEAD. */
bool passing_is_read(const struct http_request *http);
/* Replies with the answer of the active one, whoever that will be. Where this broker is the active one when it comes to
 * that, or where nobody is in time and the request only reads, serve is called. Where the request was passed on by
 * another one already, or this broker shares no store, *error is the reply. */
void passing_begin(struct passing *passing, const char *id, const struct passing_terms *terms);
/* Whether there is an active one that has not said where it is reached for this listener; *error tells the client then.
 */
bool passing_has_no_way(const struct passing *passing);
/* Does not ask the active one: serve is called where the request only reads, and what this broker knows too, otherwise
 * *error is the reply. */
void passing_answer_alone(struct passing *passing);
/* Whether what ended with code was given up as this broker is not the active one any more, or may soon not be: it is
 * for passing_begin then. has_begun: whether it does still what the active one has to. */
bool passing_has_stepped_down(const struct standby *standby, bool has_begun, int code);
/* What became of it, for the line of its request. */
void passing_log(const struct passing *passing, struct log_line *line);

#endif
