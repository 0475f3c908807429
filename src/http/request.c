/* A request: its life, the order of checks before a handler sees it, and what a handler may ask of it. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "http/forwarded.h"
#include "http/internal.h"
#include "http/origin.h"
#include "http/target.h"

int64_t request_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

struct http_request *request_new(struct http_server *server, struct connection *connection)
{
	struct http_request *request = calloc(1, sizeof(*request));

	if (request == NULL)
		return NULL;
	request->server = server;
	request->connection = connection;
	request->path = "";
	request->started = request_clock();
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

/* ---- from a read request to its handler ---- */

static int check_target(struct http_request *request)
{
	char *path, *query;

	if (target_parse(request->head.target, &path, &query, &request->refusal) < 0)
		return -1;
	request->path = path;
	request->raw_query = query;
	return 0;
}

static bool is_open(const struct http_site *site, const char *path)
{
	for (const char *const *open = site->open_paths; open != NULL && *open != NULL; open++) {
		if (strcmp(*open, path) == 0)
			return true;
	}
	return false;
}

static int check_site(struct http_request *request, struct error *error)
{
	struct sites *sites = request->server->sites;
	const struct http_site *site = route_site(sites->items, sites->count, request->path, &request->path);

	if (site == NULL)
		return error_set(error, ERR_NOT_FOUND, "nothing is served under \"%.200s\"", request->path);
	request->sites = sites_hold(sites);
	request->site = site;
	return 0;
}

/* No route has the method: 405, or 204 for an OPTIONS, both with the methods there are. */
static void reply_allow(struct http_request *request)
{
	struct error error;
	char allow[64];

	route_allow(request->server->options.routes, request->path, allow, sizeof(allow));
	http_reply_header(request, "Allow", allow);
	if (strcmp(request->head.method, "OPTIONS") == 0) {
		http_reply_empty(request, 204);
		return;
	}
	error_set(&error, ERR_METHOD, "\"%.200s\" takes %s, not %s", request->path, allow, request->head.method);
	http_reply_error(request, &error);
}

static int copy_captures(struct http_request *request, struct error *error)
{
	for (size_t i = 0; i < request->match.capture_count; i++) {
		const struct capture *capture = &request->match.captures[i];
		request->captured[i] = arena_bytes(&request->arena, capture->value, capture->value_length);
	}
	return arena_failed(&request->arena) ? error_no_memory(error) : 0;
}

static int read_fields(struct http_request *request, struct error *error)
{
	int rc = copy_captures(request, error);

	if (rc == 0 && request->raw_query != NULL && request->raw_query[0] != '\0')
		rc = body_parse_query(request->raw_query, &request->arena, &request->query, error);
	if (rc < 0 || request->match.route->raw)
		return rc;
	return body_parse(request->head.content_type, text_string(&request->content), request->content.length,
	                  &request->arena, &request->body, error);
}

/* Past its site and its credentials: the route, its captures and the fields; NULL with *error set. */
static const struct http_route *find_route(struct http_request *request, struct error *error)
{
	struct route_match *match = &request->match;

	route_find(request->server->options.routes, request->head.method, request->path, match);
	if (match->route == NULL) {
		error_set(error, match->path_known ? ERR_METHOD : ERR_NOT_FOUND, "there is nothing at \"%.200s\"",
		          request->path);
		return NULL;
	}
	return read_fields(request, error) < 0 ? NULL : match->route;
}

static const struct http_route *find_welcome_route(struct http_request *request, struct error *error)
{
	if (request->server->options.same_origin && origin_check(&request->head, error) != 0)
		return NULL;
	return find_route(request, error);
}

/* Counts it among the requests; false: there are too many. */
static bool admit(struct http_request *request)
{
	struct http_server *server = request->server;
	const int64_t most = server->options.limits.requests;

	server->admitted++;
	request->admitted = true;
	return most == 0 || (int64_t)server->admitted <= most;
}

static void refuse_crowd(struct http_request *request)
{
	http_reply_header(request, "Retry-After", "1");
	reply_refusal(request, 503, "too many requests are being handled; try again");
}

/* What may come in. */
static void serve(struct http_request *request)
{
	const struct http_route *route;
	struct error error;

	if (!admit(request)) {
		refuse_crowd(request);
		return;
	}
	route = find_welcome_route(request, &error);
	if (route != NULL)
		route->handler(request->server->options.arg, request);
	else if (error.code == ERR_METHOD)
		reply_allow(request);
	else
		http_reply_error(request, &error);
}

/* The address that its login and its log line go by: of a proxy's clients whom nobody names, the proxy's; by a socket
 * file they are one source without an address. */
static void find_client(struct http_request *request)
{
	struct connection *connection = request->connection;

	connection->proxied = connection_is_proxied(connection); /* a reload may have named other proxies */
	request->client = connection->address;
	request->has_client = connection->has_address || connection->proxied;
	if (!connection->proxied ||
	    !forwarded_client(&request->head, &request->server->options.proxies, &request->client))
		return;
	network_format_address(&request->client, request->peer);
}

void request_dispatch(struct http_request *request)
{
	struct error error;

	find_client(request);
	if (request->refusal.status != 0 || check_target(request) < 0)
		reply_refusal(request, request->refusal.status, request->refusal.message);
	else if (check_site(request, &error) < 0)
		http_reply_error(request, &error);
	else if (is_open(request->site, request->path) || login_check(request))
		serve(request);
}

void request_resume(struct http_request *request)
{
	if (login_resume(request))
		serve(request);
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
	return request->peer[0] != '\0' ? request->peer : request->connection->peer;
}

const char *http_request_body(const struct http_request *request, size_t *ret_length)
{
	*ret_length = request->content.length;
	return text_string(&request->content);
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
	return (request->ended > 0 ? request->ended : request_clock()) - request->started;
}
