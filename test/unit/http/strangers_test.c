/* Connections that have not logged in, and logins that fail: what they cost others, which is nothing. */
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/crowd.h"
#include "http/login.h"
#include "http/throttle.h"
#include "http/turn.h"
#include "unit/http/harness.h"

#define GOOD  GET("/") "\r\n"
#define WRONG "GET / HTTP/1.1\r\n" HOST "Authorization: Basic dXNlcjp3cm9uZw==\r\n\r\n"
#define BARE  "GET / HTTP/1.1\r\n" HOST "\r\n"
#define MANY  300
#define MORE  600

#define PROXIED(client, rest) "GET / HTTP/1.1\r\n" HOST "X-Forwarded-For: " client "\r\n" rest "\r\n\r\n"

static const struct http_limits limits = {
    .header_bytes = 16384, .body_bytes = 65536, .request_timeout = 30000, .idle_timeout = 60000};

static struct harness *open_with(const struct http_limits *wanted, const struct http_proxies *proxies)
{
	static struct harness harness;
	struct http_options options = harness_options();

	options.limits = *wanted;
	if (proxies != NULL)
		options.proxies = *proxies;
	harness_open(&harness, &options);
	return &harness;
}

static int send_from(struct harness *harness, unsigned char host, const char *request)
{
	const int client = harness_connect_from(harness, host);

	harness_send(harness, client, request, strlen(request), 0);
	return client;
}

/* 0: it has not been answered; -1: it was closed without an answer. */
static int status_now(struct harness *harness, int client)
{
	harness->reply_length = 0;
	harness->reply[0] = '\0';
	harness->ended = false;
	harness_read(harness, client);
	return harness->ended && harness->reply_length == 0 ? -1 : harness_status(harness);
}

static void use_up_free_ones(struct harness *harness, unsigned char host)
{
	for (int i = 0; i < THROTTLE_FREE; i++)
		assert_int_equal(harness_exchange_from(harness, host, WRONG), 401);
}

/* After the free ones, many connections get no more answers in a time than one would. */
static void test_guesses_over_many_connections(void **state)
{
	struct harness *harness = open_with(&limits, NULL);
	int clients[MANY], compared = 0, early = 0;

	(void)state;
	use_up_free_ones(harness, 2);
	for (int i = 0; i < MANY; i++)
		clients[i] = send_from(harness, 2, WRONG);
	assert_int_equal(http_server_pending(harness->server), 0); /* they are no requests */
	assert_int_equal(harness_exchange_from(harness, 1, GOOD), 200);
	for (int time = 0; time < THROTTLE_AHEAD + 2 * THROTTLE_MAX; time += 100) {
		timers_advance(harness->timers, 100);
		harness_turn(harness);
	}
	for (int i = 0; i < MANY; i++) {
		const int status = status_now(harness, clients[i]);

		assert_true(status == 401 || status == 429);
		assert_int_equal(status == 429, strstr(harness->reply, "Retry-After: 10") != NULL);
		compared += status == 401;
		early += status == 429;
		close(clients[i]);
	}
	assert_int_equal(compared + early, MANY);
	assert_in_range(compared, 2, THROTTLE_AHEAD / THROTTLE_MAX + 6); /* the first ones' delays are shorter */
	harness_close(harness);
}

/* A right password that comes before its time from a failing address that is not known waits, and is let in then. */
static void test_a_right_password_waits_for_its_moment(void **state)
{
	struct harness *harness = open_with(&limits, NULL);
	int client;

	(void)state;
	use_up_free_ones(harness, 2);
	client = send_from(harness, 2, GOOD);
	assert_int_equal(status_now(harness, client), 0);
	timers_advance(harness->timers, THROTTLE_FIRST - 1);
	assert_int_equal(status_now(harness, client), 0);
	timers_advance(harness->timers, 1);
	assert_int_equal(status_now(harness, client), 200);
	close(client);
	assert_int_equal(harness_exchange_from(harness, 2, GOOD), 200); /* and it is known from now on */
	harness_close(harness);
}

