/* Commands of the services' own, passed through by tsuru: the binds, the history of operations, and another try. */
#include "api/exchange.h"
#include "api/handlers.h"

void handle_binds(void *arg, struct http_request *http)
{
	exchange_show(arg, http, broker_list_binds);
}

void handle_operations(void *arg, struct http_request *http)
{
	exchange_show(arg, http, broker_list_operations);
}

static void on_retried(void *arg, const struct broker_reply *reply)
{
	exchange_finish(arg, reply, 202, "{\"message\":\"what waits or has failed is being tried again\"}");
}

void handle_retry(void *arg, struct http_request *http)
{
	struct exchange *exchange = exchange_begin(arg, http);

	if (exchange != NULL)
		broker_retry(exchange->broker, &exchange->ask, on_retried, exchange);
}
