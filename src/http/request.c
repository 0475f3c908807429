/* A request: its life, and what a handler may ask of it. Neighbour: dispatch.c, for what happens to it. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/connection.h"
#include "http/internal.h"

struct http_request *request_new(struct http_server *server, struct connection *connection)
{
	struct http_request *request = calloc(1, sizeof(*request));

	if (request == NULL)
		return NULL;
	request->server = server;
	request->connection = connection;
	request->path = "";
	request->started = timers_clock();
	arena_init(&request->arena);
	text_init(&request->content, (size_t)server->options.limits.body_bytes);
	return request;
}

void request_free(struct http_request *request)
{
	if (request == NULL)
		return;
	request->server->body_bytes -= (int64_t)request->counted;
	request->server->admitted -= request->admitted;
	arena_wipe(&request->arena);
	text_wipe(&request->content);
	sites_drop(request->sites);
	free(request);
}

void request_drop_body(struct http_request *request)
{
	text_wipe(&request->content);
	request->server->body_bytes -= (int64_t)request->counted;
	request->counted = 0;
}

/* ---- accessors ---- */

const char *http_request_method(const struct http_request *request)
{
	return request->head.method != NULL ? request->head.method : "";
}

const char *http_request_path(const struct http_request *request)
{
	return request->path;
}

const char *http_request_label(const struct http_request *request)
{
	return request->match.route != NULL ? request->match.route->label : "none";
}

const void *http_request_serves(const struct http_request *request)
{
	return request->match.route != NULL ? request->match.route->serves : NULL;
}

const struct http_site *http_request_site(const struct http_request *request)
{
	return request->site;
}

const char *http_request_capture(const struct http_request *request, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < request->match.capture_count; i++) {
		const struct capture *capture = &request->match.captures[i];
		if (capture->name_length == length && memcmp(capture->name, name, length) == 0)
			return request->captured[i];
	}
	return NULL;
}

const char *http_request_header(const struct http_request *request, const char *name)
{
	for (size_t i = 0; i < request->head.header_count; i++) {
		if (strcasecmp(request->head.headers[i].name, name) == 0)
			return request->head.headers[i].value;
	}
	return NULL;
}

static const char *first_of(const struct fields *fields, const char *name)
{
	size_t count;
	const char *const *values = fields_get(fields, name, &count);

	return values != NULL ? values[0] : NULL;
}

const char *http_request_query(const struct http_request *request, const char *name)
{
	return first_of(&request->query, name);
}

bool http_request_has_body(const struct http_request *request)
{
	return request->content.length > 0;
}

const char *http_request_field(const struct http_request *request, const char *name)
{
	return first_of(&request->body.fields, name);
}

size_t http_request_list(const struct http_request *request, const char *name, const char *const **ret_items)
{
	size_t count;

	*ret_items = fields_get(&request->body.fields, name, &count);
	return count;
}

const char *http_request_parameters(const struct http_request *request)
{
	return request->body.parameters;
}

const char *http_request_peer(const struct http_request *request)
{
	if (request->forwarded.by != NULL)
		return request->forwarded.peer;
	return request->peer[0] != '\0' ? request->peer : request->connection->peer;
}

const struct http_forwarded *http_request_forwarded(const struct http_request *request)
{
	return request->forwarded.by != NULL ? &request->forwarded : NULL;
}

const char *http_request_target(const struct http_request *request)
{
	return request->target;
}

bool http_request_header_at(const struct http_request *request, size_t i, const char **ret_name, const char **ret_value)
{
	if (i >= request->head.header_count)
		return false;
	*ret_name = request->head.headers[i].name;
	*ret_value = request->head.headers[i].value;
	return true;
}

const char *http_request_body(const struct http_request *request, size_t *ret_length)
{
	*ret_length = request->content.length;
	return text_string(&request->content);
}

bool http_request_has_ended(const struct http_request *request)
{
	struct pollfd socket = {.fd = request->connection->descriptor, .events = POLLRDHUP};

	return poll(&socket, 1, 0) > 0;
}

struct arena *http_request_arena(struct http_request *request)
{
	return &request->arena;
}

void http_request_set_context(struct http_request *request, void *context)
{
	request->context = context;
}

void *http_request_context(const struct http_request *request)
{
	return request->context;
}

int http_request_status(const struct http_request *request)
{
	return request->status;
}

int64_t http_request_duration(const struct http_request *request)
{
	return (request->ended > 0 ? request->ended : timers_clock()) - request->started;
}