/* Strangers of the same address change nothing for who has logged in from it. */
static void test_a_known_address_is_not_slowed(void **state)
{
	struct harness *harness = open_with(&limits, NULL);
	int clients[MANY], held = 0;

	(void)state;
	assert_int_equal(harness_exchange(harness, GOOD), 200);
	for (int i = 0; i < MANY; i++)
		clients[i] = send_from(harness, 1, WRONG);
	for (int i = 0; i < MANY; i++) {
		const int status = status_now(harness, clients[i]);

		assert_true(status == 401 || status == 0);
		held += status == 0; /* its answer is */
	}
	assert_int_equal(held, MANY - THROTTLE_FREE);
	assert_int_equal(harness_exchange(harness, GOOD), 200);
	timers_advance(harness->timers, LOGIN_HOLD);
	harness_turn(harness);
	assert_int_equal(status_now(harness, clients[THROTTLE_FREE]), 401);
	assert_int_equal(status_now(harness, clients[THROTTLE_FREE + 1]), 0); /* one behind the other */
	timers_advance(harness->timers, (int64_t)MANY * LOGIN_PACE);
	harness_turn(harness);
	assert_int_equal(status_now(harness, clients[MANY - 1]), 401);
	for (int i = 0; i < MANY; i++)
		close(clients[i]);
	harness_close(harness);
}

/* A login that waits may go away, be closed for another, or see the server end. */
static void test_a_waiting_login_may_end(void **state)
{
	struct http_limits narrow = limits;
	struct harness *harness;
	int first, second;

	(void)state;
	narrow.connections = 1;
	harness = open_with(&narrow, NULL);
	use_up_free_ones(harness, 2);
	first = send_from(harness, 2, GOOD);
	assert_int_equal(status_now(harness, first), 0);
	second = send_from(harness, 2, GOOD);
	assert_int_equal(status_now(harness, first), -1);
	assert_int_equal(status_now(harness, second), 0);
	close(second);
	timers_advance(harness->timers, THROTTLE_AHEAD);
	harness_turn(harness);
	assert_int_equal(http_server_pending(harness->server), 0);
	second = send_from(harness, 2, WRONG);
	harness_close(harness);
	close(first);
	close(second);
}

/* Some go at a time, the first that came first; who logs in before its time stays. */
static void test_strangers_beyond_the_limit_leave_at_a_pace(void **state)
{
	static const char rest[] = " HTTP/1.1\r\n" HOST AUTHORIZATION "\r\n";
	struct http_limits narrow = limits;
	struct harness *harness;
	int clients[2 * CROWD_LEAVE + 20];
	const int count = sizeof(clients) / sizeof(clients[0]);

	(void)state;
	narrow.strangers = 20;
	harness = open_with(&narrow, NULL);
	for (int i = 0; i < count; i++)
		clients[i] = send_from(harness, 2, "GET /");
	for (int i = 0; i < count; i++)
		assert_int_equal(status_now(harness, clients[i]), 0);
	harness_send(harness, clients[0], rest, strlen(rest), 0);
	assert_int_equal(status_now(harness, clients[0]), 200);
	timers_advance(harness->timers, CROWD_PACE);
	for (int i = 0; i < count; i++)
		assert_int_equal(status_now(harness, clients[i]), i > 0 && i <= CROWD_LEAVE ? -1 : 0);
	timers_advance(harness->timers, CROWD_PACE);
	for (int i = 0; i < count; i++) {
		assert_int_equal(status_now(harness, clients[i]), i > 0 && i < 2 * CROWD_LEAVE ? -1 : 0);
		close(clients[i]);
	}
	harness_close(harness);
}

static void test_the_oldest_stranger_makes_room(void **state)
{
	struct http_limits narrow = limits;
	struct harness *harness;
	int known, half, last;

	(void)state;
	narrow.connections = 3;
	harness = open_with(&narrow, NULL);
	known = send_from(harness, 1, GOOD);
	assert_int_equal(status_now(harness, known), 200);
	half = send_from(harness, 2, "GET / HT");
	harness_turn(harness);
	last = send_from(harness, 2, "GET /");
	assert_int_equal(status_now(harness, half), 0);
	assert_int_equal(status_now(harness, last), 0);
	assert_int_equal(harness_exchange(harness, GOOD), 200);
	assert_int_equal(status_now(harness, half), -1);
	harness_send(harness, known, GOOD, strlen(GOOD), 0);
	assert_int_equal(status_now(harness, known), 200);
	close(half);
	close(last);
	close(known);
	harness_close(harness);
}

