/* GET /resources/{name}/status: tsuru reads the state from the code, and a text only from a 200. */
#include "api/handlers.h"

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
		http_reply_text(exchange->http, 200, status->text);
		break;
	case STATUS_DOWN:
		error_set(&exchange->error, ERR_INTERNAL, "%s", status->text);
		exchange_refuse(exchange);
		break;
	}
}

void answer_status(struct exchange *exchange)
{
	struct status status;

	if (view_status(broker_view(exchange->broker), exchange->service, exchange->ask.instance, &status,
	                &exchange->error) != 0)
		exchange_refuse(exchange);
	else
		reply_status(exchange, &status);
}
