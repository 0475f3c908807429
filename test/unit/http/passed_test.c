/* Requests that another broker has passed on, and what is needed to pass one on: whose it is, and what goes through as
 * it came. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/throttle.h"
#include "unit/http/harness.h"

#define VOUCHED(peer) "X-Vouched: good " peer "\r\n"
#define WRONG         "Authorization: Basic dXNlcjp3cm9uZw==\r\n"
#define PASSED_BODY   "a\0b\r\n"

static char seen[1024];

static bool vouch(void *arg, const char *method, const char *target, const char *value, struct arena *arena,
                  struct http_forwarded *ret_forwarded)
{
	(void)arg;
	if (strncmp(value, "good ", 5) != 0 || strcmp(method, "GET") != 0 || strcmp(target, "/%61?b=%63") != 0)
		return false;
	*ret_forwarded = (struct http_forwarded){.by = "other", .id = "one", .peer = arena_text(arena, value + 5)};
	return true;
}

/* Notes what it can see, and answers as another server has. */
static void handle_passed(void *arg, struct http_request *request)
{
	static const char *const headers[] = {"Content-Type", "x/y", "Date", "then", "X-Two", "1", "X-Two", "2", NULL};
	const struct http_forwarded *forwarded = http_request_forwarded(request);
	const char *name, *value;
	size_t length;
	const char *body = http_request_body(request, &length);
	int used;

	(void)arg;
	used = snprintf(seen, sizeof(seen), "%s %s|", http_request_target(request),
	                forwarded != NULL ? forwarded->id : "-");
	for (size_t i = 0; http_request_header_at(request, i, &name, &value); i++)
		used += snprintf(seen + used, sizeof(seen) - (size_t)used, "%s=%s|", name, value);
	snprintf(seen + used, sizeof(seen) - (size_t)used, "%zu:%s", length, body);
	http_reply_header(request, "X-Own", "lost");
	http_reply_passed(
	    request, &(struct http_passed){
	                 .status = 202, .headers = headers, .body = PASSED_BODY, .length = sizeof(PASSED_BODY) - 1});
}

static void handle_nothing(void *arg, struct http_request *request)
{
	static const char *const headers[] = {"X-One", "1", NULL};

	(void)arg;
	http_reply_passed(request, &(struct http_passed){.status = 204, .headers = headers, .body = ""});
}

static void handle_ended(void *arg, struct http_request *request)
{
	struct harness *harness = arg;

	harness->held = request;
}

