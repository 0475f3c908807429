/* What the state that is known of an instance answers, at once: GET /resources/{name}/status, from whose code tsuru
 * reads it, and a text only from a 200; and a PUT that asks for nothing.
 *
 * tsuru has a code for what is down, 500, and drops what comes with it: its user reads that the instance is down, and
 * not why. So down is a text, as long as the service's configuration does not want the code, for whoever looks at it
 * alone. */
#include "api/handlers.h"

#include <stdio.h>

#include "base/text.h"

static void reply_text(struct exchange *exchange, const char *begin, const char *words)
{
	char text[ERROR_TEXT_MAX + sizeof("down: ")];

	snprintf(text, sizeof(text), "%s%s", begin, words);
	text_clean(text);
	http_reply_text(exchange->http, 200, text);
}

static void reply_down(struct exchange *exchange, const char *reason)
{
	if (exchange->service->status_code == 200) {
		reply_text(exchange, "down: ", reason);
		return;
	}
	error_set(&exchange->error, ERR_INTERNAL, "%s", reason);
	exchange_refuse(exchange);
}

static void reply_status(struct exchange *exchange, const struct status *status)
{
	switch (status->kind) {
	case STATUS_UP:
		http_reply_empty(exchange->http, 204);
		break;
	case STATUS_PENDING:
		http_reply_empty(exchange->http, 202);
		break;
	case STATUS_TEXT:
		reply_text(exchange, "", status->text);
		break;
	case STATUS_DOWN:
		reply_down(exchange, status->text);
		break;
	}
}

static int look(struct exchange *exchange, struct status *ret_status)
{
	return view_status(broker_view(exchange->tools->broker), exchange->service, exchange->ask.instance, ret_status,
	                   &exchange->error);
}

void answer_status(struct exchange *exchange)
{
	struct status status;

	if (look(exchange, &status) != 0)
		exchange_refuse(exchange);
	else
		reply_status(exchange, &status);
}

void answer_unchanged(struct exchange *exchange)
{
	struct status status;

	if (look(exchange, &status) != 0)
		exchange_refuse(exchange);
	else
		http_reply_empty(exchange->http, 200);
}
