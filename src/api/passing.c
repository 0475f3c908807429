/* How long requests of tsuru's may wait: a change does so as it does at the active broker. */
#include "api/passing.h"

#include "relay/passing.h"

#define WAIT_LEAST 1000 /* ms, also where a service waits for nothing: a connection takes some */

static int64_t wait_of(const struct exchange *exchange)
{
	const struct service *service = exchange->service;
	const int64_t wait = exchange->endpoint->environment ? service->bind_wait : service->wait;

	return wait > WAIT_LEAST ? wait : WAIT_LEAST;
}

void exchange_pass_on(struct exchange *exchange)
{
	const int64_t wait = wait_of(exchange);
	const struct passing_terms terms = {.wait = wait, .answer_within = wait + PASSING_MARGIN};

	passing_begin(&exchange->passing, exchange->ask.caller.repeat, &terms);
}
