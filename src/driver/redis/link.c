/* libevent carries the bytes, plain or through OpenSSL; hiredis reads the answers. All of libevent's callbacks are
 * deferred, so nothing here runs inside a call that began it. */
#include "link.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <string.h>

#include "driver/resolver.h"
#include "reply.h"
#include "stream.h"

#define ADDRESS_MAX 64
#define CLIENT_NAME "tsuru-broker"

enum link_state {
	LINK_RESOLVING,  /* the host's name is looked up */
	LINK_CONNECTING, /* one address is tried, up to the end of the TLS handshake */
	LINK_GREETING,   /* the answer to HELLO is awaited */
	LINK_IDLE,       /* a batch may be sent */
	LINK_ASKING,     /* a batch's answers are awaited */
	LINK_BROKEN,     /* no address worked, or the connection was lost */
};

struct link {
	const struct driver_context *context;
	const struct redis_login *login;
	char *host, *port;
	enum link_state state;
	struct resolution *resolution;
	char addresses[RESOLVER_ADDRESSES][ADDRESS_MAX];
	size_t address, address_count;
	struct timer timer; /* the limit of one address */
	struct bufferevent *stream;
	struct reply_reader reader;

	redisReply **replies;
	size_t reply_count, expected;
	size_t received; /* bytes of this answer */

	link_opened *on_opened;
	link_answered *on_answered;
	link_died *on_died;
	void *arg;
	struct error error; /* the last address's, or the batch's */
};

static void try_address(struct link *link);

static void drop_replies(struct link *link)
{
	for (size_t i = 0; i < link->reply_count; i++)
		freeReplyObject(link->replies[i]);
	free(link->replies);
	link->replies = NULL;
	link->reply_count = link->expected = link->received = 0;
}

static void drop_stream(struct link *link)
{
	if (link->stream != NULL)
		bufferevent_free(link->stream);
	link->stream = NULL;
	reply_reader_close(&link->reader);
	drop_replies(link);
}

/* ---- opening ---- */

/* The callback may close the link. */
static void end_opening(struct link *link, int code)
{
	const struct error error = link->error;

	timer_stop(link->context->timers, &link->timer);
	link->state = code == 0 ? LINK_IDLE : LINK_BROKEN;
	if (code != 0)
		drop_stream(link);
	link->on_opened(link->arg, code, &error);
}

static void try_next_address(struct link *link)
{
	timer_stop(link->context->timers, &link->timer);
	drop_stream(link);
	link->address++;
	try_address(link);
}

static void add_greeting(const struct link *link, struct redis_batch *batch)
{
	batch_word(batch, "HELLO");
	batch_word(batch, "2");
	if (link->login->password != NULL) {
		batch_word(batch, "AUTH");
		batch_word(batch, link->login->user != NULL ? link->login->user : "default");
		batch_word(batch, link->login->password);
	}
	batch_word(batch, "SETNAME");
	batch_word(batch, CLIENT_NAME);
	batch_end(batch);
}

static int send_batch(struct link *link, const struct redis_batch *batch)
{
	if (batch->failed || batch->count == 0)
		return ERR_NO_MEMORY;
	link->replies = calloc(batch->count, sizeof(redisReply *));
	if (link->replies == NULL || bufferevent_write(link->stream, batch->bytes.bytes, batch->bytes.length) != 0)
		return ERR_NO_MEMORY;
	link->expected = batch->count;
	link->reader.room = REPLY_ELEMENTS_MAX;
	return 0;
}

static void greet(struct link *link)
{
	struct redis_batch batch;
	int rc;

	batch_init(&batch);
	add_greeting(link, &batch);
	rc = send_batch(link, &batch);
	batch_release(&batch);
	link->state = LINK_GREETING;
	if (rc != 0)
		end_opening(link, error_no_memory(&link->error));
}

/* Every server of a name greets alike: when one refuses, no other address is tried. */
static void on_greeted(struct link *link)
{
	const int rc = reply_check_greeting(link->replies[0], &link->error);

	drop_replies(link);
	end_opening(link, rc);
}

/* ---- answers ---- */

/* Ends the batch; the callback may close the link. */
static void end_asking(struct link *link, int code)
{
	redisReply **replies = link->replies;
	const size_t count = link->reply_count;
	const struct error error = link->error;

	link->replies = NULL;
	link->reply_count = 0;
	drop_replies(link);
	link->state = code == 0 ? LINK_IDLE : LINK_BROKEN;
	if (code != 0)
		drop_stream(link);
	link->on_answered(link->arg, code, &error, code == 0 ? replies : NULL, code == 0 ? count : 0);
	for (size_t i = 0; i < count; i++)
		freeReplyObject(replies[i]);
	free(replies);
}

/* link->error says why. */
static void break_link(struct link *link)
{
	switch (link->state) {
	case LINK_CONNECTING:
		try_next_address(link);
		return;
	case LINK_GREETING:
		end_opening(link, link->error.code);
		return;
	case LINK_ASKING:
		end_asking(link, link->error.code);
		return;
	default:
		link->state = LINK_BROKEN;
		drop_stream(link);
		if (link->on_died != NULL)
			link->on_died(link->arg);
	}
}

/* Takes what is complete. */
static int take_replies(struct link *link)
{
	redisReply *reply = NULL;

	while (link->reply_count < link->expected) {
		if (reply_reader_take(&link->reader, &reply, &link->error) != 0)
			return link->error.code;
		if (reply == NULL)
			return 0;
		link->replies[link->reply_count++] = reply;
	}
	if (link->reader.redis->pos < link->reader.redis->len)
		return error_set(&link->error, ERR_UNAVAILABLE, "it answers more than it was asked");
	return 0;
}

