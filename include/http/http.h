/* HTTP/1.1 service on evhttp: listening, limits, strict reading, Basic auth, routing, requests and replies.
 * A handler sees only requests that are well formed, within limits, authenticated for their site and routed.
 * Every request is replied to exactly once, now or later; a client that hangs up changes nothing for the handler. */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/network.h"
#include "base/timer.h"
#include "http/measure.h"

struct event_base;
struct http_server;
struct http_request;

typedef void http_handler(void *arg, struct http_request *request);

/* One row of the table of routes. The first pattern that fits has the path, with all of its rows and no others: a
 * literal one stands before the capture that it is taken out of. A pattern is literal segments and captures `{name}`.
 * GET's routes serve HEAD too; an OPTIONS that no route takes is answered with the methods there are, any other method
 * with 405. */
struct http_route {
	const char *method; /* NULL ends a table */
	const char *pattern;
	http_handler *handler;
	const char *label;  /* for logs and metrics: a bounded name such as "bind-app" */
	const void *serves; /* the handler's own: http_request_serves gives it back */
};

/* A site is a path prefix with its own credentials; requests go to the longest that fits. */
struct http_site {
	const char *path;             /* "/postgres" or "/" */
	const char *username;         /* NULL: open to all */
	const char *const *passwords; /* any of them opens */
	size_t password_count;
	const char *const *open_paths; /* below it, need no credentials; ends with NULL; NULL: none */
	const char *realm;             /* shown in WWW-Authenticate */
	const void *owner;             /* http_request_site gives it back */
};

/* Where to listen: an IP address and port, or a socket file. */
struct http_address {
	const char *host; /* numeric */
	uint16_t port;    /* 0: the kernel chooses; http_server_port says which */
	const char *path; /* instead of host and port; made with mode 0660 */
	bool tls;
};

/* PEM files. They are watched, and read again when they change. With other authorities in client_ca, connections that
 * were let in by the former ones end with the request that they are at. */
struct http_tls {
	const char *cert, *key; /* the certificate with its chain; its key without a passphrase */
	const char *client_ca;  /* clients need a certificate of one of these; NULL: they need none */
};

/* Whether the files make a good server; *ret_expired: only the certificate's time is over. */
int http_tls_check(const struct http_tls *files, bool *ret_expired, struct error *error);

/* Who may say for whom it sends a request (X-Forwarded-For, Forwarded). */
struct http_proxies {
	const struct network *networks; /* borrowed until http_server_enter */
	size_t count;
	bool sockets; /* whoever comes by a socket file, too */
};

/* Ceilings; 0: none. Over one of them a request is answered 503, and of the connections that have not logged in, the
 * one that came first is closed: of the address where the limit is an address's. */
struct http_limits {
	int64_t header_bytes, body_bytes;      /* of one request; never 0 */
	int64_t request_timeout, idle_timeout; /* ms; never 0 */
	int64_t connections, connections_per_address;
	int64_t strangers, strangers_per_address; /* of these, that have not logged in */
	int64_t requests;                         /* past their login and not replied to */
	int64_t body_bytes_total; /* of all bodies that are being received; small ones are always taken */
};

/* For whom another broker has passed a request on. */
struct http_forwarded {
	const char *by;   /* that broker's name */
	const char *id;   /* that it gave the request */
	const char *peer; /* whose it is, as http_request_peer says it there */
};

struct http_options {
	struct event_base *base;
	struct timers *timers;
	const struct http_address *addresses; /* at least one; borrowed for the server's life */
	size_t address_count;
	const struct http_tls *tls; /* for the addresses that say so; borrowed until http_server_enter */
	struct http_limits limits;
	struct http_proxies proxies;
	const struct http_route *routes;
	const struct http_site *sites; /* the first; see http_server_prepare */
	size_t site_count;
	void (*on_sites_unused)(void *sites_arg); /* for them; may be NULL */
	void *sites_arg;
	bool same_origin; /* what changes something has to say that it is JSON, and come from no page of another origin
	                   */
	bool no_store;    /* no reply may be kept by whoever passes it on */
	bool known_fields_only;               /* of a body: what tsuru's contract does not name is left out */
	const char *name;                     /* of the listener, for metrics */
	const struct http_measures *measures; /* borrowed; NULL: nothing is measured */
	void *arg;                            /* for handlers and on_access */
	/* The header that such a broker adds; NULL: none is looked for. vouch says whether value, that header's, is
	 * good for a request of method and target as they were received: then it fills ret_forwarded with texts of the
	 * arena. Its peer counts as the client from then on, for logs, throttles and the limits of an address. */
	const char *forwarded_header;
	bool (*vouch)(void *arg, const char *method, const char *target, const char *value, struct arena *arena,
	              struct http_forwarded *ret_forwarded);
	/* Looks at a request with such a header before its site is looked for; true: it has replied to it, as it is
	 * what a broker asks for itself. NULL: nobody looks. */
	bool (*on_broker)(void *arg, struct http_request *request);
	/* No site has the request's path (http_request_site is NULL), or no route of its site. *error holds the 404
	 * that it is answered with, and may be set to something else. NULL: it stays. */
	void (*on_missing)(const struct http_request *request, struct error *error);
	/* A site's user or password is wrong, or not shown. *error holds the 401, whose sentence may be another one.
	 * NULL: it stays. */
	void (*on_wrong_login)(const struct http_request *request, struct error *error);
	/* The certificate was replaced (text: its file) or could not be (failed, and why). NULL: nobody is told. */
	void (*on_tls_notice)(void *arg, bool failed, const char *text);
	/* When a reply is made, before a byte of it is sent; also for requests that no handler saw. */
	void (*on_access)(void *arg, const struct http_request *request);
};

