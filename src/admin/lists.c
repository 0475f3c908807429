/* GET: services, instances, operations and the audit, in pages. */
#include "admin/internal.h"

#define LIMIT_DEFAULT 100

/* A list that goes in pages. */
typedef int list(struct broker *broker, const struct list_filter *filter, struct text *ret_json, struct error *error);

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

static void show_list(void *arg, struct http_request *http, list *make)
{
	struct admin_call *call = call_begin(arg, http);
	struct list_filter filter;
	struct text json;

	if (call == NULL)
		return;
	text_init(&json, ANSWER_MAX);
	if (read_filter(call, &filter) != 0 || make(call->admin->options.broker, &filter, &json, &call->error) != 0)
		call_refuse(call);
	else
		call_answer(call, &json);
	text_release(&json);
}

void admin_instances(void *arg, struct http_request *http)
{
	show_list(arg, http, broker_list_instances);
}

void admin_operations(void *arg, struct http_request *http)
{
	show_list(arg, http, broker_list_all_operations);
}

void admin_audit(void *arg, struct http_request *http)
{
	show_list(arg, http, broker_list_audit);
}

void admin_services(void *arg, struct http_request *http)
{
	struct admin_call *call = call_begin(arg, http);
	struct text json;

	if (call == NULL)
		return;
	text_init(&json, ANSWER_MAX);
	if (broker_list_services(call->admin->options.broker, &json, &call->error) != 0)
		call_refuse(call);
	else
		call_answer(call, &json);
	text_release(&json);
}
