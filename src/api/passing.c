/* Requests at a broker that stands by: how long each may wait, and what it is answered when nobody has taken it. Nobody
 * waits for long to read, as what this broker knows by itself is better than nothing; a change waits as it does at the
 * active broker. */
#include "api/passing.h"

#include <stdio.h>
#include <string.h>

#include "relay/relay.h"
#include "store/store.h"

#define READ_WAIT  5000  /* ms */
#define WAIT_LEAST 1000  /* ms, also where a service waits for nothing: a connection takes some */
#define MARGIN     10000 /* ms that an answer may take beyond its wait */

static bool is_read(const struct exchange *exchange)
{
	const char *method = http_request_method(exchange->http);

	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static int64_t wait_of(const struct exchange *exchange)
{
	const struct service *service = exchange->service;
	const int64_t wait = exchange->endpoint->environment ? service->bind_wait : service->wait;

	if (is_read(exchange))
		return READ_WAIT;
	return wait > WAIT_LEAST ? wait : WAIT_LEAST;
}

/* Whoever asks may ask again soon. A broker that passed it on reads the header, and holds it. */
static void stand_by(struct exchange *exchange)
{
	http_reply_header(exchange->http, "Retry-After", "1");
	if (http_request_forwarded(exchange->http) != NULL)
		http_reply_header(exchange->http, RELAY_STANDBY_HEADER, "1");
	exchange_refuse(exchange);
}

/* ---- the ends ---- */

static bool show_view(struct exchange *exchange)
{
	const struct store_standing *standing = store_standing(exchange->tools->store);
	char number[24];

	if (!is_read(exchange) || standing->seen_at == 0)
		return false;
	exchange->is_from_view = true;
	exchange->view_age = (timers_clock() / 1000 - standing->seen_at) / 1000;
	snprintf(number, sizeof(number), "%lld", (long long)exchange->view_age);
	http_reply_header(exchange->http, "Age", number);
	return true;
}

static void explain_late(struct exchange *exchange, const struct relay_end *end)
{
	struct error *error = &exchange->error;

	if (end->was_sent)
		error_set(
		    error, ERR_UNAVAILABLE,
		    "the active broker \"%s\" has not answered, and no other has taken over; it may have accepted "
		    "this: repeat it in a moment",
		    end->active);
	else if (end->active != NULL)
		error_set(error, ERR_UNAVAILABLE,
		          "the active broker \"%s\" cannot be reached, and no other has taken over; nothing was done: "
		          "repeat this in a moment",
		          end->active);
	else
		error_set(
		    error, ERR_UNAVAILABLE,
		    "no broker of those that share the store is the active one; nothing was done: repeat this in a "
		    "moment");
}

static void answer_late(struct exchange *exchange, const struct relay_end *end)
{
	if (show_view(exchange)) {
		exchange->serve(exchange);
	} else {
		explain_late(exchange, end);
		stand_by(exchange);
	}
}

static void on_end(void *arg, const struct relay_end *end)
{
	struct exchange *exchange = arg;

	exchange->forwarded_to = arena_text(http_request_arena(exchange->http), end->active);
	switch (end->outcome) {
	case RELAY_ANSWERED:
		http_reply_passed(exchange->http, end->answer);
		break;
	case RELAY_OWN:
		exchange->serve(exchange);
		break;
	case RELAY_LATE:
		exchange->forward_failure = arena_text(http_request_arena(exchange->http), end->error->text);
		answer_late(exchange, end);
		break;
	case RELAY_LEFT:
		error_set(&exchange->error, ERR_UNAVAILABLE, "the client has gone before this was passed on");
		stand_by(exchange);
		break;
	default:
		exchange->error = *end->error;
		exchange_refuse(exchange);
		break;
	}
}

/* ---- the begin ---- */

void passing_begin(struct exchange *exchange, void (*serve)(struct exchange *exchange))
{
	const int64_t wait = wait_of(exchange);
	struct relay_request request = {
	    .http = exchange->http,
	    .id = exchange->ask.caller.repeat,
	    .wait = wait,
	    .is_brief = is_read(exchange),
	    .answer_within = wait + MARGIN,
	};

	if (exchange->tools->relay == NULL || http_request_forwarded(exchange->http) != NULL) {
		stand_by(exchange);
		return;
	}
	exchange->serve = serve;
	if (relay_pass(exchange->tools->relay, &request, on_end, exchange, &exchange->error) != 0)
		exchange_refuse(exchange);
}
