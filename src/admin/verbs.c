/* POST: what an operator may do to operations, servers and the program. */
#include "admin/internal.h"

/* The end of a verb that is done at once. */
static void finish(struct admin_call *call, int rc)
{
	const struct broker_reply reply = {.code = rc, .text = rc != 0 ? call->error.text : ""};

	call_on_reply(call, &reply);
}

void admin_retry_operation(void *arg, struct http_request *http)
{
	struct admin_call *call = call_begin(arg, http);

	if (call != NULL)
		finish(call, broker_hurry(call->admin->options.broker, http_request_capture(http, "id"), &call->error));
}

void admin_cancel(void *arg, struct http_request *http)
{
	struct admin_call *call = call_begin(arg, http);

	if (call != NULL)
		finish(call, broker_cancel(call->admin->options.broker, &call->ask.caller,
		                           http_request_capture(http, "id"), &call->error));
}

static void drain(void *arg, struct http_request *http, bool drained)
{
	struct admin_call *call = call_begin(arg, http);

	if (call != NULL)
		finish(call, broker_drain(call->admin->options.broker, &call->ask.caller,
		                          http_request_capture(http, "service"), http_request_capture(http, "server"),
		                          drained, &call->error));
}

void admin_drain(void *arg, struct http_request *http)
{
	drain(arg, http, true);
}

void admin_undrain(void *arg, struct http_request *http)
{
	drain(arg, http, false);
}

/* The mark is written soon: the server's state says whether it could be. */
void admin_claim(void *arg, struct http_request *http)
{
	struct admin_call *call = call_begin(arg, http);
	int rc;

	if (call == NULL)
		return;
	rc = broker_claim(call->admin->options.broker, &call->ask.caller, http_request_capture(http, "service"),
	                  http_request_capture(http, "server"), &call->error);
	if (rc != 0)
		call_refuse(call);
	else
		call_on_reply(call, &(struct broker_reply){.pending = true, .text = ""});
}

void admin_reload_program(void *arg, struct http_request *http)
{
	struct admin_call *call = call_begin(arg, http);
	const struct admin_program *program;
	int rc;

	if (call == NULL)
		return;
	program = &call->admin->options.program;
	rc = program->reload(program->arg, &call->error);
	broker_note(call->admin->options.broker, &call->ask.caller, "reload", rc == 0 ? "done" : "failed",
	            rc == 0 ? NULL : call->error.text);
	finish(call, rc);
}
