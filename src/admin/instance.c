/* One instance: what is known of it, and what an operator may do to it. */
#include <string.h>

#include "admin/internal.h"

#define REASON_MAX 1024 /* bytes */

void admin_instance(void *arg, struct http_request *http)
{
	struct admin_call *call = call_begin(arg, http);
	struct text json;

	if (call == NULL)
		return;
	text_init(&json, ANSWER_MAX);
	if (broker_show_instance(call->admin->options.broker, http_request_capture(http, "id"), &json, &call->error) !=
	    0)
		call_refuse(call);
	else
		call_answer(call, &json);
	text_release(&json);
}

/* The name it comes back under may be given. */
void admin_undelete(void *arg, struct http_request *http)
{
	struct admin_call *call = call_begin(arg, http);

	if (call == NULL)
		return;
	call->ask.instance = http_request_field(http, "name");
	call_ask(call, broker_restore);
}

void admin_purge(void *arg, struct http_request *http)
{
	struct admin_call *call = call_begin(arg, http);

	if (call != NULL)
		call_ask(call, broker_purge);
}

void admin_retry_instance(void *arg, struct http_request *http)
{
	struct admin_call *call = call_begin(arg, http);

	if (call != NULL)
		call_ask(call, broker_retry);
}

/* Its records go and its server is left alone, so somebody has to say why. */
void admin_forget(void *arg, struct http_request *http)
{
	struct admin_call *call = call_begin(arg, http);
	const char *reason = http_request_field(http, "reason");

	if (call == NULL)
		return;
	if (reason == NULL || reason[0] == '\0' || strlen(reason) > REASON_MAX) {
		error_set(&call->error, ERR_INVALID,
		          "the field \"reason\" is missing or over %d bytes: why the record is to be forgotten",
		          REASON_MAX);
		call_refuse(call);
		return;
	}
	call->ask.description = reason;
	call_ask(call, broker_forget);
}

/* ---- adopt ---- */

static int read_flag(struct admin_call *call, const char *name, bool *ret_flag)
{
	const char *value = http_request_field(call->http, name);

	*ret_flag = value != NULL && strcmp(value, "true") == 0;
	if (value == NULL || *ret_flag || strcmp(value, "false") == 0)
		return 0;
	return error_set(&call->error, ERR_INVALID, "the field \"%s\" is \"%.100s\"; allowed are true and false", name,
	                 value);
}

static int read_adoption(struct admin_call *call)
{
	struct broker_request *ask = &call->ask;
	const struct {
		const char *name;
		const char **value;
		bool required;
	} fields[] = {
	    {"name", &ask->instance, true}, {"team", &ask->team, true},      {"resource", &ask->resource, true},
	    {"plan", &ask->plan, false},    {"server", &ask->server, false},
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		*fields[i].value = http_request_field(call->http, fields[i].name);
		if (*fields[i].value == NULL && fields[i].required)
			return error_set(&call->error, ERR_INVALID, "the field \"%s\" is missing", fields[i].name);
	}
	return read_flag(call, "keep_owner", &ask->keep_owner);
}

void admin_adopt(void *arg, struct http_request *http)
{
	struct admin_call *call = call_begin(arg, http);
	const char *service = http_request_field(http, "service");

	if (call == NULL)
		return;
	call->ask.service = service != NULL ? broker_service(call->admin->options.broker, service) : NULL;
	if (call->ask.service == NULL)
		error_set(&call->error, ERR_INVALID,
		          "the field \"service\" is \"%.100s\"; it has to be a configured one",
		          service != NULL ? service : "");
	if (call->ask.service == NULL || read_adoption(call) != 0)
		call_refuse(call);
	else
		broker_adopt(call->admin->options.broker, &call->ask, call_on_reply, call);
}
