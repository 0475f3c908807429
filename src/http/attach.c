/* A connection's begin and end: from the bufferevent that evhttp asks for to its place among the others, and back.
 * Neighbour: connection.c, for what it does in between. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_struct.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/connection.h"
#include "http/handshake.h"
#include "http/internal.h"
#include "http/listener.h"
#include "http/tls.h"

static void count_connection(const struct http_server *server, int delta)
{
	if (server->options.measures != NULL)
		metric_add(server->options.measures->connections, delta, (const char *[]){server->options.name});
}

static void connection_free(struct connection *connection)
{
	struct http_server *server = connection->server;

	timer_stop(server->options.timers, &connection->timer);
	count_connection(server, -1);
	server->connections--;
	handshake_end(connection);
	line_leave(&server->turns.line, &connection->turn);
	crowd_leave(&server->crowd, &connection->place);
	heads_leave(&server->heads, &connection->heads);
	if (connection->listener->address->tls && connection->ev != NULL)
		tls_say_goodbye(connection->bufferevent);
	if (connection->ev != NULL)
		server->by_descriptor[connection->descriptor] = NULL;
	connection_count_state(connection, connection->state, -1);
	request_free(connection->request);
	text_wipe(&connection->held);
	bufferevent_decref(connection->bufferevent);
	free(connection);
}

static struct bufferevent *new_bufferevent(const struct http_listener *listener, struct event_base *base)
{
	return listener->address->tls ? tls_bufferevent(listener->server->tls, base)
	                              : bufferevent_socket_new(base, -1, 0);
}

struct bufferevent *connection_new(struct event_base *base, void *arg)
{
	struct http_listener *listener = arg;
	struct http_server *server = listener->server;
	struct connection *connection = calloc(1, sizeof(*connection));
	struct bufferevent *bufferevent = connection != NULL ? new_bufferevent(listener, base) : NULL;

	listener_accepted(listener);
	event_active(server->attach_event, EV_TIMEOUT, 0);
	if (bufferevent == NULL ||
	    evbuffer_add_cb(bufferevent_get_input(bufferevent), connection_on_input, connection) == NULL) {
		free(connection);
		return bufferevent; /* evhttp tries by itself; such a connection is closed at once */
	}
	server->connections++;
	count_connection(server, 1);
	connection->server = server;
	connection->heads.connection = connection;
	connection->listener = listener;
	connection->bufferevent = bufferevent;
	connection->place.connection = connection;
	/* Kept alive until it is attached or found dead, and then until on_close. */
	bufferevent_incref(bufferevent);
	text_init(&connection->held, (size_t)server->options.limits.header_bytes + 2 * READ_MAX);
	timer_init(&connection->timer, connection_on_timer, connection);
	*server->newborn_end = connection;
	server->newborn_end = &connection->next;
	return bufferevent;
}

static void on_nothing(int descriptor, short what, void *arg)
{
	(void)descriptor;
	(void)what;
	(void)arg;
}

/* libevent keeps a small record for each descriptor it has seen, for ever. Made one by one they would lie between the
 * connections, and keep their pages from the system when the connections are gone; made here they lie together. Nothing
 * is asked of the kernel: with a list of changes, what comes and goes within a turn has never been. */
static void make_records(struct event_base *base, size_t from, size_t to)
{
	struct event *event = event_new(base, (int)from, EV_READ, on_nothing, NULL);

	for (size_t i = from; event != NULL && i < to; i++) {
		event_assign(event, base, (int)i, EV_READ, on_nothing, NULL);
		event_add(event, NULL);
		event_del(event);
	}
	if (event != NULL)
		event_free(event);
}

/* Makes room for descriptor in the table of connections. */
static int reserve_slot(struct http_server *server, size_t descriptor)
{
	const size_t before = server->by_descriptor_count;
	size_t count = before > 0 ? before : 64;

	if (descriptor < server->by_descriptor_count)
		return 0;
	while (count <= descriptor)
		count *= 2;
	struct connection **grown = realloc(server->by_descriptor, count * sizeof(struct connection *));
	if (grown == NULL)
		return ERR_NO_MEMORY;
	memset(grown + before, 0, (count - before) * sizeof(struct connection *));
	server->by_descriptor = grown;
	server->by_descriptor_count = count;
	if (before > 0)
		make_records(server->options.base, before, count);
	return 0;
}

static void note_peer(struct connection *connection)
{
	char *address = NULL;
	uint16_t port = 0;

	if (connection->listener->address->path != NULL) {
		strcpy(connection->peer, "unix");
		return;
	}
	evhttp_connection_get_peer(connection->ev, &address, &port);
	bool bare = strchr(address, ':') == NULL; /* not IPv6 */
	connection->has_address = network_parse_address(address, &connection->address);
	snprintf(connection->peer, sizeof(connection->peer), bare ? "%s:%u" : "[%s]:%u", address, port);
}

