/* How requests are read: before evhttp, which never sees a byte that came from outside.
 *
 * The problem. evhttp 2.1 keeps connections, writes replies and does TLS well, but reads leniently: it takes requests
 * with differing lengths, bare line feeds and NUL bytes, and has no limits that hold. A proxy in front that reads the
 * same bytes in another way sees other requests than we do, and that is request smuggling.
 *
 * The idea. A callback on the connection's input runs before evhttp's own. It takes every byte out (take_input), reads
 * head and body strictly and within limits (head.c, chunk.c), and when the request is whole or refused, puts a
 * canonical one there instead. evhttp finds it good and calls connection_on_request, which gives the real one to
 * dispatch.c: the refused go the same way as all others. While one is handled or answered nothing is read, which bounds
 * what a client that does not take its answers can make us hold. A connection is a machine of seven states
 * (connection.h; the table is in connection_move), each with the time-out that runs in it. Strangers, who have shown no
 * password yet, take turns to be looked at (turn.h), their bodies are left where they are until the password is known
 * to be right (begin_body), and where half-sent requests hold too much together, the one that came first goes
 * (heads.h).
 *
 * What was tried. "100 Continue" by evhttp: it wants the body itself then. Bodies of strangers, read before their
 * password was looked at: thousands of them could be sent at once.
 *
 * The limits. It leans on the order of libevent 2.1's callbacks and on some of its insides: a write event that is made
 * active by hand, an input whose end is frozen outside of a read. evhttp's part is still the most of what a small
 * request costs (docs/performance.md). HTTP/1 only, and one request of a connection at a time. */
#include "http/connection.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_struct.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "http/internal.h"
#include "http/listener.h"

#define SMALL_BODY    ((size_t)16384)
#define STRANGER_BODY ((int64_t)4096)

static const char canonical[] = "GET / HTTP/1.1\r\n\r\n";

#define CANONICAL_LENGTH (sizeof(canonical) - 1)

/* Those who come by a socket file are told apart by nothing, those of a proxy by what it says of them. */
bool connection_is_proxied(const struct connection *connection)
{
	const struct http_proxies *proxies = &connection->server->options.proxies;

	return connection->has_address ? network_holds(proxies->networks, proxies->count, &connection->address)
	                               : proxies->sockets && connection->listener->address->path != NULL;
}

/* Ends the connection from within its own read callback: evhttp sees the end of the stream and cleans up. */
static void connection_abort(struct connection *connection)
{
	text_wipe(&connection->held);
	shutdown(bufferevent_getfd(connection->bufferevent), SHUT_RDWR);
}

void connection_start_timer(struct connection *connection, int64_t delay)
{
	if (timer_start(connection->server->options.timers, &connection->timer, delay) < 0)
		connection_abort(connection); /* no wait without a deadline */
}

void connection_count_state(struct connection *connection, enum connection_state state, int delta)
{
	struct http_server *server = connection->server;

	if (state == CONNECTION_WAITING)
		server->waiting += (size_t)delta;
	else if (state >= CONNECTION_HANDLING)
		server->pending += (size_t)delta;
}

static void connection_move(struct connection *connection, enum connection_state state)
{
	static const unsigned allowed[] = {
	    [CONNECTION_IDLE] = 1U << CONNECTION_HEAD | 1U << CONNECTION_BODY | 1U << CONNECTION_READY,
	    [CONNECTION_HEAD] = 1U << CONNECTION_HEAD | 1U << CONNECTION_BODY | 1U << CONNECTION_READY,
	    [CONNECTION_BODY] = 1U << CONNECTION_READY,
	    [CONNECTION_READY] = 1U << CONNECTION_HANDLING,
	    [CONNECTION_HANDLING] = 1U << CONNECTION_WAITING | 1U << CONNECTION_SENDING,
	    [CONNECTION_WAITING] = 1U << CONNECTION_HANDLING,
	    [CONNECTION_SENDING] = 1U << CONNECTION_IDLE,
	};
	const struct http_options *options = &connection->server->options;
	const struct http_limits *limits = &options->limits;
	enum connection_state before = connection->state;

	assert((allowed[before] & 1U << state) != 0);
	connection_count_state(connection, before, -1);
	connection_count_state(connection, state, 1);
	connection->state = state;
	if (state == CONNECTION_READY)
		timer_stop(options->timers, &connection->timer);
	else if (state == CONNECTION_IDLE)
		connection_start_timer(connection, limits->idle_timeout);
	else if (state == CONNECTION_SENDING || before == CONNECTION_IDLE)
		connection_start_timer(connection, limits->request_timeout);
}

