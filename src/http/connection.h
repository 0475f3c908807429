/* One connection. It reads requests itself, from the raw bytes that evhttp's bufferevent receives, and presents each
 * complete one to evhttp as the same small canonical request: evhttp keeps the connection and writes replies, and
 * never sees a byte that came from outside. */
#ifndef HTTP_CONNECTION_H
#define HTTP_CONNECTION_H

#include "base/text.h"
#include "base/timer.h"
#include "http/chunk.h"
#include "http/crowd.h"
#include "http/head.h"
#include "http/heads.h"
#include "http/line.h"

#define READ_MAX ((size_t)16384) /* libevent's most for one read */

struct bufferevent;
struct evbuffer;
struct evbuffer_cb_info;
struct event;
struct event_base;
struct evhttp_connection;
struct evhttp_request;
struct http_request;
struct http_server;
struct http_listener;

enum connection_state {
	CONNECTION_IDLE,     /* nothing of a next request is here; idle_timeout runs */
	CONNECTION_HEAD,     /* a part of a head is here; request_timeout runs */
	CONNECTION_BODY,     /* the head is read, the body is not; the same time-out runs on */
	CONNECTION_READY,    /* complete or refused, on its way through evhttp */
	CONNECTION_WAITING,  /* a login that has to wait (login.h); nothing is read, and the timer ends it */
	CONNECTION_HANDLING, /* a handler has it; nothing is read and no time-out runs */
	CONNECTION_SENDING,  /* replied to; request_timeout runs for the reply to be taken */
};

/* A connection's part of handshake.h; zero is none. */
struct handshake {
	struct event *arrival; /* NULL: it has none, or it is over */
	struct line_part part;
};

struct connection {
	struct http_server *server;
	const struct http_listener *listener;
	struct connection *next; /* newborn */
	struct bufferevent *bufferevent;
	struct evhttp_connection *ev; /* NULL while newborn */
	int descriptor;
	enum connection_state state;
	struct timer timer;
	struct text held; /* raw bytes not yet part of a request */
	struct head_scan scan;
	struct chunk_reader chunks;
	int64_t body_left;            /* of a body with Content-Length */
	struct http_request *request; /* under way; NULL when idle */
	bool retired;                 /* closed once it has answered what it is at */
	struct crowd_place place;
	struct handshake handshake;
	struct heads_part heads;
	struct line_part turn; /* of turn.h */
	bool proxied;          /* from a trusted proxy: its requests are other people's */
	bool has_address;      /* false for a socket file */
	struct network_address address;
	char peer[64];
};

/* attach.c, for evhttp_set_bevcb; arg is the listener. */
struct bufferevent *connection_new(struct event_base *base, void *arg);
/* attach.c: meets the connections that evhttp has finished to set up since the last call. */
void connection_attach_newborn(struct http_server *server);
/* For evhttp_set_gencb: the canonical request of some connection has arrived. */
void connection_on_request(struct evhttp_request *ev, void *arg);
/* Whether it comes from a proxy that is trusted now. */
bool connection_is_proxied(const struct connection *connection);
/* attach.c: it is counted for no address any more: it brings requests of many. */
void connection_leave_source(struct connection *connection);
/* attach.c: closes the count strangers that came first, so that descriptors are free; false: there are none. */
bool connection_make_way(struct http_server *server, size_t count);
/* attach.c, for the server's leave_timer: some of those that are leaving go. arg is the server. */
void connection_on_leave_timer(void *arg);
/* Calls the server's on_resume for the request that is being handled after a while; until then it is not pending. */
void connection_wait(struct connection *connection, int64_t delay_ms);
/* attach.c: every connection there is ends with the request that it is at; those that have none, in this turn. */
void connection_retire_all(struct http_server *server);
/* What attach.c shares with connection.c. Counts one that is in a state or has left it. */
void connection_count_state(struct connection *connection, enum connection_state state, int delta);
void connection_start_timer(struct connection *connection, int64_t delay);
void connection_on_timer(void *arg);
/* The turn has come that turn_take refused. */
void connection_go_on(struct connection *connection);
void connection_on_input(struct evbuffer *input, const struct evbuffer_cb_info *change, void *arg);
/* The request's reply has been handed to evhttp. */
void connection_reply_started(struct connection *connection);

#endif