/* One that fails its next login is a stranger again; one that is only asked for what is open stays what it is. */
static void expect_stranger_after(const char *request)
{
	struct http_limits narrow = limits;
	struct harness *harness;
	int client, other;

	narrow.strangers = 1;
	harness = open_with(&narrow, NULL);
	client = send_from(harness, 1, GOOD);
	assert_int_equal(status_now(harness, client), 200);
	other = send_from(harness, 2, "GET");
	harness_turn(harness);
	harness_send(harness, client, request, strlen(request), 0);
	assert_int_equal(status_now(harness, client), 401);
	assert_int_equal(harness_exchange_from(harness, 3, GOOD), 200);
	timers_advance(harness->timers, CROWD_PACE);
	assert_int_equal(status_now(harness, other), -1);
	assert_int_equal(status_now(harness, client), -1);
	close(client);
	close(other);
	harness_close(harness);
}

static void test_a_failed_login_makes_a_stranger(void **state)
{
	(void)state;
	expect_stranger_after(WRONG);
	expect_stranger_after("GET / HTTP/1.1\r\n" HOST "\r\n"); /* without a password */
}

/* So does one that came too early, on the connection of a proxy by which another client has logged in. */
static void test_an_early_login_makes_a_stranger(void **state)
{
	static const char good[] = PROXIED("192.0.2.2", "Authorization: Basic dXNlcjpzZWNyZXQ=");
	static const char wrong[] = PROXIED("192.0.2.1", "Authorization: Basic dXNlcjp3cm9uZw==");
	struct http_limits narrow = limits;
	struct network network;
	const struct http_proxies proxies = {.networks = &network, .count = 1};
	struct harness *harness;
	int client, other;

	(void)state;
	narrow.strangers = 1;
	assert_int_equal(network_parse("127.0.0.9", &network, NULL), 0);
	harness = open_with(&narrow, &proxies);
	for (int i = 0; i < THROTTLE_FREE; i++)
		assert_int_equal(harness_exchange_from(harness, 9, wrong), 401);
	client = send_from(harness, 9, good);
	assert_int_equal(status_now(harness, client), 200);
	harness_send(harness, client, wrong, strlen(wrong), 0);
	assert_int_equal(status_now(harness, client), 0);
	other = send_from(harness, 2, "GET");
	harness_turn(harness);
	timers_advance(harness->timers, CROWD_PACE - 1);
	timers_advance(harness->timers, 1);
	harness_turn(harness);
	assert_int_equal(status_now(harness, other), 0);
	assert_int_equal(status_now(harness, client), -1);
	close(client);
	close(other);
	harness_close(harness);
}

/* What waits holds no body: nobody will read it. */
static void test_what_came_early_holds_no_body(void **state)
{
	static char request[20000];
	struct http_limits narrow = limits;
	struct harness *harness;
	int clients[8];

	(void)state;
	narrow.body_bytes_total = 30000;
	harness = open_with(&narrow, NULL);
	use_up_free_ones(harness, 2);
	snprintf(request, sizeof(request), "POST / HTTP/1.1\r\n%sContent-Length: 18000\r\n%s\r\n%018000d", HOST,
	         "Authorization: Basic dXNlcjp3cm9uZw==\r\n", 0);
	for (int i = 0; i < 8; i++) { /* after the first few there is no free moment that is near */
		clients[i] = send_from(harness, 2, WRONG);
		harness_turn(harness);
	}
	for (int i = 0; i < 8; i++)
		close(clients[i]);
	for (int i = 0; i < 3; i++) {
		clients[i] = send_from(harness, 2, request);
		assert_int_equal(status_now(harness, clients[i]), 0);
	}
	for (int i = 0; i < 3; i++)
		close(clients[i]);
	harness_close(harness);
}

static void test_strangers_of_an_address(void **state)
{
	struct http_limits narrow = limits;
	struct harness *harness;
	int other, clients[6];

	(void)state;
	narrow.strangers_per_address = 3;
	harness = open_with(&narrow, NULL);
	other = send_from(harness, 3, "GET");
	for (int i = 0; i < 6; i++)
		clients[i] = send_from(harness, 2, "GET");
	harness_turn(harness);
	timers_advance(harness->timers, CROWD_PACE);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(status_now(harness, clients[i]), i < 3 ? -1 : 0);
		close(clients[i]);
	}
	assert_int_equal(status_now(harness, other), 0);
	close(other);
	harness_close(harness);
}