/* ---- reading ---- */

/* Sends the request through evhttp, which calls connection_on_request. */
static void finish_reading(struct connection *connection)
{
	connection_move(connection, CONNECTION_READY);
	/* What is left of "100 Continue" goes out with the reply; a write event before it would confuse evhttp. */
	if (connection->request->head.expects_continue)
		bufferevent_disable(connection->bufferevent, EV_WRITE);
	/* Its end is frozen outside of a read; it is empty, so the front is the same. */
	if (evbuffer_prepend(bufferevent_get_input(connection->bufferevent), canonical, CANONICAL_LENGTH) < 0)
		connection_abort(connection);
}

static bool have_request(struct connection *connection)
{
	if (connection->request == NULL)
		connection->request = request_new(connection->server, connection);
	if (connection->request == NULL)
		connection_abort(connection);
	return connection->request != NULL;
}

static void refuse_request(struct connection *connection, const struct refusal *refusal)
{
	if (!have_request(connection))
		return;
	connection->request->refusal = *refusal;
	connection->request->unread = true;
	text_wipe(&connection->held);
	finish_reading(connection);
}

/* Forgets the first length bytes of what is held. */
static void consume(struct connection *connection, size_t length)
{
	struct text *held = &connection->held;

	if (length == held->length) {
		text_wipe(held);
		return;
	}
	memmove(held->bytes, held->bytes + length, held->length - length);
	held->length -= length;
	held->bytes[held->length] = '\0';
}

/* Not through evhttp, which would want the body itself. Its write callback belongs to the request before this one and
 * stays off until the reply sets it anew. */
static void send_continue(struct connection *connection)
{
	static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
	bufferevent_data_cb on_read;
	bufferevent_event_cb on_event;
	void *arg;

	bufferevent_getcb(connection->bufferevent, &on_read, NULL, &on_event, &arg);
	bufferevent_setcb(connection->bufferevent, on_read, NULL, on_event, arg);
	bufferevent_write(connection->bufferevent, line, sizeof(line) - 1);
	bufferevent_enable(connection->bufferevent, EV_WRITE);
}

/* It is answered, or refused, by its head. */
static void leave_body(struct connection *connection)
{
	struct http_request *request = connection->request;

	request->unread = true;
	request->head.close = true;
	text_wipe(&connection->held);
	finish_reading(connection);
}

/* Whoever has no password makes us keep no more than a small body: thousands of them can be connected. */
static void begin_body(struct connection *connection)
{
	struct http_request *request = connection->request;
	int64_t most = connection->server->options.limits.body_bytes;

	if (request->head.content_length > most) {
		refuse_request(connection, &(struct refusal){413, "the request's body is over the limit"});
		return;
	}
	if (!request->head.chunked && request->head.content_length <= 0) {
		finish_reading(connection);
		return;
	}
	if ((request->head.chunked || request->head.content_length > STRANGER_BODY) &&
	    !request->server->may_send(request)) {
		leave_body(connection);
		return;
	}
	connection->body_left = request->head.content_length;
	chunk_init(&connection->chunks, most);
	connection_move(connection, CONNECTION_BODY);
	if (request->head.expects_continue && connection->held.length == 0)
		send_continue(connection);
}

static void take_head(struct connection *connection, size_t length)
{
	struct refusal refusal = {0};

	if (!have_request(connection))
		return;
	struct http_request *request = connection->request;
	char *bytes = arena_bytes(&request->arena, connection->held.bytes, length);
	if (bytes == NULL) {
		connection_abort(connection);
		return;
	}
	int rc = head_parse(bytes, length, connection->scan.lines, &request->arena, &request->head, &refusal);
	consume(connection, length);
	connection->scan = (struct head_scan){0};
	request->head_length = length;
	if (rc == 0)
		rc = request->server->on_head(request, &refusal);
	if (rc < 0)
		refuse_request(connection, &refusal);
	else
		begin_body(connection);
}

