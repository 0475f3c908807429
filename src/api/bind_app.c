/* POST and DELETE /resources/{name}/bind-app. */
#include "api/bind.h"
#include "api/handlers.h"

void handle_bind_app(void *arg, struct http_request *http)
{
	struct exchange *exchange = exchange_begin(arg, http);

	if (exchange == NULL)
		return;
	if (bind_read_app(exchange) != 0)
		exchange_refuse(exchange);
	else
		broker_bind(exchange->broker, &exchange->ask, bind_on_bound, exchange);
}

void handle_unbind_app(void *arg, struct http_request *http)
{
	struct exchange *exchange = exchange_begin(arg, http);

	if (exchange == NULL)
		return;
	if (bind_read_app(exchange) != 0)
		exchange_refuse(exchange);
	else
		broker_unbind(exchange->broker, &exchange->ask, bind_on_unbound, exchange);
}
