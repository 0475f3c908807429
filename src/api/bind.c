/* Binds and unbinds: their subject and their answer. */
#include "api/bind.h"

#include "api/field.h"

#define ENVIRONMENT_MAX (4 << 20) /* bytes of the answer */

int bind_read_app(struct exchange *exchange)
{
	struct broker_request *ask = &exchange->ask;
	struct error *error = &exchange->error;
	int rc = field_text(exchange->http, "app-name", APP_NAME_MAX, &ask->bind_name, error);

	if (rc == 0 && ask->bind_name == NULL) {
		ask->bind_by_host = true;
		rc = field_text(exchange->http, "app-host", APP_NAME_MAX, &ask->bind_name, error);
	}
	if (rc != 0)
		return rc;
	if (ask->bind_name == NULL)
		return error_set(
		    error, ERR_INVALID,
		    "the fields \"app-name\" and \"app-host\" are missing: one of them says which app is meant");
	ask->bind_kind = BIND_APP;
	ask->parameters = http_request_parameters(exchange->http);
	return 0;
}

void bind_read_job(struct exchange *exchange)
{
	exchange->ask.bind_kind = BIND_JOB;
	exchange->ask.bind_name = http_request_capture(exchange->http, "job");
	exchange->ask.parameters = http_request_parameters(exchange->http);
}

static void print_environment(const struct broker_reply *reply, struct text *json)
{
	text_add(json, "{");
	for (size_t i = 0; i < reply->environment_count; i++) {
		text_add(json, i > 0 ? "," : "");
		text_add_json(json, reply->environment[i].name);
		text_add(json, ":");
		text_add_json(json, reply->environment[i].value);
	}
	text_add(json, "}");
}

void bind_on_bound(void *arg, const struct broker_reply *reply)
{
	struct exchange *exchange = arg;
	struct text json;

	text_init(&json, ENVIRONMENT_MAX);
	print_environment(reply, &json);
	http_reply_header(exchange->http, "Cache-Control", "no-store"); /* there is a password in it */
	if (json.failed) {
		error_no_memory(&exchange->error);
		exchange_refuse(exchange);
	} else {
		exchange_finish(exchange, reply, 201, text_string(&json));
	}
	text_wipe(&json);
}

void bind_on_unbound(void *arg, const struct broker_reply *reply)
{
	exchange_finish(arg, reply, 200, NULL);
}