/* What a proxy says tells its clients apart; what others say of themselves does not. */
static void test_clients_of_a_proxy(void **state)
{
	struct network network;
	const struct http_proxies proxies = {.networks = &network, .count = 1};
	struct http_limits narrow = limits;
	struct harness *harness;
	int clients[6];

	(void)state;
	narrow.strangers_per_address = 2;
	assert_int_equal(network_parse("127.0.0.9", &network, NULL), 0);
	harness = open_with(&narrow, &proxies);
	for (int i = 0; i < 6; i++)
		clients[i] = send_from(harness, 9, "GET");
	timers_advance(harness->timers, CROWD_PACE);
	assert_int_equal(status_now(harness, clients[0]), 0); /* it is not one address */
	for (int i = 0; i < THROTTLE_FREE; i++)
		assert_int_equal(
		    harness_exchange_from(harness, 9, PROXIED("192.0.2.1", "Authorization: Basic dXNlcjp3cm9uZw==")),
		    401);
	assert_string_equal(harness->last_peer, "192.0.2.1");
	close(clients[0]);
	clients[0] = send_from(harness, 9, PROXIED("192.0.2.1", "Authorization: Basic dXNlcjpzZWNyZXQ="));
	assert_int_equal(status_now(harness, clients[0]), 0);
	assert_int_equal(
	    harness_exchange_from(harness, 9, PROXIED("192.0.2.2", "Authorization: Basic dXNlcjpzZWNyZXQ=")), 200);
	assert_string_equal(harness->last_peer, "192.0.2.2");
	use_up_free_ones(harness, 2);
	close(clients[1]);
	clients[1] = send_from(harness, 2, PROXIED("192.0.2.7", "Authorization: Basic dXNlcjpzZWNyZXQ="));
	assert_int_equal(status_now(harness, clients[1]), 0);
	for (int i = 0; i < 6; i++)
		close(clients[i]);
	harness_close(harness);
}

/* A proxy's connection on which one client logged in gives the next one nothing. */
static void test_a_proxys_connection_is_anybodys(void **state)
{
	static const char good[] = PROXIED("192.0.2.2", "Authorization: Basic dXNlcjpzZWNyZXQ=");
	static const char other[] = PROXIED("192.0.2.1", "Authorization: Basic dXNlcjpzZWNyZXQ=");
	struct network network;
	const struct http_proxies proxies = {.networks = &network, .count = 1};
	struct harness *harness;
	int client;

	(void)state;
	assert_int_equal(network_parse("127.0.0.9", &network, NULL), 0);
	harness = open_with(&limits, &proxies);
	for (int i = 0; i < THROTTLE_FREE; i++)
		assert_int_equal(
		    harness_exchange_from(harness, 9, PROXIED("192.0.2.1", "Authorization: Basic dXNlcjp3cm9uZw==")),
		    401);
	client = send_from(harness, 9, good);
	assert_int_equal(status_now(harness, client), 200);
	harness_send(harness, client, other, strlen(other), 0);
	assert_int_equal(status_now(harness, client), 0);
	timers_advance(harness->timers, THROTTLE_FIRST);
	assert_int_equal(status_now(harness, client), 200);
	close(client);
	harness_close(harness);
}

static int send_by_file(struct harness *harness, const char *path, const char *request)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
	harness_send(harness, client, request, strlen(request), 0);
	return client;
}

/* A proxy before a socket file passes on what its client invents beside what it says itself: nobody is named then, and
 * those who are not are one source. */
static void test_who_hides_behind_a_socket_file_is_slowed(void **state)
{
	static const char hidden[] =
	    PROXIED("192.0.2.1", "Forwarded: for=192.0.2.9\r\nAuthorization: Basic dXNlcjp3cm9uZw==");
	static const char named[] = PROXIED("192.0.2.2", "Authorization: Basic dXNlcjpzZWNyZXQ=");
	char directory[] = "/tmp/strangers-XXXXXX", path[64];
	struct http_address address = {.path = path};
	struct http_options options = harness_options();
	struct harness harness;
	int client;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/socket", directory);
	options.limits = limits;
	options.proxies.sockets = true;
	options.addresses = &address;
	harness_open(&harness, &options);
	for (int i = 0; i < THROTTLE_FREE; i++) {
		client = send_by_file(&harness, path, hidden);
		assert_int_equal(status_now(&harness, client), 401);
		close(client);
	}
	client = send_by_file(&harness, path, hidden);
	assert_int_equal(status_now(&harness, client), 0);
	close(client);
	client = send_by_file(&harness, path, named);
	assert_int_equal(status_now(&harness, client), 200);
	close(client);
	harness_close(&harness);
	assert_int_equal(rmdir(directory), 0);
}

