/* See harness.h. */
#include "unit/http/harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "http/internal.h"

/* What the request is to its handler, as text: fields, captures and parameters. */
static void handle_echo(void *arg, struct http_request *request)
{
	static const char *const names[] = {"name", "app-name", "tags", "app-hosts", "eventid"};
	const char *const *items;
	struct text text;

	(void)arg;
	text_init(&text, REPLY_MAX);
	text_add_format(&text, "%s %s", http_request_method(request), http_request_path(request));
	if (http_request_capture(request, "name") != NULL)
		text_add_format(&text, " name=%s", http_request_capture(request, "name"));
	if (http_request_query(request, "q") != NULL)
		text_add_format(&text, " q=%s", http_request_query(request, "q"));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t count = http_request_list(request, names[i], &items);
		for (size_t j = 0; j < count; j++)
			text_add_format(&text, " %s:%s", names[i], items[j]);
	}
	if (http_request_parameters(request) != NULL)
		text_add_format(&text, " parameters:%s", http_request_parameters(request));
	text_add_format(&text, " body=%zu", request->content.length);
	http_reply_text(request, 200, text_string(&text));
	text_release(&text);
}

static void handle_hold(void *arg, struct http_request *request)
{
	struct harness *harness = arg;

	harness->held = request;
}

static void handle_none(void *arg, struct http_request *request)
{
	(void)arg;
	http_reply_empty(request, 204);
}

static void handle_large(void *arg, struct http_request *request)
{
	char *json = malloc(8 << 20);

	(void)arg;
	assert_non_null(json);
	memset(json, ' ', 8 << 20);
	json[(8 << 20) - 1] = '\0';
	json[0] = '1';
	http_reply_json(request, 200, json);
	free(json);
}

