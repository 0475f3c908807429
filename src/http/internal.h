/* What the parts of the server share: the server, a request's whole state, and the hand-overs between them. */
#ifndef HTTP_INTERNAL_H
#define HTTP_INTERNAL_H

#include "base/text.h"
#include "http/body.h"
#include "http/connection.h"
#include "http/crowd.h"
#include "http/head.h"
#include "http/http.h"
#include "http/linger.h"
#include "http/listener.h"
#include "http/login.h"
#include "http/route.h"
#include "http/sites.h"
#include "http/throttle.h"
#include "http/tls.h"

struct evhttp_request;
struct event;

struct http_server {
	struct http_options options;
	struct sites *sites; /* the present ones */
	struct tls *tls;     /* NULL: none of its listeners has it */
	struct listener *listeners;
	size_t listener_count;
	bool draining;
	struct event *attach_event; /* active while there are newborn connections */
	struct connection *newborn; /* made, but evhttp's side not yet known; in order */
	struct connection **newborn_end;
	struct connection **by_descriptor; /* attached connections, by their socket */
	size_t by_descriptor_count;        /* slots */
	struct linger_list lingering;
	struct crowd crowd;
	struct timer leave_timer; /* runs while some are leaving */
	struct throttle throttle;
	size_t connections;
	int64_t body_bytes;  /* of bodies that are being received */
	size_t pending;      /* being handled or answered */
	size_t admitted;     /* of these, past their login */
	size_t waiting;      /* logins that wait */
	int64_t next_answer; /* monotonic ms: of those held back, the next one is not before it */
	int64_t date_second; /* that date stands for */
	char date[32];
};

struct http_request {
	struct http_server *server;
	struct connection *connection;
	struct evhttp_request *ev; /* NULL until evhttp presents it */
	struct arena arena;
	struct head head;
	struct refusal refusal; /* status 0: none */
	struct text content;    /* the raw body */
	size_t counted;         /* bytes of it in the server's body_bytes */
	size_t head_length;     /* bytes */
	enum login login;       /* what it waits for, or waited */
	bool admitted;          /* counted in the server's admitted */
	bool has_client;        /* its login goes by client: the peer's address, or what its proxy says */
	struct network_address client;
	char peer[NETWORK_TEXT_MAX]; /* that address; "": the connection's peer */
	struct body body;
	struct fields query;
	struct route_match match;
	const char *captured[CAPTURES_MAX]; /* match's captures as texts */
	struct sites *sites;                /* that site is of; held; NULL until it came to one */
	const struct http_site *site;
	void *context;         /* the handler's, for on_access */
	const char *path;      /* below the site, decoded; "" until known */
	const char *raw_query; /* encoded; NULL: none */
	int64_t started;       /* monotonic microseconds */
	int64_t ended;
	int status;  /* 0: not replied to */
	bool unread; /* refused with some of it not read: the client may still be sending */
};

/* Monotonic microseconds. */
int64_t request_clock(void);
/* A request whose head is not known yet. NULL when memory is out. */
struct http_request *request_new(struct http_server *server, struct connection *connection);
/* Wipes and frees. Accepts NULL. */
void request_free(struct http_request *request);
/* Checks a read request in the documented order and calls its handler, or replies itself. */
void request_dispatch(struct http_request *request);

/* Its wait is over. */
void request_resume(struct http_request *request);
/* Wipes a body that nobody will read. */
void request_drop_body(struct http_request *request);

/* {"code": status, "message": message}, for statuses that no error code stands for. */
void reply_refusal(struct http_request *request, int status, const char *message);

#endif
