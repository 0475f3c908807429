/* What the parts of the server share: the server, a request's whole state, and the hand-overs between them. */
#ifndef HTTP_INTERNAL_H
#define HTTP_INTERNAL_H

#include "base/text.h"
#include "http/body.h"
#include "http/crowd.h"
#include "http/head.h"
#include "http/heads.h"
#include "http/http.h"
#include "http/line.h"
#include "http/linger.h"
#include "http/route.h"
#include "http/sites.h"
#include "http/throttle.h"
#include "http/turn.h"

struct connection;
struct event;
struct evhttp_request;
struct http_listener;
struct tls;

#define HANDSHAKES_AT_ONCE 8

/* See handshake.h. */
struct handshakes {
	struct turns turns;
	struct connection *now[HANDSHAKES_AT_ONCE]; /* those that take a step in this turn; NULL: it has ended */
	size_t now_count;
};

struct http_server {
	struct http_options options;
	struct sites *sites; /* the present ones */
	struct tls *tls;     /* NULL: none of its listeners has it */
	struct http_listener *listeners;
	size_t listener_count;
	int (*on_head)(struct http_request *request, struct refusal *ret_refusal);
	bool (*may_send)(struct http_request *request);   /* a body that is not small */
	void (*on_request)(struct http_request *request); /* it has been read, or refused */
	void (*on_resume)(struct http_request *request);  /* its wait is over */
	bool draining;
	struct event *attach_event; /* active while there are newborn connections */
	struct connection *newborn; /* made, but evhttp's side not yet known; in order */
	struct connection **newborn_end;
	struct connection **by_descriptor; /* attached connections, by their socket */
	size_t by_descriptor_count;        /* slots */
	struct linger_list lingering;
	struct handshakes handshakes;
	struct turns turns;
	struct heads heads;
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

enum login {
	LOGIN_NONE,  /* it does not wait */
	LOGIN_EARLY, /* it came before its time, and will be answered 429 */
	LOGIN_TURN,  /* it waits for its moment to be compared */
	LOGIN_WRONG, /* it was compared, and will be answered 401 */
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
	char peer[NETWORK_TEXT_MAX];     /* that address; "": the connection's peer */
	struct http_forwarded forwarded; /* by NULL: no broker has passed it on */
	const char *target;              /* as it was received; NULL: it could not be read */
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
	bool unread; /* some of it was not read, and will not be: the client may still be sending */
};

/* A request whose head is not known yet. NULL when memory is out. */
struct http_request *request_new(struct http_server *server, struct connection *connection);
/* Wipes and frees. Accepts NULL. */
void request_free(struct http_request *request);
/* Wipes a body that nobody will read. */
void request_drop_body(struct http_request *request);

/* {"code": status, "message": message}, for statuses that no error code stands for. */
void reply_refusal(struct http_request *request, int status, const char *message);

/* dispatch.c, on_head: its head has been read; takes note of whose it is, and of its path. */
int dispatch_head(struct http_request *request, struct refusal *ret_refusal);
/* dispatch.c, may_send: its login is one that is let in, as far as its head tells, so that its body is worth reading.
 */
bool dispatch_may_send(struct http_request *request);
/* dispatch.c, on_request and on_resume: checks it in the documented order and calls its handler, or replies itself. */
void dispatch_request(struct http_request *request);
void dispatch_resume(struct http_request *request);

#endif