static const struct http_route routes[] = {
    {"GET", "/", handle_echo, "root", NULL},
    {"GET", "/resources/plans", handle_echo, "plans", NULL},
    {"POST", "/resources", handle_echo, "create", NULL},
    {"GET", "/resources/{name}", handle_echo, "show", NULL},
    {"DELETE", "/resources/{name}", handle_echo, "remove", NULL},
    {"GET", "/hold", handle_hold, "hold", NULL},
    {"GET", "/none", handle_none, "none-at-all", NULL},
    {"GET", "/large", handle_large, "large", NULL},
    {"POST", "/upload", handle_echo, "upload", NULL},
    {"OPTIONS", "/upload", handle_echo, "options", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static const char *const passwords[] = {"secret", "p:w", "p:next"};

static const struct http_site sites[] = {
    {.path = "/", .username = "user", .passwords = passwords, .password_count = 1, .realm = "root"},
    {.path = "/postgres", .username = "pg", .passwords = passwords + 1, .password_count = 2, .realm = "postgres"},
};

static void on_access(void *arg, const struct http_request *request)
{
	struct harness *harness = arg;

	harness->accesses++;
	harness->last_status = http_request_status(request);
	snprintf(harness->last_label, sizeof(harness->last_label), "%s", http_request_label(request));
	assert_true(http_request_duration(request) >= 0);
	snprintf(harness->last_peer, sizeof(harness->last_peer), "%s", http_request_peer(request));
}

struct http_options harness_options(void)
{
	static const struct http_address address = {.host = "127.0.0.1"};

	return (struct http_options){
	    .addresses = &address,
	    .address_count = 1,
	    .limits = {.header_bytes = 4096, .body_bytes = 65536, .request_timeout = 30000, .idle_timeout = 60000},
	    .routes = routes,
	    .sites = sites,
	    .site_count = sizeof(sites) / sizeof(sites[0]),
	    .on_access = on_access,
	};
}

void harness_open(struct harness *harness, const struct http_options *options)
{
	struct http_options mine = *options;
	struct event_config *config;
	struct error error;

	memset(harness, 0, sizeof(*harness));
	config = event_config_new();
	assert_non_null(config);
	event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST); /* as the program's */
	harness->base = event_base_new_with_config(config);
	event_config_free(config);
	harness->timers = timers_new_manual(784111777000); /* Sun, 06 Nov 1994 08:49:37 GMT */
	assert_non_null(harness->base);
	assert_non_null(harness->timers);
	mine.base = harness->base;
	mine.timers = harness->timers;
	mine.arg = harness;
	assert_int_equal(http_server_open(&mine, &harness->server, &error), 0);
}

void harness_close(struct harness *harness)
{
	http_server_close(harness->server);
	timers_free(harness->timers);
	event_base_free(harness->base);
}

int harness_connect(struct harness *harness)
{
	return harness_connect_from(harness, 1);
}

int harness_connect_from(struct harness *harness, unsigned char host)
{
	const struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000000U | host)};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	assert_true(client >= 0);
	address.sin_port = htons(http_server_port(harness->server, 0));
	assert_int_equal(setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
	assert_int_equal(bind(client, (const struct sockaddr *)&own, sizeof(own)), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
	harness->reply_length = 0;
	harness->reply[0] = '\0';
	harness->ended = false;
	harness->reset = false;
	return client;
}

/* Loopback delivers at once, so a few turns that wait for nothing are enough to see all there is to see. */
void harness_turn(struct harness *harness)
{
	for (int i = 0; i < 8; i++)
		event_base_loop(harness->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static void receive(struct harness *harness, int client)
{
	size_t room = REPLY_MAX - 1 - harness->reply_length;
	int failure = 0;
	socklen_t size = sizeof(failure);
	ssize_t count = recv(client, harness->reply + harness->reply_length, room, MSG_DONTWAIT);

	if (count > 0)
		harness->reply_length += (size_t)count;
	harness->reply[harness->reply_length] = '\0';
	if (count > 0 || (count < 0 && errno == EAGAIN))
		return;
	/* A reset behind the end shows only here. */
	getsockopt(client, SOL_SOCKET, SO_ERROR, &failure, &size);
	harness->reset |= count < 0 || failure != 0;
	harness->ended = true;
}

void harness_send(struct harness *harness, int client, const char *bytes, size_t length, size_t step)
{
	for (size_t sent = 0; sent < length;) {
		size_t size = step == 0 || length - sent < step ? length - sent : step;
		ssize_t count = send(client, bytes + sent, size, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (count < 0 && errno != EAGAIN) {
			harness->reset = true;
			break;
		}
		if (count > 0)
			sent += (size_t)count;
		harness_turn(harness);
	}
}

void harness_read(struct harness *harness, int client)
{
	harness_turn(harness);
	receive(harness, client);
}

static size_t count_replies(const struct harness *harness)
{
	const char *at = harness->reply, *end = harness->reply + harness->reply_length;
	size_t count = 0;

	while (at < end) {
		const char *head = strstr(at, "\r\n\r\n");
		if (head == NULL)
			break;
		const char *length = strstr(at, "Content-Length: ");
		at = head + 4 + (length != NULL && length < head ? strtoul(length + 16, NULL, 10) : 0);
		if (at > end)
			break;
		count++;
	}
	return count;
}

void harness_read_replies(struct harness *harness, int client, size_t count)
{
	for (int i = 0; i < 2000 && !harness->ended && count_replies(harness) < count; i++)
		harness_read(harness, client);
}

int harness_status(const struct harness *harness)
{
	int status;

	return sscanf(harness->reply, "HTTP/1.1 %d", &status) == 1 ? status : 0;
}

static int exchange(struct harness *harness, int client, const char *bytes, size_t length, size_t step)
{
	harness_send(harness, client, bytes, length, step);
	harness_read_replies(harness, client, 1);
	harness_read(harness, client);
	close(client);
	harness_turn(harness);
	return harness_status(harness);
}

int harness_exchange_bytes(struct harness *harness, const char *bytes, size_t length, size_t step)
{
	return exchange(harness, harness_connect(harness), bytes, length, step);
}

int harness_exchange_from(struct harness *harness, unsigned char host, const char *request)
{
	return exchange(harness, harness_connect_from(harness, host), request, strlen(request), 0);
}

int harness_exchange(struct harness *harness, const char *request)
{
	return harness_exchange_bytes(harness, request, strlen(request), 0);
}
