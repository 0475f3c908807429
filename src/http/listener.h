/* One listener: an address or a socket file, its evhttp, and the pause instead of spinning when accepting fails. */
#ifndef HTTP_LISTENER_H
#define HTTP_LISTENER_H

#include "http/http.h"

#define LISTENER_TURN 64

struct evhttp;
struct evhttp_bound_socket;
struct event;

struct http_listener {
	struct http_server *server;
	const struct http_address *address;
	struct evhttp *evhttp;
	struct evhttp_bound_socket *bound; /* NULL once draining */
	struct event *accept_event;        /* on the listener's socket; NULL once draining */
	struct timer accept_timer;         /* runs while accepting pauses */
	size_t accepted;                   /* connections ever */
	size_t accepted_now, turn;         /* in this turn of the loop, and how many may be */
	size_t accepted_before;            /* as of the last turn that had some waiting */
	uint16_t port;
};

/* ERR_BUSY when somebody listens there. On failure, too, listener_close is due. */
int listener_open(struct http_listener *listener, struct http_server *server, const struct http_address *address,
                  struct error *error);
/* A connection was accepted; after some of them (LISTENER_TURN at most) the others wait until listener_turn, which
 * every turn that had one ends with: whoever is connected gets a turn before all that want to be. */
void listener_accepted(struct http_listener *listener);
void listener_turn(struct http_listener *listener);
/* Stops accepting. */
void listener_drain(struct http_listener *listener);
void listener_close(struct http_listener *listener);

#endif
