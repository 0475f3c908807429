/* POST /resources: a new instance. */
#include "api/exchange.h"
#include "api/field.h"
#include "api/handlers.h"
#include "api/wanted.h"

static int read_place(struct exchange *exchange)
{
	struct broker_request *ask = &exchange->ask;
	int rc = field_header(exchange->http, "X-Tsuru-Pool-Name", NAME_TEXT_MAX, &ask->pool, &exchange->error);

	if (rc != 0)
		return rc;
	return field_header(exchange->http, "X-Tsuru-Cluster-Name", NAME_TEXT_MAX, &ask->cluster, &exchange->error);
}

static int read_request(struct exchange *exchange)
{
	struct broker_request *ask = &exchange->ask;
	int rc = wanted_read(exchange);

	if (rc == 0)
		rc = read_place(exchange);
	if (rc != 0)
		return rc;
	ask->instance = http_request_field(exchange->http, "name");
	if (ask->instance == NULL)
		return error_set(&exchange->error, ERR_INVALID, "the field \"name\" is missing: the instance's name");
	if (ask->team == NULL)
		return error_set(&exchange->error, ERR_INVALID,
		                 "the field \"team\" is missing: the team that owns the instance");
	return 0;
}

static void on_created(void *arg, const struct broker_reply *reply)
{
	exchange_finish(arg, reply, 201, NULL);
}

void handle_create(void *arg, struct http_request *http)
{
	struct exchange *exchange = exchange_begin(arg, http);

	if (exchange == NULL)
		return;
	if (read_request(exchange) != 0)
		exchange_refuse(exchange);
	else
		broker_create(exchange->broker, &exchange->ask, on_created, exchange);
}