static int feed(struct link *link)
{
	struct evbuffer *input = bufferevent_get_input(link->stream);
	size_t length;

	while ((length = evbuffer_get_contiguous_space(input)) > 0) {
		link->received += length;
		if (link->received > LINK_ANSWER_MAX)
			return error_set(&link->error, ERR_REFUSED, "its answer is longer than %d bytes",
			                 LINK_ANSWER_MAX);
		if (redisReaderFeed(link->reader.redis, (const char *)evbuffer_pullup(input, (ev_ssize_t)length),
		                    length) != REDIS_OK)
			return error_no_memory(&link->error);
		evbuffer_drain(input, length);
	}
	return take_replies(link);
}

static void on_read(struct bufferevent *stream, void *arg)
{
	struct link *link = arg;

	(void)stream;
	error_clear(&link->error);
	if (link->state != LINK_GREETING && link->state != LINK_ASKING)
		error_set(&link->error, ERR_UNAVAILABLE, "it speaks without being asked");
	else
		feed(link);
	if (link->error.code != 0)
		break_link(link);
	else if (link->reply_count == link->expected && link->state == LINK_GREETING)
		on_greeted(link);
	else if (link->reply_count == link->expected)
		end_asking(link, 0);
}

static void on_event(struct bufferevent *stream, short what, void *arg)
{
	struct link *link = arg;

	(void)stream;
	if (what & BEV_EVENT_CONNECTED) {
		greet(link);
		return;
	}
	if (link->error.code == 0)
		redis_stream_explain(link->stream, link->login, what, &link->error);
	break_link(link);
}

/* ---- connecting ---- */

static int connect_stream(struct link *link)
{
	const char *address = link->addresses[link->address];

	link->stream = redis_stream_new(link->context->base, link->login, link->host);
	if (!reply_reader_open(&link->reader) || link->stream == NULL)
		return error_no_memory(&link->error);
	bufferevent_setcb(link->stream, on_read, NULL, on_event, link);
	if (redis_stream_connect(link->stream, address, link->port))
		return 0;
	return error_set(&link->error, ERR_UNAVAILABLE, "the system cannot connect to the address \"%s\"", address);
}

static void try_address(struct link *link)
{
	for (; link->address < link->address_count; link->address++) {
		link->state = LINK_CONNECTING;
		if (connect_stream(link) != 0) {
			drop_stream(link);
			continue;
		}
		error_clear(&link->error);
		if (timer_start(link->context->timers, &link->timer, link->login->connect_timeout) != 0)
			end_opening(link, error_no_memory(&link->error));
		return;
	}
	end_opening(link, link->error.code);
}

static void on_timer(void *arg)
{
	struct link *link = arg;

	error_set(&link->error, ERR_UNAVAILABLE, "no connection within %lld ms",
	          (long long)link->login->connect_timeout);
	break_link(link);
}

static void on_addresses(void *arg, int code, const struct error *error, const char *const *addresses, size_t count)
{
	struct link *link = arg;

	link->resolution = NULL;
	if (code != 0)
		link->error = *error;
	else
		error_set(&link->error, ERR_UNAVAILABLE, "the host \"%s\" has no address", link->host);
	for (size_t i = 0; code == 0 && i < count && i < RESOLVER_ADDRESSES; i++)
		if (strlen(addresses[i]) < ADDRESS_MAX)
			strcpy(link->addresses[link->address_count++], addresses[i]);
	try_address(link);
}

struct link *link_open(const struct driver_context *context, const struct redis_login *login, const char *host,
                       const char *port, link_opened *on_opened, void *arg)
{
	struct link *link = calloc(1, sizeof(*link));

	if (link == NULL)
		return NULL;
	link->context = context;
	link->login = login;
	link->state = LINK_RESOLVING;
	link->on_opened = on_opened;
	link->arg = arg;
	timer_init(&link->timer, on_timer, link);
	link->host = strdup(host);
	link->port = strdup(port);
	if (link->host != NULL && link->port != NULL)
		link->resolution = resolver_start(context->resolver, host, on_addresses, link);
	if (link->resolution != NULL)
		return link;
	link_close(link);
	return NULL;
}

void link_close(struct link *link)
{
	if (link == NULL)
		return;
	timer_stop(link->context->timers, &link->timer);
	resolver_cancel(link->resolution);
	drop_stream(link);
	free(link->host);
	free(link->port);
	free(link);
}

/* ---- use ---- */

/* A batch that cannot be sent is told of from the loop, too. */
void link_ask(struct link *link, const struct redis_batch *batch, link_answered *on_answered, void *arg)
{
	assert(link->state == LINK_IDLE);
	link->on_died = NULL;
	link->on_answered = on_answered;
	link->arg = arg;
	link->state = LINK_ASKING;
	error_clear(&link->error);
	if (send_batch(link, batch) == 0)
		return;
	error_no_memory(&link->error);
	bufferevent_trigger_event(link->stream, BEV_EVENT_ERROR, BEV_TRIG_DEFER_CALLBACKS);
}

bool link_is_idle(const struct link *link)
{
	return link->state == LINK_IDLE;
}

void link_watch(struct link *link, link_died *on_died, void *arg)
{
	link->on_died = on_died;
	link->arg = arg;
}

bool link_is_to(const struct link *link, const char *host, const char *port)
{
	return strcmp(link->host, host) == 0 && strcmp(link->port, port) == 0;
}