/* Listens; ERR_BUSY when the address is in use. options are copied, what they point to is borrowed. */
int http_server_open(const struct http_options *options, struct http_server **ret_server, struct error *error);
/* Another configuration of a running server, in two steps, so that whoever has more to change can change all of it or
 * nothing. Of next count: sites with their on_sites_unused, tls (NULL: stays as it is), limits, proxies. All that can
 * fail does so here, and changes nothing. */
struct http_change;
int http_server_prepare(const struct http_options *next, struct http_change **ret_change, struct error *error);
/* Takes the change: requests that are read from now on go to its sites, new connections have its TLS. What next
 * pointed to is borrowed from here; the former sites' on_sites_unused is called once nothing refers to them any more.
 */
void http_server_enter(struct http_server *server, struct http_change *change);
/* A change that does not come; its sites are the caller's still. Accepts NULL. */
void http_change_free(struct http_change *change);
/* The port of the i-th address, as bound; 0 for a socket file. */
uint16_t http_server_port(const struct http_server *server, size_t i);
/* Stops accepting; replies from now on close their connection. */
void http_server_drain(struct http_server *server);
/* Requests that a handler has and has not replied to, and replies still being sent; not logins that have to wait. */
size_t http_server_pending(const struct http_server *server);
/* Closes all connections. Requests not replied to are dropped: no handler may touch them afterwards. Accepts NULL. */
void http_server_close(struct http_server *server);

/* Whether a route has the path, with whatever method. */
bool http_routes_have(const struct http_route *routes, const char *path);

/* ---- a request; all that is returned is borrowed until the reply ---- */

const char *http_request_method(const struct http_request *request);
const char *http_request_path(const struct http_request *request);   /* below the site, decoded, without the query */
const char *http_request_label(const struct http_request *request);  /* the route's, or "none" */
const void *http_request_serves(const struct http_request *request); /* of the route; NULL: none fits */
const struct http_site *http_request_site(const struct http_request *request); /* NULL: none fits */
const char *http_request_capture(const struct http_request *request,
                                 const char *name); /* decoded; NULL: no such capture */
const char *http_request_header(const struct http_request *request, const char *name); /* NULL: absent */
const char *http_request_query(const struct http_request *request, const char *name);  /* decoded; NULL: absent */
/* "127.0.0.1:1234"; of a proxy's request, the client's address alone; "unix"; of one that a broker passed on, what that
 * one says. */
const char *http_request_peer(const struct http_request *request);
/* NULL: no broker has passed it on. */
const struct http_forwarded *http_request_forwarded(const struct http_request *request);
bool http_request_has_body(const struct http_request *request);
/* The body's fields under their form names ("app-name"), whichever encoding they came in; NULL: absent. */
const char *http_request_field(const struct http_request *request, const char *name);
/* A repeated field; returns the count and points *ret_items at as many (NULL for 0). */
size_t http_request_list(const struct http_request *request, const char *name, const char *const **ret_items);
/* `parameters` as one compact JSON object; NULL when there are none. */
const char *http_request_parameters(const struct http_request *request);
/* Lives until the reply is sent; for whatever the handler needs to keep. */
struct arena *http_request_arena(struct http_request *request);
/* What the handler wants on_access to find; NULL until it is set, which is before the reply. Borrowed. */
void http_request_set_context(struct http_request *request, void *context);
void *http_request_context(const struct http_request *request);
/* For whoever passes it on: the target as it was received, the i-th header (false past the end), and the body's bytes.
 */
const char *http_request_target(const struct http_request *request);
bool http_request_header_at(const struct http_request *request, size_t i, const char **ret_name,
                            const char **ret_value);
const char *http_request_body(const struct http_request *request, size_t *ret_length);
/* Whether its client sends nothing any more: it has gone, or waits for the reply alone. Asks the kernel. */
bool http_request_has_ended(const struct http_request *request);
/* For on_access. */
int http_request_status(const struct http_request *request);
int64_t http_request_duration(const struct http_request *request); /* microseconds since its head was read */

/* ---- replies ---- */

/* Extra header; before the reply. Copied. */
void http_reply_header(struct http_request *request, const char *name, const char *value);
void http_reply_json(struct http_request *request, int status, const char *json);
void http_reply_text(struct http_request *request, int status, const char *text);
void http_reply_empty(struct http_request *request, int status);
/* {"code": status, "message": text}, status by the error's table. */
void http_reply_error(struct http_request *request, const struct error *error);
/* What another server has answered, as it is: its headers, which concern no connection, in the place of all that there
 * are. Of a HEAD's answer, whose body is empty, length is that of a GET's; 0: it is not known. */
struct http_passed {
	int status;
	const char *const *headers; /* a name, its value, the next name; ends with NULL */
	const char *body;           /* any bytes */
	size_t length;
};
void http_reply_passed(struct http_request *request, const struct http_passed *passed);

#endif
