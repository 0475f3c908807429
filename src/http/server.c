/* The server: its listener, which pauses instead of spinning when descriptors run out, and its life. */
#include <errno.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "http/internal.h"

#define BACKLOG      4096
#define ACCEPT_PAUSE 100 /* ms */

/* ---- accepting ---- */

static struct evconnlistener *server_listener(const struct http_server *server)
{
	return evhttp_bound_socket_get_listener(server->bound);
}

static void on_accept_timer(void *arg)
{
	struct http_server *server = arg;

	server->accepted_before = SIZE_MAX;
	evconnlistener_enable(server_listener(server));
	event_add(server->accept_event, NULL);
}

/* Runs beside the listener's own event whenever connections wait. When the last such turn brought none, accept fails
 * (no descriptors, no memory), and would be tried again without end. */
static void on_acceptable(int descriptor, short what, void *arg)
{
	struct http_server *server = arg;
	bool stuck = server->accepted == server->accepted_before;

	(void)descriptor;
	(void)what;
	server->accepted_before = server->accepted;
	if (!stuck || timer_start(server->options.timers, &server->accept_timer, ACCEPT_PAUSE) < 0)
		return;
	evconnlistener_disable(server_listener(server));
	event_del(server->accept_event);
}

/* Its argument is evhttp's, so what to do is left to on_acceptable; without it, libevent floods the log. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
	(void)listener;
	(void)arg;
}

static int set_address(const struct http_options *options, struct sockaddr_storage *ret_address, int *ret_length,
                       struct error *error)
{
	*ret_length = sizeof(*ret_address);
	memset(ret_address, 0, sizeof(*ret_address));
	if (evutil_parse_sockaddr_port(options->host, (struct sockaddr *)ret_address, ret_length) < 0)
		return error_set(error, ERR_INVALID, "\"%.200s\" is not a numeric address", options->host);
	if (ret_address->ss_family == AF_INET)
		((struct sockaddr_in *)ret_address)->sin_port = htons(options->port);
	else
		((struct sockaddr_in6 *)ret_address)->sin6_port = htons(options->port);
	return 0;
}

static int server_listen(struct http_server *server, struct error *error)
{
	const struct http_options *options = &server->options;
	const unsigned flags =
	    LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_CLOSE_ON_FREE | LEV_OPT_DEFERRED_ACCEPT;
	struct sockaddr_storage address;
	int length;

	int rc = set_address(options, &address, &length, error);
	if (rc < 0)
		return rc;
	struct evconnlistener *listener =
	    evconnlistener_new_bind(options->base, NULL, NULL, flags, BACKLOG, (struct sockaddr *)&address, length);
	if (listener == NULL)
		return error_set(error, errno == EADDRINUSE ? ERR_BUSY : ERR_UNAVAILABLE,
		                 "listening on \"%s\" port %u failed: %s", options->host, (unsigned)options->port,
		                 strerror(errno));
	server->bound = evhttp_bind_listener(server->evhttp, listener);
	if (server->bound == NULL) {
		evconnlistener_free(listener);
		return error_no_memory(error);
	}
	evconnlistener_set_error_cb(listener, on_accept_error);
	return 0;
}

static int watch_listener(struct http_server *server, struct error *error)
{
	int descriptor = evhttp_bound_socket_get_fd(server->bound);
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);

	memset(&address, 0, sizeof(address));
	if (getsockname(descriptor, (struct sockaddr *)&address, &length) < 0)
		return error_set(error, ERR_INTERNAL, "the listener's port cannot be read: %s", strerror(errno));
	server->port = ntohs(address.ss_family == AF_INET ? ((struct sockaddr_in *)&address)->sin_port
	                                                  : ((struct sockaddr_in6 *)&address)->sin6_port);
	server->accepted_before = SIZE_MAX;
	server->accept_event = event_new(server->options.base, descriptor, EV_READ | EV_PERSIST, on_acceptable, server);
	if (server->accept_event == NULL || event_add(server->accept_event, NULL) < 0)
		return error_no_memory(error);
	return 0;
}

/* ---- life ---- */

static void on_attach(int descriptor, short what, void *arg)
{
	(void)descriptor;
	(void)what;
	connection_attach_newborn(arg);
}

static int server_prepare(struct http_server *server, struct error *error)
{
	timer_init(&server->accept_timer, on_accept_timer, server);
	server->date_second = -1;
	server->lingering = (struct linger_list){.base = server->options.base, .timers = server->options.timers};
	server->attach_event = event_new(server->options.base, -1, 0, on_attach, server);
	server->evhttp = evhttp_new(server->options.base);
	server->sites = sites_new(server->options.sites, server->options.site_count, server->options.on_sites_unused,
	                          server->options.sites_arg);
	if (server->attach_event == NULL || server->evhttp == NULL || server->sites == NULL)
		return error_no_memory(error);
	evhttp_set_bevcb(server->evhttp, connection_new, server);
	evhttp_set_gencb(server->evhttp, connection_on_request, server);
	evhttp_set_allowed_methods(server->evhttp, EVHTTP_REQ_GET); /* the canonical request's */
	evhttp_set_default_content_type(server->evhttp, NULL);
	/* For connections that memory did not suffice to guard: nothing larger than the canonical request. */
	evhttp_set_max_headers_size(server->evhttp, 64);
	evhttp_set_max_body_size(server->evhttp, 0);
	return 0;
}

int http_server_open(const struct http_options *options, struct http_server **ret_server, struct error *error)
{
	struct http_server *server = calloc(1, sizeof(*server));

	if (server == NULL)
		return error_no_memory(error);
	server->options = *options;
	int rc = server_prepare(server, error);
	if (rc == 0)
		rc = server_listen(server, error);
	if (rc == 0)
		rc = watch_listener(server, error);
	if (rc < 0) {
		if (server->sites != NULL)
			server->sites->on_unused = NULL; /* they are the caller's still */
		http_server_close(server);
		return rc;
	}
	*ret_server = server;
	return 0;
}

int http_server_set_sites(struct http_server *server, const struct http_site *items, size_t count,
                          void (*on_unused)(void *arg), void *arg)
{
	struct sites *sites = sites_new(items, count, on_unused, arg);

	if (sites == NULL)
		return ERR_NO_MEMORY;
	sites_drop(server->sites);
	server->sites = sites;
	return 0;
}

void http_server_set_limits(struct http_server *server, int64_t header_bytes, int64_t body_bytes,
                            int64_t request_timeout, int64_t idle_timeout)
{
	server->options.header_bytes = header_bytes;
	server->options.body_bytes = body_bytes;
	server->options.request_timeout = request_timeout;
	server->options.idle_timeout = idle_timeout;
}

uint16_t http_server_port(const struct http_server *server)
{
	return server->port;
}

void http_server_drain(struct http_server *server)
{
	timer_stop(server->options.timers, &server->accept_timer);
	if (server->accept_event != NULL)
		event_free(server->accept_event);
	server->accept_event = NULL;
	if (server->bound != NULL)
		evhttp_del_accept_socket(server->evhttp, server->bound);
	server->bound = NULL;
}

size_t http_server_pending(const struct http_server *server)
{
	return server->pending;
}

void http_server_close(struct http_server *server)
{
	if (server == NULL)
		return;
	http_server_drain(server);
	connection_attach_newborn(server); /* so that each is told when evhttp frees its side */
	if (server->evhttp != NULL)
		evhttp_free(server->evhttp);
	linger_release(&server->lingering);
	if (server->attach_event != NULL)
		event_free(server->attach_event);
	sites_drop(server->sites);
	free(server->by_descriptor);
	free(server);
}
