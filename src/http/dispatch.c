/* From a read request to its handler: the order of checks. */
#include <string.h>

#include "http/connection.h"
#include "http/forwarded.h"
#include "http/internal.h"
#include "http/login.h"
#include "http/origin.h"
#include "http/target.h"

#define ALLOW_SIZE 64 /* bytes; all methods take 46 */

/* Its peer is whom a broker has passed it on for: that broker's connection is other people's, as a proxy's is. */
static bool take_forwarded(struct http_request *request)
{
	const struct http_options *options = &request->server->options;
	struct connection *connection = request->connection;
	struct http_forwarded forwarded = {0};
	const char *value =
	    options->forwarded_header != NULL ? http_request_header(request, options->forwarded_header) : NULL;

	if (value == NULL || !options->vouch(options->arg, request->head.method, request->head.target, value,
	                                     &request->arena, &forwarded))
		return false;
	request->forwarded = forwarded;
	request->has_client = forwarded_node(forwarded.peer, forwarded.peer + strlen(forwarded.peer), &request->client);
	connection->proxied = true;
	connection_leave_source(connection);
	return true;
}

/* The address that its login and its log line go by: of a proxy's clients whom nobody names, the proxy's; by a socket
 * file they are one source without an address. */
static void find_client(struct http_request *request)
{
	struct connection *connection = request->connection;

	if (take_forwarded(request))
		return;
	connection->proxied = connection_is_proxied(connection); /* a reload may have named other proxies */
	request->client = connection->address;
	request->has_client = connection->has_address || connection->proxied;
	if (!connection->proxied ||
	    !forwarded_client(&request->head, &request->server->options.proxies, &request->client))
		return;
	network_format_address(&request->client, request->peer);
}

/* Of the server as a whole, and so of nothing that a login keeps: "a type of ping" (RFC 9110, 9.3.7). Proxies read what
 * follows one each in their own way, so that its connection ends with it. */
static bool is_ping(const struct head *head)
{
	return strcmp(head->method, "OPTIONS") == 0 && strcmp(head->target, "*") == 0;
}

int dispatch_head(struct http_request *request, struct refusal *ret_refusal)
{
	char *path, *query;

	find_client(request);
	request->target = arena_text(&request->arena, request->head.target);
	if (request->target == NULL)
		return refuse(ret_refusal, 503, "memory is short");
	if (is_ping(&request->head))
		return refuse(ret_refusal, 204, NULL);
	if (target_parse(request->head.target, &path, &query, ret_refusal) < 0)
		return -1;
	request->path = path;
	request->raw_query = query;
	return 0;
}

bool dispatch_may_send(struct http_request *request)
{
	struct sites *sites = request->server->sites;
	const char *below;
	const struct http_site *site = route_site(sites->items, sites->count, request->path, &below);

	return site != NULL && login_would_pass(request, sites, site);
}

static bool is_open(const struct http_site *site, const char *path)
{
	for (const char *const *open = site->open_paths; open != NULL && *open != NULL; open++) {
		if (strcmp(*open, path) == 0)
			return true;
	}
	return false;
}

static int refuse_missing(struct http_request *request, struct error *error, const char *sentence)
{
	error_set(error, ERR_NOT_FOUND, "%s \"%.200s\"", sentence, request->path);
	if (request->server->options.on_missing != NULL)
		request->server->options.on_missing(request, error);
	return error->code;
}

static int check_site(struct http_request *request, struct error *error)
{
	struct sites *sites = request->server->sites;
	const struct http_site *site = route_site(sites->items, sites->count, request->path, &request->path);

	if (site == NULL)
		return refuse_missing(request, error, "nothing is served under");
	request->sites = sites_hold(sites);
	request->site = site;
	return 0;
}

/* The methods of the path; NULL: those of any. allow has ALLOW_SIZE bytes. */
static void add_allow(struct http_request *request, const char *path, char *allow)
{
	route_allow(request->server->options.routes, path, allow, ALLOW_SIZE);
	http_reply_header(request, "Allow", allow);
}

/* No route has the method: 405, or 204 for an OPTIONS, both with the methods there are. */
static void reply_allow(struct http_request *request)
{
	struct error error;
	char allow[ALLOW_SIZE];

	add_allow(request, request->path, allow);
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
	if (rc < 0)
		return rc;
	return body_parse(
	    &(struct body_source){
	        .content_type = request->head.content_type,
	        .bytes = text_string(&request->content),
	        .length = request->content.length,
	        .known_only = request->server->options.known_fields_only,
	    },
	    &request->arena, &request->body, error);
}

/* Past its site and its credentials: its origin, the route, its captures and the fields; NULL with *error set. */
static const struct http_route *find_route(struct http_request *request, struct error *error)
{
	struct route_match *match = &request->match;

	if (request->server->options.same_origin && origin_check(&request->head, error) != 0)
		return NULL;
	route_find(request->server->options.routes, request->head.method, request->path, match);
	if (match->route == NULL && match->path_known)
		error_set(error, ERR_METHOD, "\"%.200s\" has other methods", request->path);
	else if (match->route == NULL)
		(void)refuse_missing(request, error, "there is nothing at");
	if (match->route == NULL)
		return NULL;
	return read_fields(request, error) < 0 ? NULL : match->route;
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
	route = find_route(request, &error);
	if (route != NULL)
		route->handler(request->server->options.arg, request);
	else if (error.code == ERR_METHOD)
		reply_allow(request);
	else
		http_reply_error(request, &error);
}

/* Its login had to wait when its head came, and so its body was not taken. */
static void serve_whole(struct http_request *request)
{
	if (request->unread)
		reply_refusal(request, 429,
		              "too many wrong passwords came from this address for a body of this size to be read; try "
		              "again");
	else
		serve(request);
}

/* It was not read as a request for anything of a service's. */
static void refuse_unread(struct http_request *request)
{
	char allow[ALLOW_SIZE];

	request->path = "";
	if (request->refusal.status == 405 || request->refusal.status == 204)
		add_allow(request, NULL, allow);
	if (request->refusal.status == 204)
		http_reply_empty(request, 204);
	else
		reply_refusal(request, request->refusal.status, request->refusal.message);
}

/* Whether it was a broker's own, and is replied to. */
static bool serve_broker(struct http_request *request)
{
	const struct http_options *options = &request->server->options;

	return request->forwarded.by != NULL && options->on_broker != NULL && options->on_broker(options->arg, request);
}

void dispatch_request(struct http_request *request)
{
	struct error error;

	if (request->refusal.status != 0) {
		refuse_unread(request);
	} else if (serve_broker(request)) {
		return;
	} else if (check_site(request, &error) < 0) {
		http_reply_error(request, &error);
	} else if (is_open(request->site, request->path)) {
		serve(request);
	} else if (login_check(request)) {
		serve_whole(request);
	}
}

void dispatch_resume(struct http_request *request)
{
	if (login_resume(request))
		serve_whole(request);
}
