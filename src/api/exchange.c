/* What all endpoints share: a request is begun, read, asked for and answered as the row of its route says. Where this
 * broker stands by, it is passed on to the active one instead (passing.c), from its begin, or once what it had asked
 * for has come to nothing, as this broker is not the active one any more. */
#include "api/exchange.h"

#include "api/caller.h"
#include "api/passing.h"

#define VIEW_MAX        (16 << 20) /* bytes of a view's JSON */
#define ENVIRONMENT_MAX (4 << 20)  /* bytes of what a bind gives */

/* ---- replies: each ends the exchange ---- */

void exchange_refuse(struct exchange *exchange)
{
	http_reply_error(exchange->http, &exchange->error);
}

void exchange_show(struct exchange *exchange, const struct text *json)
{
	if (json->failed) {
		error_no_memory(&exchange->error);
		exchange_refuse(exchange);
	} else {
		http_reply_json(exchange->http, 200, text_string(json));
	}
}

static void finish(struct exchange *exchange, const struct broker_reply *reply, const char *json)
{
	const int status = exchange->endpoint->status;

	if (reply->code != 0) {
		error_set(&exchange->error, reply->code, "%s", reply->text);
		exchange_refuse(exchange);
	} else if (json != NULL) {
		http_reply_json(exchange->http, status, json);
	} else {
		http_reply_empty(exchange->http, status);
	}
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

static void finish_bind(struct exchange *exchange, const struct broker_reply *reply)
{
	struct text json;

	text_init(&json, ENVIRONMENT_MAX);
	print_environment(reply, &json);
	http_reply_header(exchange->http, "Cache-Control", "no-store"); /* there is a password in it */
	if (json.failed) {
		error_no_memory(&exchange->error);
		exchange_refuse(exchange);
	} else {
		finish(exchange, reply, text_string(&json));
	}
	text_wipe(&json);
}

/* ---- from the row to the reply ---- */

static bool has_begun(struct exchange *exchange)
{
	return broker_has_begun(exchange->tools->broker, &exchange->error) == 0;
}

static void on_done(void *arg, const struct broker_reply *reply)
{
	struct exchange *exchange = arg;

	if (passing_has_stepped_down(&exchange->tools->standby, has_begun(exchange), reply->code)) {
		error_set(&exchange->error, reply->code, "%s", reply->text);
		exchange_pass_on(exchange);
	} else if (exchange->endpoint->environment && exchange->ask.unit == NULL)
		finish_bind(exchange, reply);
	else
		finish(exchange, reply, exchange->endpoint->json);
}

static void ask(struct exchange *exchange)
{
	const struct endpoint *endpoint = exchange->endpoint;
	const struct asked *what = exchange->ask.unit != NULL ? endpoint->ask_for_unit : endpoint->ask;

	requests_ask(broker_requests(exchange->tools->broker), what, &exchange->ask, on_done, exchange);
}

static void view(struct exchange *exchange)
{
	struct text json;

	text_init(&json, VIEW_MAX);
	if (exchange->endpoint->view(broker_view(exchange->tools->broker), exchange->service, exchange->ask.instance,
	                             &json, &exchange->error) != 0)
		exchange_refuse(exchange);
	else
		exchange_show(exchange, &json);
	text_release(&json);
}

/* Where brokers share a store, each request has an id of its own, as another one may have to go on with it: clients may
 * send one of theirs with several. */
static int give_id(struct exchange *exchange)
{
	struct caller *caller = &exchange->ask.caller;
	char made[SECRET_ID_LENGTH + 1];

	if (exchange->tools->standby.relay == NULL || caller->repeat != NULL)
		return 0;
	secret_ids_next(&exchange->tools->ids, made);
	caller->repeat = caller_request_id(exchange->http) != NULL
	                     ? arena_text(http_request_arena(exchange->http), made)
	                     : caller->request;
	return caller->repeat != NULL ? 0 : error_no_memory(&exchange->error);
}

static void serve(void *arg);

/* NULL: it was replied to already. */
static struct exchange *begin(struct exchange_tools *tools, struct http_request *http)
{
	struct exchange *exchange = arena_alloc(http_request_arena(http), sizeof(*exchange));
	struct error error;

	if (exchange == NULL) {
		error_no_memory(&error);
		http_reply_error(http, &error);
		return NULL;
	}
	exchange->tools = tools;
	exchange->http = http;
	exchange->endpoint = http_request_serves(http);
	exchange->service = http_request_site(http)->owner;
	exchange->passing = (struct passing){
	    .standby = &tools->standby, .http = http, .error = &exchange->error, .serve = serve, .arg = exchange};
	exchange->ask.service = exchange->service;
	exchange->ask.instance = http_request_capture(http, "name");
	if (caller_read(http, &tools->ids, &exchange->ask.caller, &exchange->error) != 0 || give_id(exchange) != 0) {
		exchange_refuse(exchange);
		return NULL;
	}
	http_request_set_context(http, exchange);
	http_reply_header(http, "X-Request-Id", exchange->ask.caller.request);
	return exchange;
}

static void serve(void *arg)
{
	struct exchange *exchange = arg;
	const struct endpoint *endpoint = exchange->endpoint;

	if (!exchange->passing.is_from_view && !has_begun(exchange))
		exchange_pass_on(exchange);
	else if (endpoint->bodiless != NULL && !http_request_has_body(exchange->http))
		endpoint->bodiless(exchange);
	else if (endpoint->read != NULL && endpoint->read(exchange) != 0)
		exchange_refuse(exchange);
	else if (endpoint->ask != NULL)
		ask(exchange);
	else if (endpoint->view != NULL)
		view(exchange);
	else
		endpoint->answer(exchange);
}

void exchange_serve(void *arg, struct http_request *http)
{
	struct exchange *exchange = begin(arg, http);

	if (exchange != NULL)
		serve(exchange);
}
