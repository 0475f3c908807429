/* GET, PUT and DELETE /resources/{name}: what an instance is, should be, and its end. */
#include "api/exchange.h"
#include "api/handlers.h"
#include "api/wanted.h"

void handle_info(void *arg, struct http_request *http)
{
	exchange_show(arg, http, broker_describe);
}

static void on_updated(void *arg, const struct broker_reply *reply)
{
	exchange_finish(arg, reply, 200, NULL);
}

void handle_update(void *arg, struct http_request *http)
{
	struct exchange *exchange = exchange_begin(arg, http);

	if (exchange == NULL)
		return;
	if (wanted_read(exchange) != 0)
		exchange_refuse(exchange);
	else
		broker_update(exchange->broker, &exchange->ask, on_updated, exchange);
}

static void on_removed(void *arg, const struct broker_reply *reply)
{
	exchange_finish(arg, reply, 200, NULL);
}

void handle_remove(void *arg, struct http_request *http)
{
	struct exchange *exchange = exchange_begin(arg, http);

	if (exchange != NULL)
		broker_remove(exchange->broker, &exchange->ask, on_removed, exchange);
}
