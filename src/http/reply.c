/* Replies: what evhttp cannot be left to do is the Date (cached), HEAD, JSON errors and saying when it closes. */
#include <assert.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "http/connection.h"
#include "http/internal.h"

#define MESSAGE_MAX 4096 /* bytes of an error's body, escapes included */

static const char *reason_phrase(int status)
{
	static const struct {
		int status;
		const char *phrase;
	} phrases[] = {
	    {200, "OK"},
	    {201, "Created"},
	    {202, "Accepted"},
	    {204, "No Content"},
	    {400, "Bad Request"},
	    {401, "Unauthorized"},
	    {403, "Forbidden"},
	    {404, "Not Found"},
	    {405, "Method Not Allowed"},
	    {408, "Request Timeout"},
	    {409, "Conflict"},
	    {412, "Precondition Failed"},
	    {413, "Content Too Large"},
	    {415, "Unsupported Media Type"},
	    {417, "Expectation Failed"},
	    {422, "Unprocessable Content"},
	    {429, "Too Many Requests"},
	    {431, "Request Header Fields Too Large"},
	    {500, "Internal Server Error"},
	    {501, "Not Implemented"},
	    {502, "Bad Gateway"},
	    {503, "Service Unavailable"},
	    {504, "Gateway Timeout"},
	    {505, "HTTP Version Not Supported"},
	    {507, "Insufficient Storage"},
	};

	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
		if (phrases[i].status == status)
			return phrases[i].phrase;
	}
	return "Other";
}

/* Formatted once a second. */
static const char *current_date(struct http_server *server)
{
	int64_t second = timers_wall(server->options.timers) / 1000;
	time_t at = (time_t)second;
	struct tm utc;

	if (second != server->date_second && gmtime_r(&at, &utc) != NULL) {
		strftime(server->date, sizeof(server->date), "%a, %d %b %Y %H:%M:%S GMT", &utc);
		server->date_second = second;
	}
	return server->date;
}

/* The length is that of the whole body, also for a HEAD, and for a body that memory did not suffice for: the client
 * then sees it cut short by the close. */
static void add_bytes(struct http_request *request, const char *body, size_t length)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request->ev);
	char number[24];

	snprintf(number, sizeof(number), "%zu", length);
	evhttp_add_header(headers, "Content-Length", number);
	if (strcmp(http_request_method(request), "HEAD") != 0 &&
	    evbuffer_add(evhttp_request_get_output_buffer(request->ev), body, length) < 0)
		request->head.close = true;
}

static void add_body(struct http_request *request, const char *type, const char *body, size_t length)
{
	evhttp_add_header(evhttp_request_get_output_headers(request->ev), "Content-Type", type);
	add_bytes(request, body, length);
}

void http_reply_header(struct http_request *request, const char *name, const char *value)
{
	evhttp_add_header(evhttp_request_get_output_headers(request->ev), name, value);
}

static void add_own_headers(struct http_request *request)
{
	struct http_server *server = request->server;
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request->ev);

	evhttp_add_header(headers, "Date", current_date(server));
	evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
	if (server->options.no_store)
		evhttp_add_header(headers, "Cache-Control", "no-store");
}

static void send_reply(struct http_request *request, int status)
{
	struct http_server *server = request->server;

	assert(request->status == 0);
	request->status = status;
	request->head.close |= request->refusal.status != 0 || server->draining || request->connection->retired;
	if (request->head.close)
		http_reply_header(request, "Connection", "close");
	evhttp_send_reply(request->ev, status, reason_phrase(status), NULL);
	request->ended = timers_clock();
	http_measures_count(server->options.measures, server->options.name, http_request_label(request), status,
	                    request->ended - request->started);
	if (server->options.on_access != NULL)
		server->options.on_access(server->options.arg, request);
	connection_reply_started(request->connection); /* last: what on_access puts off to this turn comes first */
}

void http_reply_json(struct http_request *request, int status, const char *json)
{
	add_body(request, "application/json", json, strlen(json));
	add_own_headers(request);
	send_reply(request, status);
}

void http_reply_text(struct http_request *request, int status, const char *text)
{
	add_body(request, "text/plain; charset=utf-8", text, strlen(text));
	add_own_headers(request);
	send_reply(request, status);
}

void http_reply_empty(struct http_request *request, int status)
{
	add_own_headers(request);
	send_reply(request, status);
}

void reply_refusal(struct http_request *request, int status, const char *message)
{
	struct text body;

	text_init(&body, MESSAGE_MAX);
	text_add_format(&body, "{\"code\":%d,\"message\":", status);
	text_add_json(&body, message);
	text_add(&body, "}");
	http_reply_json(request, status, body.failed ? "{\"code\":500,\"message\":\"memory is short\"}" : body.bytes);
	text_release(&body);
}

void http_reply_error(struct http_request *request, const struct error *error)
{
	reply_refusal(request, error_http_status(error->code), error->text);
}

void http_reply_passed(struct http_request *request, const struct http_passed *passed)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request->ev);

	evhttp_clear_headers(headers);
	for (const char *const *name = passed->headers; *name != NULL; name += 2)
		evhttp_add_header(headers, name[0], name[1]);
	if (passed->length > 0)
		add_bytes(request, passed->body, passed->length);
	send_reply(request, passed->status);
}
