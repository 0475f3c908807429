/* One connection. It reads requests itself, from the raw bytes that evhttp's bufferevent receives, and presents each
 * complete one to evhttp as the same small canonical request: evhttp keeps the connection and writes replies, and
 * never sees a byte that came from outside. */
#ifndef HTTP_CONNECTION_H
#define HTTP_CONNECTION_H

#include "base/text.h"
#include "base/timer.h"
#include "http/chunk.h"
#include "http/head.h"

struct bufferevent;
struct event_base;
struct evhttp_connection;
struct evhttp_request;
struct http_request;
struct http_server;
struct listener;

enum connection_state {
	CONNECTION_IDLE,     /* nothing of a next request is here; idle_timeout runs */
	CONNECTION_HEAD,     /* a part of a head is here; request_timeout runs */
	CONNECTION_BODY,     /* the head is read, the body is not; the same time-out runs on */
	CONNECTION_READY,    /* complete or refused, on its way through evhttp */
	CONNECTION_HANDLING, /* a handler has it; nothing is read and no time-out runs */
	CONNECTION_SENDING,  /* replied to; request_timeout runs for the reply to be taken */
};

struct connection {
	struct http_server *server;
	const struct listener *listener;
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
	bool unwelcome;               /* over a limit of connections: closed as soon as it is attached */
	bool retired;                 /* closed once it has answered what it is at */
	bool counted;                 /* in the server's crowd */
	char address[48];             /* the peer's, without its port; "" for a socket file */
	char peer[64];
};

/* For evhttp_set_bevcb; arg is the listener. */
struct bufferevent *connection_new(struct event_base *base, void *arg);
/* Meets the connections that evhttp has finished to set up since the last call. */
void connection_attach_newborn(struct http_server *server);
/* For evhttp_set_gencb: the canonical request of some connection has arrived. */
void connection_on_request(struct evhttp_request *ev, void *arg);
/* Answers the request that is being handled after a while, by request_refuse_login. */
void connection_delay(struct connection *connection, int64_t delay_ms);
/* Every connection there is ends with the request that it is at; those that have none, in this turn. */
void connection_retire_all(struct http_server *server);
/* The request's reply has been handed to evhttp. */
void connection_reply_started(struct connection *connection);

#endif
