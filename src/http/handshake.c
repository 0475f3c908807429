/* Handshakes in turns. While a handshake lasts, its bufferevent is kept from waiting for anything itself. This file
 * tells the bufferevent by hand that it may go on; in the same turn the bufferevent then says what it wants to wait for
 * next, and this file waits for that in its place. */
#include "http/handshake.h"

#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/bufferevent_struct.h>
#include <event2/event.h>
#include <openssl/ssl.h>

#include "http/connection.h"
#include "http/internal.h"

static void stand_in_line(struct connection *connection)
{
	turn_wait(&connection->server->handshakes.turns, &connection->handshake.part, &connection->place);
}

static void on_arrival(evutil_socket_t descriptor, short what, void *arg)
{
	(void)descriptor;
	(void)what;
	stand_in_line(arg);
}

/* ---- a turn ---- */

static void go_on(struct connection *connection)
{
	struct handshakes *handshakes = &connection->server->handshakes;

	handshakes->now[handshakes->now_count++] = connection;
	event_active(&connection->bufferevent->ev_read, EV_READ, 0);
}

/* It has taken its step: the next one is for when it can go on. */
static void settle(struct connection *connection)
{
	struct bufferevent *bufferevent = connection->bufferevent;
	const SSL *ssl = bufferevent_openssl_get_ssl(bufferevent);
	const short wanted = SSL_want_write(ssl) ? EV_WRITE : EV_READ;
	struct event *arrival = connection->handshake.arrival;

	if (SSL_is_init_finished(ssl)) {
		handshake_end(connection);
		bufferevent_enable(bufferevent, EV_READ);
		return;
	}
	event_del(&bufferevent->ev_read);
	event_del(&bufferevent->ev_write);
	event_assign(arrival, bufferevent_get_base(bufferevent), connection->descriptor, wanted, on_arrival,
	             connection);
	if (event_add(arrival, NULL) != 0)
		connection_start_timer(connection, 0);
}

static void on_end(void *arg)
{
	struct handshakes *handshakes = arg;
	const size_t count = handshakes->now_count;

	handshakes->now_count = 0;
	for (size_t i = 0; i < count; i++) {
		if (handshakes->now[i] != NULL)
			settle(handshakes->now[i]);
	}
}

/* ---- life ---- */

int handshakes_init(struct handshakes *handshakes, struct event_base *base)
{
	handshakes->turns.on_end = on_end;
	handshakes->turns.arg = handshakes;
	return turns_init(&handshakes->turns, base, CROWD_HANDSHAKES, HANDSHAKES_AT_ONCE, go_on);
}

void handshakes_release(struct handshakes *handshakes)
{
	turns_release(&handshakes->turns);
}

int handshake_begin(struct connection *connection)
{
	struct bufferevent *bufferevent = connection->bufferevent;

	connection->handshake.arrival =
	    event_new(bufferevent_get_base(bufferevent), connection->descriptor, EV_READ, on_arrival, connection);
	if (connection->handshake.arrival == NULL)
		return ERR_NO_MEMORY;
	bufferevent_disable(bufferevent, EV_READ | EV_WRITE);
	stand_in_line(connection);
	return 0;
}

void handshake_end(struct connection *connection)
{
	struct handshakes *handshakes = &connection->server->handshakes;

	if (connection->handshake.arrival == NULL)
		return;
	event_free(connection->handshake.arrival);
	connection->handshake.arrival = NULL;
	line_leave(&handshakes->turns.line, &connection->handshake.part);
	for (size_t i = 0; i < handshakes->now_count; i++) {
		if (handshakes->now[i] == connection)
			handshakes->now[i] = NULL;
	}
}