/* A reload counts for connections that are there. */
static void test_another_proxy(void **state)
{
	static const char named[] = PROXIED("192.0.2.1", "Authorization: Basic dXNlcjpzZWNyZXQ=");
	struct harness *harness = open_with(&limits, NULL);
	struct http_options next = harness_options();
	struct http_change *change;
	struct network network;
	struct error error;
	int client;

	(void)state;
	assert_int_equal(network_parse("127.0.0.9", &network, NULL), 0);
	next.limits = limits;
	client = send_from(harness, 9, named);
	assert_int_equal(status_now(harness, client), 200);
	assert_memory_equal(harness->last_peer, "127.0.0.9", 9);
	next.proxies = (struct http_proxies){.networks = &network, .count = 1};
	for (int i = 0; i < 2; i++) {
		assert_int_equal(http_server_prepare(&next, &change, &error), 0);
		http_server_enter(harness->server, change);
		harness_send(harness, client, named, strlen(named), 0);
		assert_int_equal(status_now(harness, client), 200);
		assert_memory_equal(harness->last_peer, i == 0 ? "192.0.2.1" : "127.0.0.9", 9);
		next.proxies.count = 0;
	}
	close(client);
	harness_close(harness);
}

/* Requests past their login fill the limit of requests; what is refused does not. */
static void test_refused_ones_are_no_requests(void **state)
{
	struct http_limits narrow = limits;
	struct harness *harness;
	int clients[MANY], held;

	(void)state;
	narrow.requests = 2;
	harness = open_with(&narrow, NULL);
	use_up_free_ones(harness, 2);
	for (int i = 0; i < MANY; i++)
		clients[i] = send_from(harness, 2, WRONG);
	held = send_from(harness, 1, GET("/hold") "\r\n");
	assert_int_equal(harness_exchange(harness, GOOD), 200);
	http_reply_empty(harness->held, 204);
	harness_turn(harness);
	for (int i = 0; i < MANY; i++)
		close(clients[i]);
	close(held);
	harness_close(harness);
}

static int refuse_large_head(struct harness *harness)
{
	char request[LOGIN_HEAD_MAX + 512];
	const int length = snprintf(request, sizeof(request), "GET / HTTP/1.1\r\n%sX: %0*d\r\n%s\r\n", HOST,
	                            LOGIN_HEAD_MAX, 0, "Authorization: Basic dXNlcjpzZWNyZXQ=\r\n");

	assert_in_range(length, LOGIN_HEAD_MAX, sizeof(request) - 1);
	return harness_exchange_from(harness, 2, request);
}

/* The heads of those who wait are small ones, and what came too early holds no body. */
static void test_a_large_head_does_not_wait(void **state)
{
	struct harness *harness = open_with(&limits, NULL);

	(void)state;
	use_up_free_ones(harness, 2);
	assert_int_equal(refuse_large_head(harness), 429);
	assert_true(harness->ended);
	harness_close(harness);
}

/* Who waits for an answer waits for those that wait, too, not for all who ever came and went. */
static void test_only_who_waits_is_waited_for(void **state)
{
	struct harness *harness = open_with(&limits, NULL);
	int client;

	(void)state;
	use_up_free_ones(harness, 2);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(refuse_large_head(harness), 429);
	client = send_from(harness, 2, WRONG);
	assert_int_equal(status_now(harness, client), 0);
	timers_advance(harness->timers, LOGIN_HOLD + LOGIN_PACE);
	assert_int_equal(status_now(harness, client), 429);
	close(client);
	harness_close(harness);
}

