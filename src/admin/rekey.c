/* The master key: everything is sealed with the first one of the keyring. */
#include "admin/internal.h"

static void show_state(struct admin_call *call, int status)
{
	struct text json;

	text_init(&json, ANSWER_MAX);
	if (broker_show_rekey(call->admin->options.broker, &json, &call->error) != 0)
		call_refuse(call);
	else
		http_reply_json(call->http, status, text_string(&json));
	text_release(&json);
}

void admin_rekey(void *arg, struct http_request *http)
{
	struct admin_call *call = call_begin(arg, http);

	if (call == NULL)
		return;
	broker_rekey(call->admin->options.broker);
	broker_note(call->admin->options.broker, &call->ask.caller, "rekey", "done", NULL);
	show_state(call, 202);
}

void admin_rekey_state(void *arg, struct http_request *http)
{
	struct admin_call *call = call_begin(arg, http);

	if (call != NULL)
		show_state(call, 200);
}
