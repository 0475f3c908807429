/* Drift: what was found, and looking for it now. */
#include "admin/internal.h"

static void on_verified(void *arg, int code, const char *text, const char *json)
{
	struct admin_call *call = arg;

	if (code != 0) {
		error_set(&call->error, code, "%s", text);
		call_refuse(call);
	} else {
		http_reply_json(call->http, 200, json);
	}
}

void admin_verify_instance(void *arg, struct http_request *http)
{
	struct admin_call *call = call_begin(arg, http);

	if (call != NULL && broker_verify(call->admin->options.broker, http_request_capture(http, "id"), on_verified,
	                                  call, &call->error) != 0)
		call_refuse(call);
}

void admin_verify(void *arg, struct http_request *http)
{
	struct admin_call *call = call_begin(arg, http);

	if (call == NULL)
		return;
	if (broker_verify_all(call->admin->options.broker, &call->error) != 0)
		call_refuse(call);
	else
		http_reply_json(http, 202, "{\"pending\":true}");
}

void admin_drift(void *arg, struct http_request *http)
{
	struct admin_call *call = call_begin(arg, http);
	struct text json;

	if (call == NULL)
		return;
	text_init(&json, ANSWER_MAX);
	if (broker_list_drift(call->admin->options.broker, &json, &call->error) != 0)
		call_refuse(call);
	else
		call_answer(call, &json);
	text_release(&json);
}
