/* POST and DELETE /resources/{name}/bind: tsuru before 1.18 names a unit's host here; without one the request is an
 * old client's bind or unbind of an app. */
#include "api/bind.h"
#include "api/field.h"
#include "api/handlers.h"

/* Fills exchange->ask.unit when there is a unit. */
static int read_request(struct exchange *exchange)
{
	int rc = field_text(exchange->http, "unit-host", APP_NAME_MAX, &exchange->ask.unit, &exchange->error);

	if (rc != 0 || exchange->ask.unit != NULL)
		return rc;
	return bind_read_app(exchange);
}

static void on_allowed(void *arg, const struct broker_reply *reply)
{
	exchange_finish(arg, reply, 201, NULL);
}

void handle_bind(void *arg, struct http_request *http)
{
	struct exchange *exchange = exchange_begin(arg, http);

	if (exchange == NULL)
		return;
	if (read_request(exchange) != 0)
		exchange_refuse(exchange);
	else if (exchange->ask.unit != NULL)
		broker_allow_unit(exchange->broker, &exchange->ask, on_allowed, exchange);
	else
		broker_bind(exchange->broker, &exchange->ask, bind_on_bound, exchange);
}

static void on_denied(void *arg, const struct broker_reply *reply)
{
	exchange_finish(arg, reply, 200, NULL);
}

void handle_unbind(void *arg, struct http_request *http)
{
	struct exchange *exchange = exchange_begin(arg, http);

	if (exchange == NULL)
		return;
	if (read_request(exchange) != 0)
		exchange_refuse(exchange);
	else if (exchange->ask.unit != NULL)
		broker_deny_unit(exchange->broker, &exchange->ask, on_denied, exchange);
	else
		broker_unbind(exchange->broker, &exchange->ask, bind_on_unbound, exchange);
}