/* Without a password, or with something that is none: some are answered at once, and the others wait. */
static void test_who_shows_no_password_is_slowed(void **state)
{
	static const char bearer[] = "GET / HTTP/1.1\r\n" HOST "Authorization: Bearer secret\r\n\r\n";
	struct harness *harness = open_with(&limits, NULL);
	int clients[MANY];

	(void)state;
	for (int i = 0; i < MANY; i++) {
		clients[i] = send_from(harness, 2, i % 2 == 0 ? BARE : bearer);
		assert_int_equal(status_now(harness, clients[i]), i < THROTTLE_FREE ? 401 : 0);
	}
	assert_int_equal(http_server_pending(harness->server), 0);
	assert_int_equal(harness_exchange_from(harness, 3, BARE), 401);
	assert_int_equal(harness_exchange_from(harness, 2, GOOD), 200);
	assert_int_equal(harness_exchange_from(harness, 2, BARE), 401); /* it is known now */
	timers_advance(harness->timers, LOGIN_HOLD + (int64_t)MANY * LOGIN_PACE);
	for (int i = 0; i < MANY; i++) {
		if (i >= THROTTLE_FREE)
			assert_int_equal(status_now(harness, clients[i]), 401);
		close(clients[i]);
	}
	harness_close(harness);
}

static struct harness *open_with_probes(const struct http_limits *wanted)
{
	static const char *const open_paths[] = {"/none", NULL}, *const passwords[] = {"secret"};
	static const struct http_site site = {
	    .path = "/", .username = "user", .passwords = passwords, .password_count = 1, .open_paths = open_paths};
	static struct harness harness;
	struct http_options options = harness_options();

	options.limits = *wanted;
	options.sites = &site;
	options.site_count = 1;
	harness_open(&harness, &options);
	return &harness;
}

static void begin_many(struct harness *harness, int *clients, int count, const char *request)
{
	for (int i = 0; i < count; i++)
		clients[i] = send_from(harness, 2, request);
	harness_turn(harness);
}