static void read_head(struct connection *connection)
{
	struct refusal refusal = {0};
	size_t most = (size_t)connection->server->options.limits.header_bytes;
	size_t seen = connection->held.length;

	if (seen > most)
		seen = most;
	long length = head_scan(&connection->scan, connection->held.bytes, seen, &refusal);
	if (length == 0 && seen == most)
		length = refuse(&refusal, 431, "the request's head is over the limit");
	if (length < 0)
		refuse_request(connection, &refusal);
	else if (length > 0)
		take_head(connection, (size_t)length);
	else
		connection_move(connection, CONNECTION_HEAD);
}

static long read_counted(struct connection *connection)
{
	struct text *held = &connection->held;
	size_t size = (int64_t)held->length < connection->body_left ? held->length : (size_t)connection->body_left;

	text_add_bytes(&connection->request->content, held->bytes, size);
	connection->body_left -= (int64_t)size;
	return (long)size;
}

/* Takes note of what the body has grown by. Small bodies are taken in any case: they are what tsuru sends. */
static bool is_over_total(struct http_request *request, size_t before)
{
	struct http_server *server = request->server;
	const int64_t most = server->options.limits.body_bytes_total;

	server->body_bytes += (int64_t)(request->content.length - before);
	request->counted = request->content.length;
	return most > 0 && server->body_bytes > most && request->content.length > SMALL_BODY;
}

static void read_body(struct connection *connection)
{
	struct http_request *request = connection->request;
	struct text *held = &connection->held;
	struct refusal refusal = {0};
	const size_t before = request->content.length;
	bool chunked = request->head.chunked;

	long used = chunked ? chunk_read(&connection->chunks, held->bytes, held->length, &request->content, &refusal)
	                    : read_counted(connection);
	if (request->content.failed)
		used = refuse(&refusal, 503, "memory is short");
	if (used >= 0 && is_over_total(request, before))
		used = refuse(&refusal, 503, "too much is being sent at once; try again");
	if (used < 0) {
		refuse_request(connection, &refusal);
		return;
	}
	consume(connection, (size_t)used);
	if (chunked ? connection->chunks.state == CHUNK_DONE : connection->body_left == 0)
		finish_reading(connection);
}

/* Those who have to go are answered 408 by their timer. */
static void note_heads(struct connection *connection)
{
	struct heads *heads = &connection->server->heads;
	const bool whole = connection->state != CONNECTION_HEAD && connection->state != CONNECTION_BODY;
	const size_t head = connection->request != NULL ? connection->request->head_length : 0;
	struct connection *surplus;

	heads_note(heads, &connection->heads, whole ? 0 : connection->held.length + head);
	while ((surplus = heads_surplus(heads, &connection->heads)) != NULL)
		connection_start_timer(surplus, 0);
}

static void look(struct connection *connection)
{
	if (connection->state <= CONNECTION_HEAD && connection->held.length > 0)
		read_head(connection);
	if (connection->state == CONNECTION_BODY && connection->held.length > 0)
		read_body(connection);
	note_heads(connection);
}

static bool may_look(struct connection *connection)
{
	if (connection->state > CONNECTION_BODY || connection->held.length == 0)
		return true; /* there is nothing to be seen */
	return turn_take(&connection->server->turns, &connection->turn, &connection->place);
}

/* Of one that has to wait for its turn, no more is read until then. */
static void connection_read(struct connection *connection)
{
	if (may_look(connection))
		look(connection);
	else
		bufferevent_disable(connection->bufferevent, EV_READ);
}

/* Has evhttp see, outside of a read, that a request is there for it. It may end the connection. */
static void present(struct connection *connection)
{
	bufferevent_trigger(connection->bufferevent, EV_READ, BEV_TRIG_IGNORE_WATERMARKS);
}

void connection_go_on(struct connection *connection)
{
	if (connection->state > CONNECTION_BODY)
		return; /* its time was over meanwhile */
	bufferevent_enable(connection->bufferevent, EV_READ);
	look(connection);
	if (connection->state == CONNECTION_READY)
		present(connection);
}