static const struct http_route routes[] = {
    {"GET", "/a", handle_passed, "a", NULL},
    {"POST", "/a", handle_passed, "a", NULL},
    {"DELETE", "/a", handle_nothing, "nothing", NULL},
    {"GET", "/held", handle_ended, "held", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static struct harness *open_with(int64_t connections_per_address)
{
	static struct harness harness;
	struct http_options options = harness_options();

	options.routes = routes;
	options.forwarded_header = "X-Vouched";
	options.vouch = vouch;
	options.limits.connections_per_address = connections_per_address;
	harness_open(&harness, &options);
	return &harness;
}

static void test_everything_is_seen_as_it_came(void **state)
{
	struct harness *harness = open_with(0);

	(void)state;
	assert_int_equal(harness_exchange(harness, "POST /%61?b=%63&d HTTP/1.1\r\n" HOST AUTHORIZATION
	                                           "X-Empty:\r\nContent-Type: application/json\r\n"
	                                           "Content-Length: 2\r\n\r\n{}"),
	                 202);
	assert_non_null(strstr(seen, "/%61?b=%63&d -|Host=broker|Authorization=Basic "));
	assert_non_null(strstr(seen, "|X-Empty=|Content-Type=application/json|Content-Length=2|2:{}"));
	harness_close(harness);
}

static void test_an_answer_goes_through_as_it_is(void **state)
{
	struct harness *harness = open_with(0);

	(void)state;
	assert_int_equal(harness_exchange(harness, GET("/a") "\r\n"), 202);
	assert_non_null(strstr(harness->reply, "Content-Type: x/y\r\n"));
	assert_non_null(strstr(harness->reply, "Date: then\r\n"));
	assert_non_null(strstr(harness->reply, "X-Two: 1\r\nX-Two: 2\r\n"));
	assert_non_null(strstr(harness->reply, "Content-Length: 5\r\n"));
	assert_null(strstr(harness->reply, "X-Own"));
	assert_null(strstr(harness->reply, "nosniff"));
	assert_memory_equal(harness->reply + harness->reply_length - 5, PASSED_BODY, 5);
	assert_int_equal(harness_exchange(harness, "HEAD /a HTTP/1.1\r\n" HOST AUTHORIZATION "\r\n"), 202);
	assert_non_null(strstr(harness->reply, "Content-Length: 5\r\n"));
	assert_memory_equal(harness->reply + harness->reply_length - 4, "\r\n\r\n", 4);
	assert_int_equal(harness_exchange(harness, "DELETE /a HTTP/1.1\r\n" HOST AUTHORIZATION "\r\n"), 204);
	assert_non_null(strstr(harness->reply, "X-One: 1\r\n"));
	assert_null(strstr(harness->reply, "Content-Length"));
	harness_close(harness);
}

static void test_whose_it_is(void **state)
{
	static const char *const peers[] = {"198.51.100.1:4711", "198.51.100.1", "[2001:db8::1]:80", "unix"};
	struct harness *harness = open_with(0);
	char request[512];

	(void)state;
	for (size_t i = 0; i < sizeof(peers) / sizeof(*peers); i++) {
		snprintf(request, sizeof(request), GET("/%%61?b=%%63") "X-Vouched: good %s\r\n\r\n", peers[i]);
		assert_int_equal(harness_exchange(harness, request), 202);
		assert_string_equal(harness->last_peer, peers[i]);
		assert_non_null(strstr(seen, "/%61?b=%63 one|"));
	}
	assert_int_equal(harness_exchange(harness, GET("/%61?b=%63") "X-Vouched: bad 198.51.100.1\r\n\r\n"), 202);
	assert_memory_equal(harness->last_peer, "127.0.0.1:", 10);
	assert_int_equal(harness_exchange(harness, GET("/a") VOUCHED("198.51.100.1") "\r\n"), 202);
	assert_memory_equal(harness->last_peer, "127.0.0.1:", 10);
	harness_close(harness);
}

/* Wrong logins count for the client, whoever's connection brings them. */
static void test_throttles_go_by_the_client(void **state)
{
	static const char bad[] = "GET /%61?b=%63 HTTP/1.1\r\n" HOST WRONG VOUCHED("198.51.100.1:1") "\r\n";
	static const char other[] = "GET /%61?b=%63 HTTP/1.1\r\n" HOST WRONG VOUCHED("198.51.100.2:1") "\r\n";
	static const char bare[] = "GET /%61?b=%63 HTTP/1.1\r\n" HOST WRONG "\r\n";
	struct harness *harness = open_with(0);

	(void)state;
	for (int i = 0; i < THROTTLE_FREE; i++)
		assert_int_equal(harness_exchange(harness, bad), 401);
	assert_int_equal(harness_exchange(harness, bad), 0); /* it waits */
	assert_int_equal(harness_exchange(harness, other), 401);
	assert_int_equal(harness_exchange(harness, bare), 401);
	harness_close(harness);
}

/* Those who bring other people's requests are counted for no address. */
static void test_limits_of_an_address_leave_brokers_out(void **state)
{
	static const char vouched[] = GET("/%61?b=%63") VOUCHED("198.51.100.1:1") "\r\n";
	struct harness *harness = open_with(2);
	int clients[4];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		clients[i] = harness_connect(harness);
		harness_send(harness, clients[i], vouched, sizeof(vouched) - 1, 0);
		harness_read_replies(harness, clients[i], 1);
		assert_int_equal(harness_status(harness), 202);
	}
	for (size_t i = 0; i < 4; i++) {
		harness->reply_length = 0;
		harness_send(harness, clients[i], vouched, sizeof(vouched) - 1, 0);
		harness_read_replies(harness, clients[i], 1);
		assert_int_equal(harness_status(harness), 202);
		close(clients[i]);
	}
	harness_close(harness);
}

static void test_a_client_that_has_ended(void **state)
{
	struct harness *harness = open_with(0);
	const char request[] = GET("/held") "\r\n";
	int client = harness_connect(harness);

	(void)state;
	harness_send(harness, client, request, sizeof(request) - 1, 0);
	harness_turn(harness);
	assert_non_null(harness->held);
	assert_false(http_request_has_ended(harness->held));
	close(client);
	assert_true(http_request_has_ended(harness->held));
	http_reply_empty(harness->held, 204);
	harness_turn(harness);
	harness_close(harness);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_everything_is_seen_as_it_came),
	    cmocka_unit_test(test_an_answer_goes_through_as_it_is),
	    cmocka_unit_test(test_whose_it_is),
	    cmocka_unit_test(test_throttles_go_by_the_client),
	    cmocka_unit_test(test_limits_of_an_address_leave_brokers_out),
	    cmocka_unit_test(test_a_client_that_has_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