/* evhttp is about to free its side. A request still being handled at this point is one that http_server_close drops. */
static void on_close(struct evhttp_connection *ev, void *arg)
{
	(void)ev;
	connection_free(arg);
}

static void close_stranger(struct connection *connection)
{
	const struct http_options *options = &connection->server->options;

	http_measures_closed(options->measures, options->name);
	evhttp_connection_free(connection->ev);
}

/* Without memory for a timer, the newest that comes next sees to it. */
static void start_leaving(struct http_server *server)
{
	if (server->crowd.leaving_count > 0 && !timer_running(&server->leave_timer))
		(void)timer_start(server->options.timers, &server->leave_timer, CROWD_PACE);
}

void connection_on_leave_timer(void *arg)
{
	struct http_server *server = arg;

	for (size_t i = 0; i < CROWD_LEAVE && server->crowd.leaving_count > 0; i++)
		close_stranger(crowd_first(&server->crowd));
	start_leaving(server);
}

/* Who has been answered, and only lingers, goes before anybody who has not. */
static void end_lingering(struct http_server *server)
{
	const int64_t most = server->options.limits.connections;

	while (most > 0 && (int64_t)(server->connections + server->lingering.count) > most &&
	       linger_end_oldest(&server->lingering))
		;
}

/* Closes what the newest is one too many for; false: that is itself. */
static bool make_room(struct connection *newest)
{
	struct http_server *server = newest->server;
	struct connection *surplus;

	end_lingering(server);
	crowd_settle(&server->crowd, &newest->place, &server->options.limits);
	while ((surplus = crowd_surplus(&server->crowd, &newest->place, &server->options.limits,
	                                server->connections + server->lingering.count)) != NULL) {
		if (surplus == newest)
			return false;
		close_stranger(surplus);
	}
	start_leaving(server);
	return true;
}

static bool enter_crowd(struct connection *connection)
{
	struct http_server *server = connection->server;

	connection->proxied = connection_is_proxied(connection);
	const bool counted = connection->has_address && !connection->proxied;
	crowd_enter(&server->crowd, &connection->place, counted ? &connection->address : NULL);
	connection->place.expected =
	    counted && throttle_knows(&server->throttle, &connection->address, timers_now(server->options.timers));
	return make_room(connection);
}

void connection_leave_source(struct connection *connection)
{
	struct http_server *server = connection->server;

	if (connection->place.source == NULL)
		return;
	handshake_end(connection);
	line_leave(&server->turns.line, &connection->turn);
	crowd_leave(&server->crowd, &connection->place);
}

bool connection_make_way(struct http_server *server, size_t count)
{
	size_t closed = 0;

	while (closed < count && linger_end_oldest(&server->lingering))
		closed++;
	for (; closed < count && crowd_first(&server->crowd) != NULL; closed++)
		close_stranger(crowd_first(&server->crowd));
	return closed > 0;
}

static void attach(struct connection *connection)
{
	struct http_server *server = connection->server;
	bufferevent_data_cb on_read;
	void *ev;

	/* evhttp hangs its connection on the callbacks; none means that it failed and let go. */
	bufferevent_getcb(connection->bufferevent, &on_read, NULL, NULL, &ev);
	int descriptor = bufferevent_getfd(connection->bufferevent);
	if (ev == NULL || descriptor < 0) {
		connection_free(connection);
		return;
	}
	if (reserve_slot(server, (size_t)descriptor) < 0) {
		evhttp_connection_free(ev);
		connection_free(connection);
		return;
	}
	connection->ev = ev;
	connection->descriptor = descriptor;
	server->by_descriptor[descriptor] = connection;
	evhttp_connection_set_closecb(connection->ev, on_close, connection);
	note_peer(connection);
	if (!enter_crowd(connection)) {
		close_stranger(connection);
		return;
	}
	/* A handshake has to be over as soon as a request would be. */
	connection_start_timer(connection, connection->listener->address->tls ? server->options.limits.request_timeout
	                                                                      : server->options.limits.idle_timeout);
	/* The listener deferred it until there was something to read: not first to the kernel with it. */
	if (!connection->listener->address->tls)
		event_active(&connection->bufferevent->ev_read, EV_READ, 0);
	else if (handshake_begin(connection) != 0)
		evhttp_connection_free(connection->ev);
}

void connection_attach_newborn(struct http_server *server)
{
	while (server->newborn != NULL) {
		struct connection *connection = server->newborn;

		server->newborn = connection->next;
		if (server->newborn == NULL)
			server->newborn_end = &server->newborn;
		attach(connection);
	}
}

void connection_retire_all(struct http_server *server)
{
	connection_attach_newborn(server);
	for (size_t i = 0; i < server->by_descriptor_count; i++) {
		struct connection *connection = server->by_descriptor[i];

		if (connection == NULL)
			continue;
		connection->retired = true;
		if (connection->state == CONNECTION_IDLE)
			connection_start_timer(connection, 0);
	}
}
