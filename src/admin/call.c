/* What the operators' endpoints share: a call is begun, read, asked for and answered as the row of its route says. */
#include <string.h>

#include "admin/internal.h"

#define OPERATOR_MAX  255 /* bytes */
#define LIMIT_DEFAULT 100 /* items of a page */

/* Who operates is what the client says: whoever has the credentials may say so. It is for the audit. */
static const char *read_operator(const struct http_request *http)
{
	const char *given = http_request_header(http, "X-Operator");

	if (given != NULL && given[0] != '\0' && strlen(given) <= OPERATOR_MAX && text_is_clean(given, strlen(given)))
		return given;
	return http_request_site(http)->username != NULL ? http_request_site(http)->username : "socket";
}

static void serve(void *arg);

/* The id of a call that another broker has passed on is that broker's, so that its copies are known, and both logs have
 * one. */
static const char *give_id(struct admin_server *admin, struct http_request *http)
{
	const struct http_forwarded *forwarded = http_request_forwarded(http);
	char made[SECRET_ID_LENGTH + 1];

	if (forwarded != NULL)
		return forwarded->id;
	secret_ids_next(&admin->ids, made);
	return arena_text(http_request_arena(http), made);
}

/* NULL: it was replied to already. */
static struct admin_call *begin(struct admin_server *admin, struct http_request *http)
{
	struct admin_call *call = arena_alloc(http_request_arena(http), sizeof(*call));
	const char *id = give_id(admin, http);
	struct error error;

	if (call == NULL || id == NULL) {
		error_no_memory(&error);
		http_reply_error(http, &error);
		return NULL;
	}
	call->admin = admin;
	call->http = http;
	call->endpoint = http_request_serves(http);
	call->ask.caller = (struct caller){.user = read_operator(http), .request = id};
	if (admin->standby.relay != NULL)
		call->ask.caller.repeat = id;
	call->passing = (struct passing){.standby = &admin->standby,
	                                 .http = http,
	                                 .error = &call->error,
	                                 .serve = serve,
	                                 .arg = call,
	                                 .has_no_view = call->endpoint->is_of_active};
	http_request_set_context(http, call);
	return call;
}

void call_refuse(struct admin_call *call)
{
	http_reply_error(call->http, &call->error);
}

static bool has_begun(struct admin_call *call)
{
	return broker_has_begun(call->admin->options.broker, &call->error) == 0;
}

bool call_has_failed(struct admin_call *call, int code, const char *text)
{
	bool is_passed;

	if (code == 0)
		return false;
	is_passed = passing_has_stepped_down(&call->admin->standby, has_begun(call), code);
	error_set(&call->error, code, "%s", text);
	if (is_passed)
		call_pass_on(call);
	else
		call_refuse(call);
	return true;
}

/* ---- replies ---- */

static int status_of(const struct admin_endpoint *endpoint)
{
	return endpoint->status != 0 ? endpoint->status : 200;
}

static void answer_end(struct admin_call *call, int status)
{
	http_reply_json(call->http, status, status == 202 ? "{\"pending\":true}" : "{\"done\":true}");
}

void call_answer_done(struct admin_call *call)
{
	answer_end(call, 200);
}

static void on_done(void *arg, const struct broker_reply *reply)
{
	struct admin_call *call = arg;

	if (!call_has_failed(call, reply->code, reply->text))
		answer_end(call, reply->pending ? 202 : 200);
}

/* ---- views ---- */

static int read_filter(struct admin_call *call, struct list_filter *ret_filter)
{
	const struct http_request *http = call->http;
	const char *limit = http_request_query(http, "limit");
	int64_t count = LIMIT_DEFAULT;

	if (limit != NULL && (text_parse_number(limit, &count) != 0 || count < 1 || count > LIST_LIMIT_MAX))
		return error_set(&call->error, ERR_INVALID, "\"limit\" is \"%.100s\"; allowed is 1 to %d", limit,
		                 LIST_LIMIT_MAX);
	*ret_filter = (struct list_filter){
	    .service = http_request_query(http, "service"),
	    .name = http_request_query(http, "name"),
	    .team = http_request_query(http, "team"),
	    .state = http_request_query(http, "state"),
	    .server = http_request_query(http, "server"),
	    .after = http_request_query(http, "after"),
	    .limit = (size_t)count,
	};
	return 0;
}

static int print_list(struct admin_call *call, admin_list *list, struct text *json)
{
	struct list_filter filter;
	int rc = read_filter(call, &filter);

	return rc != 0 ? rc : list(broker_view(call->admin->options.broker), &filter, json, &call->error);
}

static int print(struct admin_call *call, const struct admin_endpoint *endpoint, struct text *json)
{
	const struct view *view = broker_view(call->admin->options.broker);
	int rc;

	if (endpoint->view != NULL)
		rc = endpoint->view(view, json, &call->error);
	else if (endpoint->list != NULL)
		rc = print_list(call, endpoint->list, json);
	else
		rc = endpoint->item(view, http_request_capture(call->http, "id"), json, &call->error);
	return rc == 0 && json->failed ? error_no_memory(&call->error) : rc;
}

static void answer_view(struct admin_call *call, const struct admin_endpoint *endpoint)
{
	struct text json;

	text_init(&json, ANSWER_MAX);
	if (print(call, endpoint, &json) != 0)
		call_refuse(call);
	else
		http_reply_json(call->http, status_of(endpoint), text_string(&json));
	text_release(&json);
}

/* ---- from the row to the reply ---- */

/* One that shares no store has nobody to pass it on to. */
static bool is_for_another(struct admin_call *call)
{
	if (call->endpoint->is_own || call->passing.is_from_view || has_begun(call))
		return false;
	return call->admin->standby.relay != NULL || !passing_is_read(call->http);
}

static void serve(void *arg)
{
	struct admin_call *call = arg;
	const struct admin_endpoint *endpoint = call->endpoint;

	if (is_for_another(call))
		call_pass_on(call);
	else if ((endpoint->read != NULL && endpoint->read(call) != 0) ||
	         (endpoint->act != NULL && endpoint->act(call) != 0))
		call_refuse(call);
	else if (endpoint->ask != NULL)
		requests_ask(requests_of(call), endpoint->ask, &call->ask, on_done, call);
	else if (endpoint->answer != NULL)
		endpoint->answer(call);
	else if (endpoint->view != NULL || endpoint->list != NULL || endpoint->item != NULL)
		answer_view(call, endpoint);
	else
		answer_end(call, status_of(endpoint));
}

void call_serve(void *arg, struct http_request *http)
{
	struct admin_call *call = begin(arg, http);

	if (call != NULL)
		serve(call);
}