static bool is_answered(int client)
{
	char byte;

	return recv(client, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

/* Turns until the client is answered, in each of which some requests of strangers are; how many that were. */
static int turns_until(struct harness *harness, int client)
{
	int turns = 0;

	while (!is_answered(client)) {
		const size_t before = harness->accesses;

		event_base_loop(harness->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		assert_in_range(harness->accesses, before, before + TURN_STRANGERS + 1);
		assert_in_range(++turns, 1, 1000);
	}
	return turns;
}

/* What is asked on many kept connections at one moment, of what needs no password: the others of their address wait
 * for it, other addresses for one of it. */
static void test_a_turn_looks_at_some(void **state)
{
	struct harness *harness = open_with_probes(&limits);
	int clients[MORE], prober, known;
	size_t before;

	(void)state;
	known = send_from(harness, 1, GOOD);
	assert_int_equal(status_now(harness, known), 200);
	prober = send_from(harness, 3, "GET /none HTTP/1.1\r\n" HOST);
	begin_many(harness, clients, MORE, "GET /none HTTP/1.1\r\n" HOST);
	before = harness->accesses;
	for (int i = 0; i < MORE; i++)
		assert_int_equal(send(clients[i], "\r\n", 2, MSG_NOSIGNAL), 2);
	assert_int_equal(send(prober, "\r\n", 2, MSG_NOSIGNAL), 2);
	assert_int_equal(send(known, GOOD, strlen(GOOD), MSG_NOSIGNAL), strlen(GOOD));
	turns_until(harness, known);
	turns_until(harness, prober);
	assert_in_range(harness->accesses, before + 2, before + MORE * 2 / 3);
	turns_until(harness, clients[MORE - 1]);
	for (int i = 0; i < MORE; i++) {
		assert_true(is_answered(clients[i]));
		close(clients[i]);
	}
	close(prober);
	close(known);
	harness_close(harness);
}

/* They began at one moment, and their time is over at one moment. */
static void test_a_turn_ends_some(void **state)
{
	struct harness *harness = open_with(&limits, NULL);
	int clients[MANY];

	(void)state;
	begin_many(harness, clients, MANY, "GET / HTTP/1.1\r\n" HOST);
	timers_advance(harness->timers, limits.request_timeout);
	for (size_t before = 0; before < MANY;) {
		assert_in_range(harness->accesses, before + 1, before + TURN_STRANGERS);
		before = harness->accesses;
		harness_turn(harness);
		timers_advance(harness->timers, TURN_AGAIN);
	}
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(status_now(harness, clients[i]), 408);
		close(clients[i]);
	}
	harness_close(harness);
}

/* One that waits for its turn may end, and what it sent without a pause is all there when the turn comes. */
static void test_who_waits_for_a_turn(void **state)
{
	static const char begin[] = "T /upload HTTP/1.1\r\n" HOST FORM "Content-Length: 4000\r\n"
	                            "Authorization: Basic dXNlcjpzZWNyZXQ=\r\n\r\n";
	struct harness *harness = open_with_probes(&limits);
	int clients[MANY], sender;
	char body[4000];

	(void)state;
	memset(body, 'x', sizeof(body));
	sender = send_from(harness, 2, "POS");
	begin_many(harness, clients, MANY, "GET /none HTTP/1.1\r\n" HOST);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(send(clients[i], "\r\n", 2, MSG_NOSIGNAL), 2);
	assert_int_equal(send(sender, begin, strlen(begin), MSG_NOSIGNAL), strlen(begin));
	event_base_loop(harness->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	for (int i = MANY / 2; i < MANY; i++)
		close(clients[i]);
	assert_int_equal(send(sender, body, sizeof(body), MSG_NOSIGNAL), sizeof(body));
	harness_read_replies(harness, sender, 1);
	assert_int_equal(harness_status(harness), 200);
	assert_non_null(strstr(harness->reply, "body=4000"));
	for (int i = 0; i < MANY / 2; i++) {
		assert_int_equal(status_now(harness, clients[i]), 204);
		close(clients[i]);
	}
	close(sender);
	harness_close(harness);
}

/* However many are waiting to be accepted, a turn of the loop takes some of them. */
static void test_a_turn_accepts_some(void **state)
{
	struct harness *harness = open_with(&limits, NULL);
	int clients[MANY], before;

	(void)state;
	for (int i = 0; i < MANY; i++) {
		clients[i] = harness_connect(harness);
		assert_true(send(clients[i], GOOD, strlen(GOOD), MSG_NOSIGNAL) > 0);
	}
	for (before = 0; before < MANY; before = (int)harness->accesses) {
		event_base_loop(harness->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		assert_in_range(harness->accesses, before, before + 64);
		if (before > 0)
			assert_true((int)harness->accesses > before);
	}
	for (int i = 0; i < MANY; i++)
		close(clients[i]);
	harness_close(harness);
}

/* Out of descriptors, strangers make way. */
static void test_strangers_give_their_descriptors(void **state)
{
	const char *preloaded = getenv("LD_PRELOAD");
	struct harness *harness;
	struct rlimit limit, low;
	int idle, client;

	(void)state;
	if (preloaded != NULL && strstr(preloaded, "vgpreload") != NULL)
		skip(); /* it plays the limit itself */
	harness = open_with(&limits, NULL);
	idle = send_from(harness, 2, "GET");
	harness_turn(harness);
	client = harness_connect(harness);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = (rlim_t)client + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	harness_send(harness, client, GOOD, strlen(GOOD), 0);
	harness_read_replies(harness, client, 1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(harness_status(harness), 200);
	assert_int_equal(status_now(harness, idle), -1);
	close(client);
	close(idle);
	harness_close(harness);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_guesses_over_many_connections),
	    cmocka_unit_test(test_a_right_password_waits_for_its_moment),
	    cmocka_unit_test(test_a_known_address_is_not_slowed),
	    cmocka_unit_test(test_a_waiting_login_may_end),
	    cmocka_unit_test(test_strangers_beyond_the_limit_leave_at_a_pace),
	    cmocka_unit_test(test_the_oldest_stranger_makes_room),
	    cmocka_unit_test(test_a_failed_login_makes_a_stranger),
	    cmocka_unit_test(test_an_early_login_makes_a_stranger),
	    cmocka_unit_test(test_what_came_early_holds_no_body),
	    cmocka_unit_test(test_strangers_of_an_address),
	    cmocka_unit_test(test_clients_of_a_proxy),
	    cmocka_unit_test(test_a_proxys_connection_is_anybodys),
	    cmocka_unit_test(test_who_hides_behind_a_socket_file_is_slowed),
	    cmocka_unit_test(test_another_proxy),
	    cmocka_unit_test(test_refused_ones_are_no_requests),
	    cmocka_unit_test(test_a_large_head_does_not_wait),
	    cmocka_unit_test(test_only_who_waits_is_waited_for),
	    cmocka_unit_test(test_who_shows_no_password_is_slowed),
	    cmocka_unit_test(test_a_turn_looks_at_some),
	    cmocka_unit_test(test_a_turn_ends_some),
	    cmocka_unit_test(test_who_waits_for_a_turn),
	    cmocka_unit_test(test_a_turn_accepts_some),
	    cmocka_unit_test(test_strangers_give_their_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
