/* Listeners: bound, watched, drained and closed. Neighbour: connection.c, for what they accept. */
#include "http/listener.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "http/connection.h"
#include "http/internal.h"

#define BACKLOG      4096
#define ACCEPT_PAUSE 100 /* ms */
#define SOCKET_MODE  0660

#define STRANGERS_AT_ONCE 16 /* closed when descriptors are out */

/* ---- accepting ---- */

static struct evconnlistener *socket_of(const struct http_listener *listener)
{
	return evhttp_bound_socket_get_listener(listener->bound);
}

static void on_accept_timer(void *arg)
{
	struct http_listener *listener = arg;

	listener->accepted_before = SIZE_MAX;
	evconnlistener_enable(socket_of(listener));
	event_add(listener->accept_event, NULL);
}

/* Fewer than a limit of connections: what comes in one turn is read before it may have to go for others. */
static size_t turn_of(const struct http_limits *limits)
{
	const int64_t all[] = {limits->connections, limits->strangers, limits->strangers_per_address};
	int64_t turn = LISTENER_TURN;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i] > 0 && all[i] / 4 < turn)
			turn = all[i] / 4;
	}
	return turn > 0 ? (size_t)turn : 1;
}

void listener_accepted(struct http_listener *listener)
{
	listener->accepted++;
	if (++listener->accepted_now == listener->turn)
		evconnlistener_disable(socket_of(listener)); /* libevent accepts for as long as there are some */
}

void listener_turn(struct http_listener *listener)
{
	if (listener->accepted_now >= listener->turn && listener->bound != NULL)
		evconnlistener_enable(socket_of(listener));
	listener->accepted_now = 0;
	listener->turn = turn_of(&listener->server->options.limits);
}

/* Runs beside the listener's own event whenever connections wait. When the last such turn brought none, accept fails
 * (no descriptors, no memory), and would be tried again without end: strangers make way, or it pauses. */
static void on_acceptable(int descriptor, short what, void *arg)
{
	struct http_listener *listener = arg;
	bool stuck = listener->accepted == listener->accepted_before;

	(void)descriptor;
	(void)what;
	listener->accepted_before = listener->accepted;
	if (stuck && connection_make_way(listener->server, STRANGERS_AT_ONCE)) {
		listener->accepted_before = SIZE_MAX;
		return;
	}
	if (!stuck || timer_start(listener->server->options.timers, &listener->accept_timer, ACCEPT_PAUSE) < 0)
		return;
	evconnlistener_disable(socket_of(listener));
	event_del(listener->accept_event);
}

/* Its argument is evhttp's, so what to do is left to on_acceptable; without it, libevent floods the log. */
static void on_accept_error(struct evconnlistener *socket, void *arg)
{
	(void)socket;
	(void)arg;
}

/* ---- binding ---- */

static int set_ip(const struct http_address *address, struct sockaddr_storage *ret_address, int *ret_length,
                  struct error *error)
{
	*ret_length = sizeof(*ret_address);
	if (evutil_parse_sockaddr_port(address->host, (struct sockaddr *)ret_address, ret_length) < 0)
		return error_set(error, ERR_INVALID, "\"%.200s\" is not a numeric address", address->host);
	if (ret_address->ss_family == AF_INET)
		((struct sockaddr_in *)ret_address)->sin_port = htons(address->port);
	else
		((struct sockaddr_in6 *)ret_address)->sin6_port = htons(address->port);
	return 0;
}

/* A socket file that nobody listens on any more was left by a process that was killed. */
static int clear_way(const struct sockaddr_un *address, struct error *error)
{
	int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int answer = probe >= 0 ? connect(probe, (const struct sockaddr *)address, sizeof(*address)) : -1;
	int reason = errno;

	if (probe >= 0)
		close(probe);
	if (answer == 0 || reason == EAGAIN)
		return error_set(error, ERR_BUSY, "somebody listens on \"%s\" already", address->sun_path);
	if (probe >= 0 && reason == ECONNREFUSED)
		unlink(address->sun_path);
	return 0;
}

static int set_path(const struct http_address *address, struct sockaddr_storage *ret_address, int *ret_length,
                    struct error *error)
{
	struct sockaddr_un *unix_address = (struct sockaddr_un *)ret_address;

	unix_address->sun_family = AF_UNIX;
	if (strlen(address->path) >= sizeof(unix_address->sun_path))
		return error_set(error, ERR_INVALID, "the path \"%.200s\" is over %zu bytes", address->path,
		                 sizeof(unix_address->sun_path) - 1);
	strcpy(unix_address->sun_path, address->path);
	*ret_length = sizeof(*unix_address);
	return clear_way(unix_address, error);
}

