/* POST /resources/{name}/actions/{action}: what the service's operator has declared, with `parameters`. */
#include "api/exchange.h"
#include "api/handlers.h"

static void on_accepted(void *arg, const struct broker_reply *reply)
{
	exchange_finish(arg, reply, 202, "{\"message\":\"the action is on its way; the operations say how it ends\"}");
}

void handle_act(void *arg, struct http_request *http)
{
	struct exchange *exchange = exchange_begin(arg, http);

	if (exchange == NULL)
		return;
	exchange->ask.action = http_request_capture(http, "action");
	exchange->ask.parameters = http_request_parameters(http);
	broker_act(exchange->broker, &exchange->ask, on_accepted, exchange);
}
