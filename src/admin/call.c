/* The beginning and the ends that the operators' endpoints share. */
#include <string.h>

#include "admin/internal.h"

#define OPERATOR_MAX 255 /* bytes */

/* Who operates is what the client says: whoever has the credentials may say so. It is for the audit. */
static const char *read_operator(const struct http_request *http)
{
	const char *given = http_request_header(http, "X-Operator");

	if (given != NULL && given[0] != '\0' && strlen(given) <= OPERATOR_MAX && text_is_clean(given, strlen(given)))
		return given;
	return http_request_site(http)->username != NULL ? http_request_site(http)->username : "socket";
}

struct admin_call *call_begin(void *arg, struct http_request *http)
{
	struct admin_server *admin = arg;
	struct arena *arena = http_request_arena(http);
	struct admin_call *call = arena_alloc(arena, sizeof(*call));
	char request[SECRET_ID_LENGTH + 1];
	struct error error;

	secret_ids_next(&admin->ids, request);
	if (call != NULL) {
		call->admin = admin;
		call->http = http;
		call->ask.caller.user = read_operator(http);
		call->ask.caller.request = arena_text(arena, request);
	}
	if (!arena_failed(arena))
		return call;
	error_no_memory(&error);
	http_reply_error(http, &error);
	return NULL;
}

void call_refuse(struct admin_call *call)
{
	http_reply_error(call->http, &call->error);
}

void call_answer(struct admin_call *call, struct text *json)
{
	if (json->failed) {
		error_no_memory(&call->error);
		call_refuse(call);
	} else {
		http_reply_json(call->http, 200, text_string(json));
	}
}

void call_on_reply(void *arg, const struct broker_reply *reply)
{
	struct admin_call *call = arg;

	if (reply->code != 0) {
		error_set(&call->error, reply->code, "%s", reply->text);
		call_refuse(call);
	} else if (reply->pending) {
		http_reply_json(call->http, 202, "{\"pending\":true}");
	} else {
		http_reply_json(call->http, 200, "{\"done\":true}");
	}
}

void call_ask(struct admin_call *call, admin_verb *verb)
{
	struct broker *broker = call->admin->options.broker;
	struct broker_request *ask = &call->ask;

	ask->incarnation = http_request_capture(call->http, "id");
	if (broker_find_service(broker, ask->incarnation, &ask->service, &call->error) != 0) {
		call_refuse(call);
		return;
	}
	if (ask->service == NULL && verb != broker_forget) {
		error_set(&call->error, ERR_REFUSED,
		          "the service of the instance \"%s\" is not in the configuration; it can only be forgotten",
		          ask->incarnation);
		call_refuse(call);
		return;
	}
	verb(broker, ask, call_on_reply, call);
}