static int bind_socket(struct http_listener *listener, struct error *error)
{
	const struct http_address *address = listener->address;
	const bool is_path = address->path != NULL;
	const unsigned flags = LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_CLOSE_ON_FREE |
	                       (is_path ? 0U : (unsigned)LEV_OPT_DEFERRED_ACCEPT);
	struct sockaddr_storage storage;
	struct evconnlistener *socket;
	int length = 0, rc;

	memset(&storage, 0, sizeof(storage));
	rc = is_path ? set_path(address, &storage, &length, error) : set_ip(address, &storage, &length, error);
	if (rc < 0)
		return rc;
	socket = evconnlistener_new_bind(listener->server->options.base, NULL, NULL, flags, BACKLOG,
	                                 (struct sockaddr *)&storage, length);
	if (socket == NULL)
		return error_set(error, errno == EADDRINUSE ? ERR_BUSY : ERR_UNAVAILABLE,
		                 "listening on \"%s\"%s%.0u failed: %s", is_path ? address->path : address->host,
		                 is_path ? "" : " port ", (unsigned)address->port, strerror(errno));
	listener->bound = evhttp_bind_listener(listener->evhttp, socket);
	if (listener->bound == NULL) {
		evconnlistener_free(socket);
		return error_no_memory(error);
	}
	evconnlistener_set_error_cb(socket, on_accept_error);
	if (is_path && chmod(address->path, SOCKET_MODE) != 0)
		return error_set(error, ERR_UNAVAILABLE, "the mode of \"%s\" cannot be set: %s", address->path,
		                 strerror(errno));
	return 0;
}

static int read_port(struct http_listener *listener, int descriptor, struct error *error)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);

	memset(&address, 0, sizeof(address));
	if (getsockname(descriptor, (struct sockaddr *)&address, &length) < 0)
		return error_set(error, ERR_INTERNAL, "the listener's port cannot be read: %s", strerror(errno));
	if (address.ss_family == AF_INET)
		listener->port = ntohs(((struct sockaddr_in *)&address)->sin_port);
	else if (address.ss_family == AF_INET6)
		listener->port = ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
	return 0;
}

static int watch(struct http_listener *listener, struct error *error)
{
	struct event_base *base = listener->server->options.base;
	int descriptor = evhttp_bound_socket_get_fd(listener->bound);
	int rc = read_port(listener, descriptor, error);

	if (rc < 0)
		return rc;
	listener->accepted_before = SIZE_MAX;
	listener->accept_event = event_new(base, descriptor, EV_READ | EV_PERSIST, on_acceptable, listener);
	if (listener->accept_event == NULL || event_add(listener->accept_event, NULL) < 0)
		return error_no_memory(error);
	return 0;
}

/* ---- life ---- */

static int make_evhttp(struct http_listener *listener, struct error *error)
{
	listener->evhttp = evhttp_new(listener->server->options.base);
	if (listener->evhttp == NULL)
		return error_no_memory(error);
	evhttp_set_bevcb(listener->evhttp, connection_new, listener);
	evhttp_set_gencb(listener->evhttp, connection_on_request, listener->server);
	evhttp_set_allowed_methods(listener->evhttp, EVHTTP_REQ_GET); /* the canonical request's */
	evhttp_set_default_content_type(listener->evhttp, NULL);
	/* For connections that memory did not suffice to guard: nothing larger than the canonical request. */
	evhttp_set_max_headers_size(listener->evhttp, 64);
	evhttp_set_max_body_size(listener->evhttp, 0);
	return 0;
}

int listener_open(struct http_listener *listener, struct http_server *server, const struct http_address *address,
                  struct error *error)
{
	int rc;

	*listener =
	    (struct http_listener){.server = server, .address = address, .turn = turn_of(&server->options.limits)};
	timer_init(&listener->accept_timer, on_accept_timer, listener);
	rc = make_evhttp(listener, error);
	if (rc == 0)
		rc = bind_socket(listener, error);
	return rc == 0 ? watch(listener, error) : rc;
}

void listener_drain(struct http_listener *listener)
{
	timer_stop(listener->server->options.timers, &listener->accept_timer);
	if (listener->accept_event != NULL)
		event_free(listener->accept_event);
	listener->accept_event = NULL;
	if (listener->bound == NULL)
		return;
	evhttp_del_accept_socket(listener->evhttp, listener->bound);
	listener->bound = NULL;
	if (listener->address->path != NULL)
		unlink(listener->address->path);
}

void listener_close(struct http_listener *listener)
{
	if (listener->server == NULL)
		return;
	listener_drain(listener);
	if (listener->evhttp != NULL)
		evhttp_free(listener->evhttp);
	listener->evhttp = NULL;
}
