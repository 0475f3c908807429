/* The beginning and the end that all endpoints share. */
#include "api/exchange.h"

#include "api/caller.h"

#define VIEW_MAX (16 << 20) /* bytes of a view's JSON */

void exchange_refuse(struct exchange *exchange)
{
	http_reply_error(exchange->http, &exchange->error);
}

static void refuse_without_memory(struct http_request *http)
{
	struct error error;

	error_no_memory(&error);
	http_reply_error(http, &error);
}

struct exchange *exchange_begin(void *arg, struct http_request *http)
{
	struct exchange_tools *tools = arg;
	struct exchange *exchange = arena_alloc(http_request_arena(http), sizeof(*exchange));

	if (exchange == NULL) {
		refuse_without_memory(http);
		return NULL;
	}
	exchange->broker = tools->broker;
	exchange->http = http;
	exchange->service = http_request_site(http)->owner;
	exchange->ask.service = exchange->service;
	exchange->ask.instance = http_request_capture(http, "name");
	if (caller_read(http, &tools->ids, &exchange->ask.caller, &exchange->error) != 0) {
		exchange_refuse(exchange);
		return NULL;
	}
	http_request_set_context(http, exchange);
	http_reply_header(http, "X-Request-Id", exchange->ask.caller.request);
	return exchange;
}

void exchange_finish(struct exchange *exchange, const struct broker_reply *reply, int status, const char *json)
{
	if (reply->code != 0) {
		error_set(&exchange->error, reply->code, "%s", reply->text);
		exchange_refuse(exchange);
	} else if (json != NULL) {
		http_reply_json(exchange->http, status, json);
	} else {
		http_reply_empty(exchange->http, status);
	}
}

void exchange_show(void *arg, struct http_request *http, exchange_view *view)
{
	struct exchange *exchange = exchange_begin(arg, http);
	struct text json;

	if (exchange == NULL)
		return;
	text_init(&json, VIEW_MAX);
	if (view(exchange->broker, exchange->service, exchange->ask.instance, &json, &exchange->error) != 0)
		exchange_refuse(exchange);
	else
		http_reply_json(http, 200, text_string(&json));
	text_release(&json);
}
