/* The server over real sockets: what it refuses, its limits, its deadlines, and the life of a request. */
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/http/harness.h"

static int set_up(void **state)
{
	static struct harness harness;
	struct http_options options = harness_options();

	harness_open(&harness, &options);
	*state = &harness;
	return 0;
}

static int tear_down(void **state)
{
	harness_close(*state);
	return 0;
}

struct exchange {
	const char *bytes;
	size_t length;
	int status;
};

#define EXCHANGE(text, status)                                                                                         \
	{                                                                                                              \
		text, sizeof(text) - 1, status                                                                         \
	}

/* What two readers could read differently, and what is malformed. */
static const struct exchange refused[] = {
    EXCHANGE("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 400),
    EXCHANGE("GET / HTTP/1.1\nHost: broker\n\n", 400),
    EXCHANGE("GET / HTTP/1.1\r\nHost: broker\n\r\n", 400),
    EXCHANGE("GET / HTTP/1.1\r\nHost: broker\rX: y\r\n\r\n", 400),
    EXCHANGE("\r\nGET / HTTP/1.1\r\nHost: broker\r\n\r\n", 400),
    EXCHANGE("GET / HTTP/1.1\r\nHost: broker\r\nX: \x01\r\n\r\n", 400),
    EXCHANGE(GET("/") "Name : x\r\n\r\n", 400),
    EXCHANGE(GET("/") "Na me: x\r\n\r\n", 400),
    EXCHANGE(GET("/") "N\xc3\xa4me: x\r\n\r\n", 400),
    EXCHANGE(GET("/") ": x\r\n\r\n", 400),
    EXCHANGE(GET("/") "X\r\n\r\n", 400),
    EXCHANGE(GET("/") "X: a\r\n folded\r\n\r\n", 400),
    EXCHANGE(GET("/") "Content-Length : 2\r\n\r\nab", 400),
    EXCHANGE(GET("/") "Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc", 400),
    EXCHANGE(GET("/") "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab", 400),
    EXCHANGE(GET("/") "Content-Length: 2, 2\r\n\r\nab", 400),
    EXCHANGE(GET("/") "Content-Length: +2\r\n\r\nab", 400),
    EXCHANGE(GET("/") "Content-Length: -2\r\n\r\nab", 400),
    EXCHANGE(GET("/") "Content-Length: 0x2\r\n\r\nab", 400),
    EXCHANGE(GET("/") "Content-Length:\r\n\r\n", 400),
    EXCHANGE(GET("/") "Content-Length:\t2\r\n\r\nab", 400),
    EXCHANGE(GET("/") "Content-Length: 2\t\r\n\r\nab", 400),
    EXCHANGE(GET("/") "Transfer-Encoding: \tchunked\r\n\r\n0\r\n\r\n", 400),
    EXCHANGE(GET("/") "Transfer-Encoding: chunked \t\r\n\r\n0\r\n\r\n", 400),
    EXCHANGE(GET("/") "Content-Length: 18446744073709551618\r\n\r\nab", 400),
    EXCHANGE(GET("/") "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    EXCHANGE(GET("/") "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    EXCHANGE(GET("/") "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
    EXCHANGE(GET("/") "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    EXCHANGE("GET / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    EXCHANGE(GET("/") "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n", 413),
    EXCHANGE(GET("/") "Transfer-Encoding: chunked\r\n\r\n10001\r\n", 413),
    EXCHANGE(GET("/") "Transfer-Encoding: chunked\r\n\r\n-1\r\n", 400),
    EXCHANGE(GET("/") "Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n", 400),
    EXCHANGE(GET("/") "Transfer-Encoding: chunked\r\n\r\n 1\r\na\r\n0\r\n\r\n", 400),
    EXCHANGE(GET("/") "Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n", 400),
    EXCHANGE(GET("/") "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", 400),
    EXCHANGE(GET("/") "Transfer-Encoding: chunked\r\n\r\n\r\n1\r\na\r\n0\r\n\r\n", 400),
    EXCHANGE("GET http://broker/ HTTP/1.1\r\n" HOST AUTHORIZATION "\r\n", 400),
    EXCHANGE("GET broker:80 HTTP/1.1\r\n" HOST AUTHORIZATION "\r\n", 400),
    EXCHANGE("GET * HTTP/1.1\r\n" HOST AUTHORIZATION "\r\n", 400),
    EXCHANGE("OPTIONS ** HTTP/1.1\r\n" HOST AUTHORIZATION "\r\n", 400),
    EXCHANGE(GET("/%zz") "\r\n", 400),
    EXCHANGE(GET("/%4") "\r\n", 400),
    EXCHANGE(GET("/a b") "\r\n", 400),
    EXCHANGE(GET("/a\tb") "\r\n", 400),
    EXCHANGE(GET("/a\x7f") "\r\n", 400),
    EXCHANGE(GET("/\xc3\xa4") "\r\n", 400),
    EXCHANGE(GET("/%ff") "\r\n", 400),
    EXCHANGE(GET("/a%00b") "\r\n", 400),
    EXCHANGE(GET("/a%0ab") "\r\n", 400),
    EXCHANGE(GET("/a%2Fb") "\r\n", 400),
    EXCHANGE(GET("/a%5cb") "\r\n", 400),
    EXCHANGE(GET("/a\\b") "\r\n", 400),
    EXCHANGE(GET("/a/../b") "\r\n", 400),
    EXCHANGE(GET("/a/%2e%2E/b") "\r\n", 400),
    EXCHANGE(GET("/./b") "\r\n", 400),
    EXCHANGE(GET("/a/..") "\r\n", 400),
    EXCHANGE(GET("/#x") "\r\n", 400),
    EXCHANGE(GET("/?a=%0") "\r\n", 400),
    EXCHANGE(GET("/?a=%00") "\r\n", 400),
    EXCHANGE("GET / HTTP/1.1\r\n" AUTHORIZATION "\r\n", 400),
    EXCHANGE("GET / HTTP/1.1\r\n" HOST HOST AUTHORIZATION "\r\n", 400),
    EXCHANGE("GET / HTTP/1.1\r\nHost:\r\n" AUTHORIZATION "\r\n", 400),
    EXCHANGE("GET / HTTP/1.1\r\nHost: a..b\r\n" AUTHORIZATION "\r\n", 400),
    EXCHANGE("GET / HTTP/1.1\r\nHost: a/b\r\n" AUTHORIZATION "\r\n", 400),
    EXCHANGE("GET / HTTP/1.1\r\nHost: user@broker\r\n" AUTHORIZATION "\r\n", 400),
    EXCHANGE(GET("/") AUTHORIZATION "\r\n", 400),
    EXCHANGE("GET / HTTP/2.0\r\n" HOST "\r\n", 505),
    EXCHANGE("GET / HTTP/1.2\r\n" HOST "\r\n", 505),
    EXCHANGE("GET / HTTP/1.1x\r\n" HOST "\r\n", 400),
    EXCHANGE("GET / http/1.1\r\n" HOST "\r\n", 400),
    EXCHANGE("GET /\r\n\r\n", 400),
    EXCHANGE("GET  / HTTP/1.1\r\n" HOST "\r\n", 400),
    EXCHANGE("GET / HTTP/1.1 \r\n" HOST "\r\n", 400),
    EXCHANGE(" GET / HTTP/1.1\r\n" HOST "\r\n", 400),
    EXCHANGE("G(T / HTTP/1.1\r\n" HOST "\r\n", 400),
    EXCHANGE("get / HTTP/1.1\r\n" HOST AUTHORIZATION "\r\n", 501),
    EXCHANGE("TRACE / HTTP/1.1\r\n" HOST AUTHORIZATION "\r\n", 405),
    EXCHANGE("CONNECT broker:80 HTTP/1.1\r\n" HOST AUTHORIZATION "\r\n", 501),
    EXCHANGE("PROPFIND / HTTP/1.1\r\n" HOST AUTHORIZATION "\r\n", 501),
    EXCHANGE(GET("/") "Expect: 200-ok\r\n\r\n", 417),
    EXCHANGE(GET("/") "Content-Length: 65537\r\n\r\n", 413),
    EXCHANGE("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
};

/* Each is refused alike whole, byte by byte, and behind a good request on the same connection. */
static void test_refused(void **state)
{
	struct harness *harness = *state;
	char pipelined[1024];

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		const struct exchange *exchange = &refused[i];
		for (size_t step = 0; step < 2; step++) {
			int status = harness_exchange_bytes(harness, exchange->bytes, exchange->length, step);
			if (status != exchange->status)
				print_message("row %zu: %.60s\n", i, exchange->bytes);
			assert_int_equal(status, exchange->status);
			assert_non_null(strstr(harness->reply, "Connection: close\r\n"));
			assert_non_null(strstr(harness->reply, "{\"code\":"));
			assert_true(harness->ended);
			assert_int_equal(harness->last_status, exchange->status);
		}
		size_t length = sizeof(GET("/") "\r\n") - 1;
		memcpy(pipelined, GET("/") "\r\n", length);
		memcpy(pipelined + length, exchange->bytes, exchange->length);
		int client = harness_connect(harness);
		harness_send(harness, client, pipelined, length + exchange->length, 0);
		harness_read_replies(harness, client, 2);
		harness_read(harness, client);
		close(client);
		assert_int_equal(harness_status(harness), 200);
		const char *second = strstr(harness->reply + 12, "HTTP/1.1 ");
		assert_non_null(second);
		assert_int_equal(atoi(second + 9), exchange->status);
		assert_true(harness->ended);
	}
	harness_turn(harness);
	assert_int_equal(http_server_pending(harness->server), 0);
}

/* What was refused is never read on from: the smuggled request is not answered. */
static void test_nothing_is_smuggled(void **state)
{
	struct harness *harness = *state;

	assert_int_equal(harness_exchange(harness, GET("/") "Content-Length : 40\r\n\r\n" GET("/none") "\r\n"), 400);
	assert_null(strstr(harness->reply + 12, "HTTP/1.1 "));
	assert_int_equal(harness->accesses, 1);
}

/* A ping wants no login, and nothing behind it is read. */
static void test_ping(void **state)
{
	static const char request[] = "OPTIONS * HTTP/1.1\r\n" HOST "\r\n" GET("/none") "\r\n";
	struct harness *harness = *state;

	for (size_t step = 0; step < 2; step++) {
		assert_int_equal(harness_exchange_bytes(harness, request, sizeof(request) - 1, step), 204);
		assert_non_null(strstr(harness->reply, "Allow: GET, HEAD, POST, DELETE, OPTIONS\r\n"));
		assert_non_null(strstr(harness->reply, "Connection: close\r\n"));
		assert_null(strstr(harness->reply + 12, "HTTP/1.1 "));
		assert_true(harness->ended);
		assert_string_equal(harness->last_label, "none");
	}
	assert_int_equal(harness->accesses, 2);
}

static const struct {
	const char *request;
	int status;
	const char *found; /* in the reply */
} answered[] = {
    {GET("/") "\r\n", 200, "GET / body=0"},
    {GET("/resources/plans?q=a%20b+c&x") "\r\n", 200, "GET /resources/plans q=a b c"},
    {GET("/resources/my%2Ddb") "\r\n", 200, "name=my-db"},
    {GET("/resources/d%C3%A4b") "\r\n", 200,
     "name=d\xc3\xa4"
     "b"},
    {"GET / HTTP/1.0\r\n" AUTHORIZATION "\r\n", 200, "Connection: close\r\n"},
    {GET("/") "Connection: keep-alive, close\r\n\r\n", 200, "Connection: close\r\n"},
    {GET("/") "\r\n", 200, "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"},
    {"HEAD / HTTP/1.1\r\n" HOST AUTHORIZATION "Connection: close\r\n\r\n", 200, "Content-Length: 13\r\n"},
    {GET("/none") "\r\n", 204, "HTTP/1.1 204 No Content\r\n"},
    {"DELETE /resources/x HTTP/1.1\r\n" HOST AUTHORIZATION
     "Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\nContent-Length: 10\r\n\r\napp-name=a",
     200, "DELETE /resources/x name=x app-name:a body=10"},
    {"POST /resources HTTP/1.1\r\n" HOST AUTHORIZATION "Content-Type: application/json\r\nTransfer-Encoding: "
     "chunked\r\n\r\n5;x=y\r\n{\"nam\r\n9\r\ne\":\"\xc3\xa4\"} \r\n"
     "0\r\nTrailer: x\r\n\r\n",
     200, "POST /resources name:\xc3\xa4 body=14"},
    {"POST /resources HTTP/1.1\r\n" HOST AUTHORIZATION "Content-Type: text/plain\r\nContent-Length: 1\r\n\r\na", 415,
     "\"code\":415"},
    {"POST /resources HTTP/1.1\r\n" HOST AUTHORIZATION "Content-Length: 1\r\n\r\na", 415, "\"code\":415"},
    {GET("/?a=%ff") "\r\n", 400, "\"code\":400"},
    {GET("/resources/") "\r\n", 404, "\"code\":404"},
    {GET("/nowhere") "\r\n", 404, "{\"code\":404,\"message\":\"there is nothing at \\\"/nowhere\\\"\"}"},
    {"DELETE /resources/plans HTTP/1.1\r\n" HOST AUTHORIZATION "\r\n", 405, "Allow: GET, HEAD, OPTIONS\r\n"},
    {"OPTIONS /resources/plans HTTP/1.1\r\n" HOST AUTHORIZATION "\r\n", 204, "Allow: GET, HEAD, OPTIONS\r\n"},
    {"PUT /resources/x HTTP/1.1\r\n" HOST AUTHORIZATION "\r\n", 405, "Allow: GET, HEAD, DELETE, OPTIONS\r\n"},
    {"OPTIONS /resources HTTP/1.1\r\n" HOST AUTHORIZATION "\r\n", 204, "Allow: POST, OPTIONS\r\n"},
    {"PATCH /upload HTTP/1.1\r\n" HOST AUTHORIZATION "\r\n", 405, "Allow: POST, OPTIONS\r\n"},
    {"OPTIONS /upload HTTP/1.1\r\n" HOST AUTHORIZATION "\r\n", 200, "OPTIONS /upload"},
    {"TRACE / HTTP/1.1\r\n" HOST "\r\n", 405, "Allow: GET, HEAD, POST, DELETE, OPTIONS\r\n"},
    {"OPTIONS /nowhere HTTP/1.1\r\n" HOST AUTHORIZATION "\r\n", 404, "\"code\":404"},
    /* credentials */
    {"GET / HTTP/1.1\r\n" HOST "\r\n", 401, "WWW-Authenticate: Basic realm=\"root\", charset=\"UTF-8\"\r\n"},
    {"GET / HTTP/1.1\r\n" HOST "Authorization: Bearer dXNlcjpzZWNyZXQ=\r\n\r\n", 401, "\"code\":401"},
    {"GET / HTTP/1.1\r\n" HOST "Authorization: Basic dXNlcjpzZWNyZXR4\r\n\r\n", 401, "\"code\":401"},
    {"GET / HTTP/1.1\r\n" HOST "Authorization: Basic dXNlcjpzZWNyZQ==\r\n\r\n", 401, "\"code\":401"},
    {"GET / HTTP/1.1\r\n" HOST "Authorization: Basic dXNlcjpzZWNyZXQAeA==\r\n\r\n", 401, "\"code\":401"},
    {"GET / HTTP/1.1\r\n" HOST "Authorization: Basic dXNlcnNlY3JldA==\r\n\r\n", 401, "\"code\":401"},
    {"GET / HTTP/1.1\r\n" HOST "Authorization: Basic ****\r\n\r\n", 401, "\"code\":401"},
    {"GET / HTTP/1.1\r\n" HOST "Authorization: Basic\r\n\r\n", 401, "\"code\":401"},
    {"GET / HTTP/1.1\r\n" HOST "Authorization: bAsIc  dXNlcjpzZWNyZXQ=\r\n\r\n", 200, "GET /"},
    /* sites */
    {"GET /postgres/resources/a HTTP/1.1\r\n" HOST "Authorization: Basic cGc6cDp3\r\n\r\n", 200,
     "GET /resources/a name=a"},
    {"GET /postgres HTTP/1.1\r\n" HOST "Authorization: Basic cGc6cDp3\r\n\r\n", 200, "GET / body=0"},
    {GET("/postgres/resources/a") "\r\n", 401, "realm=\"postgres\""},
    {GET("/postgresql") "\r\n", 404, "\"code\":404"},
    {"GET /nowhere HTTP/1.1\r\n" HOST "\r\n", 401, "\"code\":401"},
};

static void test_answered(void **state)
{
	struct harness *harness = *state;

	for (size_t i = 0; i < sizeof(answered) / sizeof(answered[0]); i++) {
		for (size_t step = 0; step < 2; step++) {
			const char *request = answered[i].request;
			/* a good login, so that none of the failures is slowed down */
			assert_int_equal(harness_exchange(harness, GET("/") "\r\n"), 200);
			int status = harness_exchange_bytes(harness, request, strlen(request), step);
			if (status != answered[i].status || strstr(harness->reply, answered[i].found) == NULL)
				print_message("row %zu: %.60s\n%s\n", i, request, harness->reply);
			assert_int_equal(status, answered[i].status);
			assert_non_null(strstr(harness->reply, answered[i].found));
			assert_int_equal(harness->last_status, status);
		}
	}
}

static void test_no_site(void **state)
{
	struct http_options options = harness_options();
	struct harness *harness = malloc(sizeof(*harness));

	(void)state;
	assert_non_null(harness);
	options.sites++;
	options.site_count = 1;
	harness_open(harness, &options);
	assert_int_equal(harness_exchange(harness, "GET / HTTP/1.1\r\n" HOST "\r\n"), 404);
	assert_null(strstr(harness->reply, "WWW-Authenticate"));
	assert_string_equal(harness->last_label, "none");
	harness_close(harness);
	free(harness);
}

static void test_head_has_no_body(void **state)
{
	struct harness *harness = *state;

	harness_exchange(harness, "HEAD / HTTP/1.1\r\n" HOST AUTHORIZATION "Connection: close\r\n\r\n");
	assert_true(harness->ended);
	assert_string_equal(strstr(harness->reply, "\r\n\r\n"), "\r\n\r\n");
	harness_exchange(harness, "HEAD /nowhere HTTP/1.1\r\n" HOST AUTHORIZATION "Connection: close\r\n\r\n");
	assert_true(harness->ended);
	assert_string_equal(strstr(harness->reply, "\r\n\r\n"), "\r\n\r\n");
}

static void test_pipelined(void **state)
{
	static const char three[] = GET("/resources/a") "\r\n" GET("/none") "\r\n" GET("/resources/c") "\r\n";
	struct harness *harness = *state;

	for (size_t step = 0; step < 2; step++) {
		int client = harness_connect(harness);
		harness_send(harness, client, three, sizeof(three) - 1, step);
		harness_read_replies(harness, client, 3);
		assert_false(harness->ended);
		const char *second = strstr(harness->reply, "HTTP/1.1 204");
		assert_non_null(second);
		assert_non_null(strstr(second, "name=c"));
		assert_true(strstr(harness->reply, "name=a") < second);
		close(client);
	}
	harness_turn(harness);
	assert_int_equal(harness->accesses, 6);
	assert_int_equal(http_server_pending(harness->server), 0);
}

/* Bytes behind a request that is being handled stay unread, however many, and are answered afterwards. */
static void test_pipelined_behind_a_held_request(void **state)
{
	static const char two[] = GET("/hold") "\r\n" GET("/resources/b") "\r\n";
	struct harness *harness = *state;
	int client = harness_connect(harness);

	harness_send(harness, client, two, sizeof(two) - 1, 0);
	harness_send(harness, client, two + sizeof(GET("/hold") "\r\n") - 1, sizeof(GET("/resources/b") "\r\n") - 1, 1);
	harness_read(harness, client);
	assert_int_equal(harness->reply_length, 0);
	assert_int_equal(http_server_pending(harness->server), 1);
	http_reply_empty(harness->held, 202);
	harness_read_replies(harness, client, 3);
	assert_non_null(strstr(harness->reply, "name=b"));
	assert_int_equal(harness->accesses, 3);
	close(client);
}

static void test_head_limit(void **state)
{
	struct harness *harness = *state;
	char request[8192];

	memcpy(request, GET("/") "X: ", sizeof(GET("/") "X: ") - 1);
	memset(request + sizeof(GET("/") "X: ") - 1, 'a', sizeof(request) - sizeof(GET("/") "X: ") + 1);
	assert_int_equal(harness_exchange_bytes(harness, request, sizeof(request), 0), 431);
	assert_int_equal(harness_exchange_bytes(harness, request, sizeof(request), 100), 431);
	memcpy(request + 4096 - 4, "\r\n\r\n", 4);
	assert_int_equal(harness_exchange_bytes(harness, request, 4096, 0), 200);
	memset(request + 4096 - 4, 'a', 4);
	memcpy(request + 4097 - 4, "\r\n\r\n", 4);
	assert_int_equal(harness_exchange_bytes(harness, request, 4097, 0), 431);
}

static void test_header_count(void **state)
{
	struct harness *harness = *state;
	char request[4096] = GET("/");

	for (size_t i = 0; i < 254; i++)
		strcat(request, "A:\r\n");
	size_t length = strlen(request);
	strcpy(request + length, "\r\n");
	assert_int_equal(harness_exchange(harness, request), 200);
	strcpy(request + length, "A:\r\n\r\n");
	assert_int_equal(harness_exchange(harness, request), 431);
}

static void test_body_limit(void **state)
{
	static const char head[] = "POST /upload HTTP/1.1\r\n" HOST AUTHORIZATION FORM;
	struct harness *harness = *state;
	char *request = malloc(1 << 20);

	assert_non_null(request);
	memset(request, 'a', 1 << 20);
	int length = sprintf(request, "%sContent-Length: 65536\r\n\r\n", head);
	request[length] = 'a';
	assert_int_equal(harness_exchange_bytes(harness, request, (size_t)length + 65536, 0), 200);
	assert_non_null(strstr(harness->reply, "body=65536"));
	length = sprintf(request, "%sTransfer-Encoding: chunked\r\n\r\n8000\r\n", head);
	request[length] = 'a';
	memcpy(request + length + 0x8000, "\r\n8001\r\n", 8);
	assert_int_equal(harness_exchange_bytes(harness, request, (size_t)length + 0x8000 + 8, 4000), 413);
	/* The client sends on long after it was refused, and still gets the answer, not a reset. */
	length = sprintf(request, "%sContent-Length: 900000\r\n\r\n", head);
	request[length] = 'a';
	assert_int_equal(harness_exchange_bytes(harness, request, (size_t)length + 900000, 0), 413);
	assert_true(harness->ended);
	assert_false(harness->reset);
	free(request);
}

static void test_expect_continue(void **state)
{
	static const char head[] =
	    "POST /upload HTTP/1.1\r\n" HOST AUTHORIZATION FORM "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n";
	struct harness *harness = *state;
	int client = harness_connect(harness);

	for (size_t i = 0; i < 2; i++) {
		harness->reply_length = 0;
		harness_send(harness, client, head, sizeof(head) - 1, 0);
		harness_read_replies(harness, client, 1);
		assert_string_equal(harness->reply, "HTTP/1.1 100 Continue\r\n\r\n");
		harness_send(harness, client, "abc", 3, 0);
		harness_read_replies(harness, client, 2);
		assert_non_null(strstr(harness->reply, "HTTP/1.1 200 OK\r\n"));
		assert_non_null(strstr(harness->reply, "body=3"));
	}
	close(client);
}

/* A byte a second does not keep a request alive, in its head or in its body. */
static void test_request_timeout(void **state)
{
	static const char request[] = "POST /upload HTTP/1.1\r\n" HOST AUTHORIZATION "Content-Length: 9999\r\n\r\n"
	                              "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
	static const size_t steps[] = {1, 4}; /* 4: the head takes less than the time there is */
	struct harness *harness = *state;

	for (size_t i = 0; i < 2; i++) {
		int client = harness_connect(harness);
		size_t sent = 0, seconds = 0;
		while (sent + steps[i] < sizeof(request) && harness->reply_length == 0) {
			harness_send(harness, client, request + sent, steps[i], 0);
			sent += steps[i];
			timers_advance(harness->timers, 1000);
			harness_read(harness, client);
			seconds++;
		}
		assert_int_equal(harness_status(harness), 408);
		assert_int_equal(seconds, 30);
		close(client);
	}
}

static void test_idle_timeout(void **state)
{
	struct harness *harness = *state;
	int client = harness_connect(harness);

	harness_send(harness, client, GET("/") "\r\n", sizeof(GET("/") "\r\n") - 1, 0);
	harness_read_replies(harness, client, 1);
	timers_advance(harness->timers, 59999);
	harness_read(harness, client);
	assert_false(harness->ended);
	size_t length = harness->reply_length;
	timers_advance(harness->timers, 1);
	harness_read(harness, client);
	assert_true(harness->ended);
	assert_int_equal(harness->reply_length, length);
	close(client);
}

/* A handler may take longer than any time-out of the connection. */
static void test_held_request_has_no_timeout(void **state)
{
	struct harness *harness = *state;
	int client = harness_connect(harness);

	harness_send(harness, client, GET("/hold") "\r\n", sizeof(GET("/hold") "\r\n") - 1, 0);
	timers_advance(harness->timers, 3600000);
	http_reply_json(harness->held, 200, "{}");
	harness_read_replies(harness, client, 1);
	assert_int_equal(harness_status(harness), 200);
	close(client);
}

/* A client that does not take its reply is dropped when the time is up. */
static void test_unread_reply(void **state)
{
	struct harness *harness = *state;
	int client = harness_connect(harness);

	harness_send(harness, client, GET("/large") "\r\n", sizeof(GET("/large") "\r\n") - 1, 0);
	assert_int_equal(http_server_pending(harness->server), 1);
	timers_advance(harness->timers, 30000);
	harness_turn(harness);
	assert_int_equal(http_server_pending(harness->server), 0);
	close(client);
}

static void test_reply_after_client_left(void **state)
{
	struct harness *harness = *state;

	for (size_t i = 0; i < 2; i++) {
		int client = harness_connect(harness);
		struct linger reset = {.l_onoff = 1, .l_linger = 0};
		harness_send(harness, client, GET("/hold") "\r\n", sizeof(GET("/hold") "\r\n") - 1, 0);
		if (i == 1)
			setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(client);
		harness_turn(harness);
		assert_int_equal(http_server_pending(harness->server), 1);
		assert_string_equal(http_request_path(harness->held), "/hold");
		http_reply_json(harness->held, 200, "{}");
		harness_turn(harness);
		assert_int_equal(http_server_pending(harness->server), 0);
		assert_int_equal(harness->accesses, i + 1);
	}
	assert_int_equal(harness_exchange(harness, GET("/") "\r\n"), 200);
}

static void test_half_closed_client_is_answered(void **state)
{
	struct harness *harness = *state;
	int client = harness_connect(harness);

	assert_true(send(client, GET("/hold") "\r\n", sizeof(GET("/hold") "\r\n") - 1, MSG_NOSIGNAL) > 0);
	shutdown(client, SHUT_WR);
	harness_turn(harness);
	http_reply_json(harness->held, 200, "{\"a\":1}");
	harness_read_replies(harness, client, 1);
	assert_non_null(strstr(harness->reply, "{\"a\":1}"));
	harness_read(harness, client);
	assert_true(harness->ended);
	close(client);
}

/* Also when the reply takes many turns. */
static void test_half_closed_client_gets_all(void **state)
{
	struct harness *harness = *state;
	int client = harness_connect(harness);
	size_t received = 0;

	assert_true(send(client, GET("/large") "\r\n", sizeof(GET("/large") "\r\n") - 1, MSG_NOSIGNAL) > 0);
	shutdown(client, SHUT_WR);
	while (!harness->ended) {
		harness->reply_length = 0;
		harness_read(harness, client);
		received += harness->reply_length;
	}
	assert_false(harness->reset);
	assert_true(received > 8 << 20);
	close(client);
}

/* Connections in every state, and requests that are never replied to, when the server closes. */
static void test_close_drops_all(void **state)
{
	static const char *const starts[] = {"",
	                                     "GE",
	                                     "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nab",
	                                     GET("/hold") "\r\n",
	                                     GET("/large") "\r\n",
	                                     "\x01"};
	struct harness *harness = *state;
	int clients[6];

	for (size_t i = 0; i < 6; i++) {
		clients[i] = harness_connect(harness);
		harness_send(harness, clients[i], starts[i], strlen(starts[i]), 0);
	}
	assert_int_equal(http_server_pending(harness->server), 2);
	http_server_close(harness->server);
	harness->server = NULL;
	for (size_t i = 0; i < 6; i++)
		close(clients[i]);
}

static void test_drain(void **state)
{
	struct harness *harness = *state;
	int client = harness_connect(harness);

	harness_send(harness, client, GET("/hold") "\r\n", sizeof(GET("/hold") "\r\n") - 1, 0);
	http_server_drain(harness->server);
	http_server_drain(harness->server);
	assert_int_equal(http_server_pending(harness->server), 1);
	http_reply_json(harness->held, 200, "{}");
	harness_read_replies(harness, client, 1);
	harness_read(harness, client);
	assert_non_null(strstr(harness->reply, "Connection: close\r\n"));
	assert_true(harness->ended);
	assert_int_equal(http_server_pending(harness->server), 0);
	close(client);
}

#define AS(path, credentials) "GET " path " HTTP/1.1\r\n" HOST "Authorization: Basic " credentials "\r\n\r\n"

/* What has passed once need not be decoded again; that lets nothing else in, and nothing longer than its password. */
static void test_what_passed_before(void **state)
{
	static const char *const other_password[] = {"other"};
	static const struct http_site other = {
	    .path = "/", .username = "user", .passwords = other_password, .password_count = 1};
	struct harness *harness = *state;
	struct http_options next = harness_options();
	struct http_change *change = NULL;
	struct error error;

	next.sites = &other;
	next.site_count = 1;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(harness_exchange(harness, GET("/") "\r\n"), 200);
		assert_int_equal(harness_exchange(harness, AS("/", "dXNlcjpzZWNyZXU=")), 401);     /* user:secreu */
		assert_int_equal(harness_exchange(harness, AS("/postgres", "cGc6cDp3")), 200);     /* pg:p:w */
		assert_int_equal(harness_exchange(harness, AS("/postgres", "cGc6cDpuZXh0")), 200); /* pg:p:next */
		assert_int_equal(harness_exchange(harness, GET("/postgres/resources/a") "\r\n"),
		                 401); /* another site's */
	}
	assert_int_equal(http_server_prepare(&next, &change, &error), 0);
	assert_int_equal(harness_exchange(harness, GET("/") "\r\n"), 200); /* not yet */
	http_change_free(change);
	assert_int_equal(http_server_prepare(&next, &change, &error), 0);
	http_server_enter(harness->server, change);
	assert_int_equal(harness_exchange(harness, GET("/") "\r\n"), 401);
	assert_int_equal(harness_exchange(harness, AS("/", "dXNlcjpvdGhlcg==")), 200);
}

static void test_crowded(void **state)
{
	struct harness *harness = *state;
	struct http_options next = harness_options();
	struct http_change *change = NULL;
	struct error error;
	int first, second;

	next.limits.connections_per_address = 2;
	next.limits.requests = 1;
	assert_int_equal(http_server_prepare(&next, &change, &error), 0);
	http_server_enter(harness->server, change);
	first = harness_connect(harness);
	harness_send(harness, first, GET("/hold") "\r\n", strlen(GET("/hold") "\r\n"), 0);
	second = harness_connect(harness);
	harness_send(harness, second, GET("/") "\r\n", strlen(GET("/") "\r\n"), 0);
	harness_read_replies(harness, second, 1);
	assert_int_equal(harness_status(harness), 503);
	assert_non_null(strstr(harness->reply, "Retry-After: 1"));
	assert_int_equal(harness_exchange(harness, GET("/") "\r\n"), 0); /* a third connection is closed */
	close(first);
	close(second);
}

static void test_address_in_use(void **state)
{
	struct harness *harness = *state;
	struct http_options options = harness_options();
	struct http_address address = {.host = "127.0.0.1", .port = http_server_port(harness->server, 0)};
	struct http_server *second = NULL;
	struct error error;

	options.base = harness->base;
	options.timers = harness->timers;
	options.addresses = &address;
	assert_int_equal(http_server_open(&options, &second, &error), ERR_BUSY);
	assert_null(second);
	address.host = "localhost";
	assert_int_equal(http_server_open(&options, &second, &error), ERR_INVALID);
}

/* Without descriptors the listener pauses instead of spinning, and all is well again afterwards. */
static void test_out_of_descriptors(void **state)
{
	struct harness *harness = *state;
	const char *preloaded = getenv("LD_PRELOAD");
	struct rlimit limit, low;

	/* Valgrind plays the limit itself: the kernel accepts, and the connection is gone. */
	if (preloaded != NULL && strstr(preloaded, "vgpreload") != NULL)
		skip();
	int client = harness_connect(harness);
	int watched = event_base_get_num_events(harness->base, EVENT_BASE_COUNT_ADDED);

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = (rlim_t)client + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	assert_true(send(client, GET("/") "\r\n", sizeof(GET("/") "\r\n") - 1, MSG_NOSIGNAL) > 0);
	harness_turn(harness);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(event_base_get_num_events(harness->base, EVENT_BASE_COUNT_ADDED), watched - 2);
	harness_turn(harness);
	assert_int_equal(harness->accesses, 0);
	timers_advance(harness->timers, 100);
	assert_int_equal(event_base_get_num_events(harness->base, EVENT_BASE_COUNT_ADDED), watched);
	/* Connections are accepted in order, so the waiting one is answered before this one. */
	assert_int_equal(harness_exchange(harness, GET("/") "\r\n"), 200);
	close(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_nothing_is_smuggled, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_ping, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_answered, set_up, tear_down),
	    cmocka_unit_test(test_no_site),
	    cmocka_unit_test_setup_teardown(test_head_has_no_body, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_pipelined, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_pipelined_behind_a_held_request, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_head_limit, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_header_count, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_body_limit, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_expect_continue, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_request_timeout, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_idle_timeout, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_held_request_has_no_timeout, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_unread_reply, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_reply_after_client_left, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_half_closed_client_is_answered, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_half_closed_client_gets_all, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_close_drops_all, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_drain, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_what_passed_before, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_crowded, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_address_in_use, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_out_of_descriptors, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