/* Takes what is in the input over into held. */
static int take_input(struct connection *connection, struct evbuffer *input)
{
	size_t length = evbuffer_get_length(input);
	unsigned char *bytes = evbuffer_pullup(input, -1);

	if (bytes == NULL)
		return -1;
	connection->held.limit = (size_t)connection->server->options.limits.header_bytes + 2 * READ_MAX;
	text_add_bytes(&connection->held, bytes, length);
	evbuffer_drain(input, length);
	return connection->held.failed ? -1 : 0;
}

/* Runs when bytes arrived, before evhttp is told. */
void connection_on_input(struct evbuffer *input, const struct evbuffer_cb_info *change, void *arg)
{
	struct connection *connection = arg;
	bool waiting = connection->state == CONNECTION_READY;

	if (change->n_added == 0 || (waiting && evbuffer_get_length(input) == CANONICAL_LENGTH))
		return; /* our own doing */
	/* A pipelined request waits in the input, and more came in behind it. */
	if (waiting)
		evbuffer_drain(input, CANONICAL_LENGTH);
	if (take_input(connection, input) < 0) {
		connection_abort(connection);
		return;
	}
	if (waiting && evbuffer_prepend(input, canonical, CANONICAL_LENGTH) < 0)
		connection_abort(connection);
	connection_read(connection);
}

/* ---- its turns ---- */

void connection_on_timer(void *arg)
{
	struct connection *connection = arg;

	if (connection->state == CONNECTION_WAITING) {
		connection_move(connection, CONNECTION_HANDLING);
		connection->server->on_resume(connection->request);
	} else if (!turn_spare(&connection->server->turns, &connection->place)) {
		connection_start_timer(connection, TURN_AGAIN);
	} else if (connection->state == CONNECTION_HEAD || connection->state == CONNECTION_BODY) {
		refuse_request(connection, &(struct refusal){408, "the request did not arrive in time"});
		present(connection);
	} else {
		evhttp_connection_free(connection->ev);
	}
}

/* The reply is with the kernel; evhttp then closes the connection or reads on. */
static void on_complete(struct evhttp_request *ev, void *arg)
{
	struct connection *connection = arg;
	struct http_server *server = connection->server;
	struct http_request *request = connection->request;
	bool closing = request->head.close;

	(void)ev;
	if (request->unread)
		linger_start(&server->lingering, connection->descriptor);
	connection->request = NULL;
	request_free(request);
	connection_move(connection, CONNECTION_IDLE);
	if (!closing)
		connection_read(connection);
}

void connection_wait(struct connection *connection, int64_t delay_ms)
{
	connection_move(connection, CONNECTION_WAITING);
	connection_start_timer(connection, delay_ms);
}

void connection_on_request(struct evhttp_request *ev, void *arg)
{
	struct http_server *server = arg;
	struct bufferevent *bufferevent = evhttp_connection_get_bufferevent(evhttp_request_get_connection(ev));
	size_t descriptor = (size_t)bufferevent_getfd(bufferevent);
	struct connection *connection =
	    descriptor < server->by_descriptor_count ? server->by_descriptor[descriptor] : NULL;

	/* Without memory for ours, evhttp made a connection that nobody guards. */
	if (connection == NULL || connection->state != CONNECTION_READY) {
		evhttp_add_header(evhttp_request_get_output_headers(ev), "Connection", "close");
		evhttp_send_error(ev, HTTP_SERVUNAVAIL, NULL);
		return;
	}
	connection->request->ev = ev;
	evhttp_request_set_on_complete_cb(ev, on_complete, connection);
	connection_move(connection, CONNECTION_HANDLING);
	server->on_request(connection->request);
}

void connection_reply_started(struct connection *connection)
{
	connection_move(connection, CONNECTION_SENDING);
	/* A client that closes its side early still gets the whole reply. */
	bufferevent_disable(connection->bufferevent, EV_READ);
	/* Writes in this turn of the loop instead of the next. */
	event_active(&connection->bufferevent->ev_write, EV_WRITE, 0);
}
