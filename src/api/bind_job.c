/* PUT and DELETE /resources/{name}/binds/jobs/{job}. */
#include "api/bind.h"
#include "api/handlers.h"

void handle_bind_job(void *arg, struct http_request *http)
{
	struct exchange *exchange = exchange_begin(arg, http);

	if (exchange == NULL)
		return;
	bind_read_job(exchange);
	broker_bind(exchange->broker, &exchange->ask, bind_on_bound, exchange);
}

void handle_unbind_job(void *arg, struct http_request *http)
{
	struct exchange *exchange = exchange_begin(arg, http);

	if (exchange == NULL)
		return;
	bind_read_job(exchange);
	broker_unbind(exchange->broker, &exchange->ask, bind_on_unbound, exchange);
}
