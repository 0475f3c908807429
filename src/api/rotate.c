/* POST /resources/{name}/rotate: new passwords for one app or job, or for all; the fields may stand in the query, too.
 */
#include "api/exchange.h"
#include "api/field.h"
#include "api/handlers.h"

static int read_request(struct exchange *exchange)
{
	struct broker_request *ask = &exchange->ask;
	const char *app = NULL, *job = NULL;
	int rc = field_or_query(exchange->http, "app-name", APP_NAME_MAX, &app, &exchange->error);

	if (rc == 0)
		rc = field_or_query(exchange->http, "job-name", APP_NAME_MAX, &job, &exchange->error);
	if (rc != 0)
		return rc;
	if (app != NULL && job != NULL)
		return error_set(&exchange->error, ERR_INVALID,
		                 "\"app-name\" and \"job-name\" are both given; one of them, or none, is allowed");
	if (app != NULL)
		ask->bind_kind = BIND_APP;
	else if (job != NULL)
		ask->bind_kind = BIND_JOB;
	ask->bind_name = app != NULL ? app : job;
	return 0;
}

static void on_rotated(void *arg, const struct broker_reply *reply)
{
	exchange_finish(arg, reply, 202,
	                "{\"message\":\"new passwords are being set; an app has its own once it is bound again\"}");
}

void handle_rotate(void *arg, struct http_request *http)
{
	struct exchange *exchange = exchange_begin(arg, http);

	if (exchange == NULL)
		return;
	if (read_request(exchange) != 0)
		exchange_refuse(exchange);
	else
		broker_rotate(exchange->broker, &exchange->ask, on_rotated, exchange);
}
