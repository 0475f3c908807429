/* Relays, from a listener's socket to that of an active broker, which is played here byte by byte, and back; with a
 * clock that is moved by hand. */
#include <arpa/inet.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "keys.h"
#include "relay/proving.h"
#include "relay/relay.h"
#include "relay/voucher.h"

#define TEXT_SIZE ((size_t)1 << 20)
#define WAIT      5000
#define ID        "0011223344556677"
#define AUTH      "Authorization: Basic dXNlcjpzZWNyZXQ=\r\n"

/* One who may be the active one. */
struct peer {
	int listener, connection;
	char address[64];
};

struct fixture {
	struct event_base *base;
	struct timers *timers;
	struct http_server *server;
	struct keyring *keyring;
	struct relay *relay;
	struct peer peers[2];
	int client;
	bool brief, once;
	int64_t answer_within; /* ms */
	int ends;              /* on_done's calls */
	enum relay_outcome outcome;
	bool was_sent;
	int code;
	char active[64];
	char text[TEXT_SIZE + 1]; /* what was read last */
};

/* ---- the loop ---- */

static void advance(struct fixture *fixture, int64_t ms)
{
	for (int64_t passed = 0; passed <= ms; passed += 10) {
		for (int i = 0; i < 6; i++)
			event_base_loop(fixture->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		timers_advance(fixture->timers, passed < ms ? 10 : 0);
	}
}

static void turn(struct fixture *fixture)
{
	advance(fixture, 10);
}

/* All that comes in a few turns. */
static const char *read_all(struct fixture *fixture, int fd)
{
	size_t length = 0;
	ssize_t got;

	for (int idle = 0; idle < 3; idle++) {
		turn(fixture);
		while ((got = recv(fd, fixture->text + length, TEXT_SIZE - length, MSG_DONTWAIT)) > 0) {
			length += (size_t)got;
			idle = 0;
		}
	}
	fixture->text[length] = '\0';
	return fixture->text;
}

/* What the peer is asked; "": nothing. */
static const char *asked_anything(struct fixture *fixture, struct peer *peer)
{
	turn(fixture);
	if (peer->connection < 0)
		peer->connection = accept4(peer->listener, NULL, NULL, SOCK_CLOEXEC);
	if (peer->connection >= 0)
		return read_all(fixture, peer->connection);
	fixture->text[0] = '\0';
	return fixture->text;
}

static void send_all(struct fixture *fixture, int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		const ssize_t sent = send(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent > 0) {
			bytes += sent;
			length -= (size_t)sent;
		}
		turn(fixture);
		if (sent < 0 && fixture->ends > 0)
			return; /* nobody reads it any more */
	}
}

static void say(struct fixture *fixture, int fd, const char *text)
{
	send_all(fixture, fd, text, strlen(text));
}

/* Shows who it is, as the question in fixture->text wants it, by the keyring. */
static void prove(struct fixture *fixture, struct peer *peer, const struct keyring *keyring)
{
	struct proving proving = {.keyring = keyring,
	                          .listener = RELAY_SERVICE,
	                          .name = peer == &fixture->peers[0] ? "first" : "third",
	                          .address = peer->address};
	char id[65], macs[KEYRING_MACS_SIZE], answer[512];
	const char *voucher = strstr(fixture->text, VOUCHER_HEADER ": second ");

	assert_non_null(voucher);
	assert_int_equal(sscanf(voucher, VOUCHER_HEADER ": second %64s", id), 1);
	proving.id = id;
	proving_sign(&proving, macs);
	snprintf(answer, sizeof(answer), "HTTP/1.1 204 No Content\r\n" PROVING_HEADER ": %s\r\n\r\n", macs);
	say(fixture, peer->connection, answer);
}

static bool is_question(const char *text)
{
	return strncmp(text, "GET " PROVING_TARGET " HTTP/1.1\r\n", sizeof(PROVING_TARGET) + 14) == 0;
}

static void hang_up(struct peer *peer)
{
	close(peer->connection);
	peer->connection = -1;
}

/* What the peer is asked once it has shown who it is. */
static const char *asked(struct fixture *fixture, struct peer *peer)
{
	const char *text = asked_anything(fixture, peer);

	if (!is_question(text))
		return text;
	prove(fixture, peer, fixture->keyring);
	if (fixture->once) /* it has a connection of its own */
		hang_up(peer);
	return asked_anything(fixture, peer);
}

/* ---- what is under test ---- */

static void on_done(void *arg, const struct relay_end *end)
{
	struct http_request *request = arg;
	struct fixture *fixture = http_request_context(request);

	fixture->ends++;
	fixture->outcome = end->outcome;
	fixture->was_sent = end->was_sent;
	fixture->code = end->error->code;
	snprintf(fixture->active, sizeof(fixture->active), "%s", end->active != NULL ? end->active : "");
	if (end->answer != NULL)
		http_reply_passed(request, end->answer);
	else
		http_reply_text(request, 503, "no answer");
}

static void handle(void *arg, struct http_request *request)
{
	struct fixture *fixture = arg;
	const struct relay_request passed = {.http = request,
	                                     .id = ID,
	                                     .wait = WAIT,
	                                     .answer_within = fixture->answer_within,
	                                     .is_brief = fixture->brief,
	                                     .is_once = fixture->once};

	http_request_set_context(request, fixture);
	http_reply_header(request, "X-Own", "1");
	assert_int_equal(relay_pass(fixture->relay, &passed, on_done, request, NULL), 0);
	assert_int_equal(fixture->ends, 0);
}

static const struct http_route routes[] = {
    {"GET", "/a b", handle, "get", NULL},
    {"POST", "/a b", handle, "post", NULL},
    {"DELETE", "/a b", handle, "delete", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static void open_peer(struct peer *peer)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);

	peer->connection = -1;
	peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(peer->listener >= 0);
	assert_int_equal(bind(peer->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(peer->listener, 8), 0);
	assert_int_equal(getsockname(peer->listener, (struct sockaddr *)&address, &length), 0);
	snprintf(peer->address, sizeof(peer->address), "http://127.0.0.1:%u", ntohs(address.sin_port));
}

static void open_server(struct fixture *fixture)
{
	static const struct http_address address = {.host = "127.0.0.1"};
	static const char *const passwords[] = {"secret"};
	static const struct http_site site = {
	    .path = "/", .username = "user", .passwords = passwords, .password_count = 1};
	const struct http_options options = {
	    .base = fixture->base,
	    .timers = fixture->timers,
	    .addresses = &address,
	    .address_count = 1,
	    .limits = {.header_bytes = 65536, .body_bytes = 65536, .request_timeout = 300000, .idle_timeout = 600000},
	    .routes = routes,
	    .sites = &site,
	    .site_count = 1,
	    .arg = fixture,
	};

	assert_int_equal(http_server_open(&options, &fixture->server, NULL), 0);
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct relay_options options = {.listener = RELAY_SERVICE, .name = "second"};
	struct relay_trust *trust = NULL;

	assert_non_null(fixture);
	assert_int_equal(secret_init(NULL), 0);
	fixture->keyring = keys(FIRST_KEY);
	fixture->base = event_base_new();
	fixture->timers = timers_new_manual(784111777000);
	assert_non_null(fixture->base);
	assert_non_null(fixture->timers);
	open_peer(&fixture->peers[0]);
	open_peer(&fixture->peers[1]);
	open_server(fixture);
	options.base = fixture->base;
	options.timers = fixture->timers;
	options.keyring = fixture->keyring;
	assert_int_equal(relay_read_trust(&(struct relay_files){0}, &trust, NULL), 0);
	assert_int_equal(relay_open(&options, trust, &fixture->relay, NULL), 0);
	fixture->client = -1;
	fixture->answer_within = 2 * WAIT;
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	relay_close(fixture->relay);
	http_server_close(fixture->server);
	for (int i = 0; i < 2; i++) {
		close(fixture->peers[i].listener);
		if (fixture->peers[i].connection >= 0)
			close(fixture->peers[i].connection);
	}
	if (fixture->client >= 0)
		close(fixture->client);
	keyring_free(fixture->keyring);
	timers_free(fixture->timers);
	event_base_free(fixture->base);
	free(fixture);
	return 0;
}

static void set_active(struct fixture *fixture, int peer, uint64_t epoch)
{
	static const char *const names[] = {"first", "third"};

	relay_set_active(fixture->relay,
	                 &(struct relay_active){.name = peer >= 0 ? names[peer] : "",
	                                        .address = peer >= 0 ? fixture->peers[peer].address : "",
	                                        .epoch = epoch});
}

static void become_active(struct fixture *fixture)
{
	relay_set_active(fixture->relay,
	                 &(struct relay_active){.is_self = true, .name = "second", .address = "", .epoch = 9});
}

static void ask(struct fixture *fixture, const char *request)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	                              .sin_port = htons(http_server_port(fixture->server, 0))};

	fixture->ends = 0;
	fixture->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fixture->client, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(send(fixture->client, request, strlen(request), 0), strlen(request));
	turn(fixture);
}

static void ask_simply(struct fixture *fixture)
{
	ask(fixture, "GET /a%20b HTTP/1.1\r\nHost: x\r\n" AUTH "\r\n");
}

static void answer_simply(struct fixture *fixture, int peer)
{
	say(fixture, fixture->peers[peer].connection, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
	turn(fixture);
}

static void assert_answered(struct fixture *fixture)
{
	assert_non_null(strstr(read_all(fixture, fixture->client), "HTTP/1.1 200 OK\r\n"));
	assert_int_equal(fixture->ends, 1);
	assert_int_equal(fixture->outcome, RELAY_ANSWERED);
}

/* ---- tests ---- */

static void test_requests_go_through_as_they_came(void **state)
{
	struct fixture *fixture = *state;
	const char *text;

	set_active(fixture, 0, 1);
	ask(fixture, "POST /a%20b?c=%64&e HTTP/1.1\r\nHost: broker.example\r\n" AUTH
	             "Content-Type: application/json\r\nX-Empty:\r\nX-Two: 1\r\nX-Two: 2\r\nTE: trailers\r\n"
	             "Connection: keep-alive, x-mine\r\nX-Mine: secret\r\nX-Mine-Not: 3\r\nExpect: 100-continue\r\n"
	             "X-More: secret\r\nConnection: x-more\r\n"
	             "X-Tsuru-Broker-Forwarded: forged\r\nContent-Length: 9\r\n\r\n{\"a\":\"1\"}");
	text = asked(fixture, &fixture->peers[0]);
	assert_memory_equal(text, "POST /a%20b?c=%64&e HTTP/1.1\r\n", 30);
	assert_non_null(strstr(text, "\r\nHost: broker.example\r\n"));
	assert_non_null(strstr(text, "\r\n" AUTH));
	assert_non_null(strstr(text, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(text, "\r\nX-Empty:\r\n"));
	assert_non_null(strstr(text, "\r\nX-Two: 1\r\nX-Two: 2\r\n"));
	assert_non_null(strstr(text, "\r\nX-Mine-Not: 3\r\n"));
	assert_non_null(strstr(text, "\r\nContent-Length: 9\r\n"));
	assert_non_null(strstr(text, "\r\n\r\n{\"a\":\"1\"}"));
	assert_non_null(strstr(text, "\r\n" VOUCHER_HEADER ": second " ID " 127.0.0.1%3A"));
	for (const char *const *none = (const char *const[]){"forged", "X-Mine: ", "X-More: ", "TE:", "Expect",
	                                                     "Accept", "User-Agent", "keep-alive", NULL};
	     *none != NULL; none++)
		assert_null(strstr(text, *none));
	answer_simply(fixture, 0);
	assert_answered(fixture);
}

static void test_requests_without_a_body(void **state)
{
	struct fixture *fixture = *state;
	const char *text;

	set_active(fixture, 0, 1);
	ask_simply(fixture);
	text = asked(fixture, &fixture->peers[0]);
	assert_memory_equal(text, "GET /a%20b HTTP/1.1\r\n", 21);
	assert_null(strstr(text, "Content-"));
	answer_simply(fixture, 0);
	assert_answered(fixture);
	close(fixture->client);
	ask(fixture, "DELETE /a%20b HTTP/1.1\r\nHost: x\r\n" AUTH "\r\n"); /* by the same handle and connection */
	text = asked(fixture, &fixture->peers[0]);
	assert_memory_equal(text, "DELETE /a%20b HTTP/1.1\r\n", 24);
	assert_non_null(strstr(text, "\r\nContent-Length: 0\r\n"));
	assert_null(strstr(text, "Content-Type"));
	say(fixture, fixture->peers[0].connection, "HTTP/1.1 204 No Content\r\nX-One: 1\r\n\r\n");
	text = read_all(fixture, fixture->client);
	assert_non_null(strstr(text, "HTTP/1.1 204 No Content\r\nX-One: 1\r\n"));
	close(fixture->client);
	ask(fixture, "HEAD /a%20b HTTP/1.1\r\nHost: x\r\n" AUTH "\r\n");
	assert_memory_equal(asked(fixture, &fixture->peers[0]), "HEAD /a%20b HTTP/1.1\r\n", 22);
	say(fixture, fixture->peers[0].connection, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
	text = read_all(fixture, fixture->client);
	assert_non_null(strstr(text, "\r\nContent-Length: 9\r\n"));
	assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\n");
}

static void test_answers_go_through_as_they_are(void **state)
{
	struct fixture *fixture = *state;
	const char *text;

	set_active(fixture, 0, 1);
	ask_simply(fixture);
	assert_non_null(strstr(asked(fixture, &fixture->peers[0]), "GET "));
	say(fixture, fixture->peers[0].connection,
	    "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n"
	    "HTTP/1.1 409 Other\r\nContent-Type: x/y\r\nX-Two: 1\r\nX-Two:  2 \r\nX-Empty:\r\nKeep-Alive: timeout=5\r\n"
	    "Date: then\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\n");
	text = read_all(fixture, fixture->client);
	assert_memory_equal(text, "HTTP/1.1 409 Conflict\r\n", 23);
	assert_non_null(strstr(text, "\r\nContent-Type: x/y\r\nX-Two: 1\r\nX-Two: 2\r\nX-Empty: \r\nDate: then\r\n"));
	assert_non_null(strstr(text, "\r\nContent-Length: 5\r\n"));
	assert_non_null(strstr(text, "\r\n\r\nabcde"));
	for (const char *const *none =
	         (const char *const[]){"X-Early", "Keep-Alive", "chunked", "X-Trailer", "X-Own", NULL};
	     *none != NULL; none++)
		assert_null(strstr(text, *none));
}

static void test_an_answer_that_is_cut_off_is_asked_for_again(void **state)
{
	static const char *const cut[] = {"", "HTTP/1.1 200 OK\r\nContent-Le",
	                                  "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab"};
	struct fixture *fixture = *state;

	set_active(fixture, 0, 1);
	ask_simply(fixture);
	for (size_t i = 0; i < sizeof(cut) / sizeof(*cut); i++) {
		assert_non_null(strstr(asked(fixture, &fixture->peers[0]), "second " ID));
		say(fixture, fixture->peers[0].connection, cut[i]);
		hang_up(&fixture->peers[0]);
		turn(fixture);
		assert_int_equal(fixture->ends, 0);
		advance(fixture, 100);
	}
	assert_non_null(strstr(asked(fixture, &fixture->peers[0]), "second " ID));
	answer_simply(fixture, 0);
	assert_answered(fixture);
	assert_string_equal(fixture->active, "first");
}

/* Something else may listen there, or somebody who means harm. */
static void test_what_no_broker_answers_is_asked_for_again(void **state)
{
	static const char *const odd[] = {"HTTP/1.1 101 Switching Protocols\r\nContent-Length: 2\r\n\r\n[]",
	                                  "HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\n[]",
	                                  "HTTP/1.1 200 OK\r\n folded: 1\r\nContent-Length: 2\r\n\r\n[]"};
	struct fixture *fixture = *state;

	set_active(fixture, 0, 1);
	ask_simply(fixture);
	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		assert_non_null(strstr(asked(fixture, &fixture->peers[0]), "second " ID));
		say(fixture, fixture->peers[0].connection, odd[i]);
		hang_up(&fixture->peers[0]);
		advance(fixture, 10);
		assert_int_equal(fixture->ends, 0);
		advance(fixture, 100);
	}
	assert_non_null(strstr(asked(fixture, &fixture->peers[0]), "second " ID));
	answer_simply(fixture, 0);
	assert_answered(fixture);
}

/* A length may be told of a body that does not come. */
static void test_answers_without_a_body(void **state)
{
	static const char *const bodiless[] = {"304 Not Modified", "204 No Content"};
	struct fixture *fixture = *state;
	char answer[128];

	set_active(fixture, 0, 1);
	for (size_t i = 0; i < sizeof(bodiless) / sizeof(*bodiless); i++) {
		ask_simply(fixture);
		assert_non_null(strstr(asked(fixture, &fixture->peers[0]), ID));
		snprintf(answer, sizeof(answer), "HTTP/1.1 %s\r\nContent-Length: 99999999\r\nX-One: 1\r\n\r\n",
		         bodiless[i]);
		say(fixture, fixture->peers[0].connection, answer);
		assert_non_null(strstr(read_all(fixture, fixture->client), "\r\nX-One: 1\r\n"));
		close(fixture->client);
		hang_up(&fixture->peers[0]);
	}
}

static void test_names_that_others_read_otherwise_stay_here(void **state)
{
	struct fixture *fixture = *state;
	const char *text;

	set_active(fixture, 0, 1);
	ask_simply(fixture);
	assert_non_null(strstr(asked(fixture, &fixture->peers[0]), ID));
	say(fixture, fixture->peers[0].connection,
	    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-One: 1\r\n Content-Length: 7\r\nContent-Length : 5\r\n"
	    "Transfer-Encoding : chunked\r\n: 1\r\nX-Two: 2\r\n\r\n[]");
	text = read_all(fixture, fixture->client);
	assert_memory_equal(text, "HTTP/1.1 200 OK\r\n", 17);
	assert_non_null(strstr(text, "\r\nX-One: 1\r\nX-Two: 2\r\nContent-Length: 2\r\n"));
	assert_null(strstr(text, "Transfer-Encoding"));
	assert_null(strstr(text, "\r\n "));
	assert_null(strstr(text, " :"));
}

/* Whoever has the address by now, and what a broker had answered to somebody else. */
static void test_nothing_is_sent_to_who_does_not_show_who_it_is(void **state)
{
	static const char *const odd[] = {
	    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
	    "HTTP/1.1 204 No Content\r\n\r\n",
	    "HTTP/1.1 204 No Content\r\n" PROVING_HEADER ":\r\n\r\n",
	    "HTTP/1.1 204 No Content\r\n" PROVING_HEADER ": 00112233445566778899aabbccddeeff\r\n\r\n",
	    "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
	    "HTTP/1.1 503 No\r\n" RELAY_STANDBY_HEADER ": 1\r\nContent-Length: 0\r\n\r\n",
	    "",
	};
	struct fixture *fixture = *state;
	struct peer *peer = &fixture->peers[0];
	struct keyring *other = keys(OTHER_KEY);
	char before[512] = "";

	set_active(fixture, 0, 1);
	ask_simply(fixture);
	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		assert_true(is_question(asked_anything(fixture, peer)));
		assert_null(strstr(fixture->text, "Authorization"));
		assert_string_not_equal(fixture->text, before);
		snprintf(before, sizeof(before), "%.511s", fixture->text);
		say(fixture, peer->connection, odd[i]);
		hang_up(peer);
		advance(fixture, 100);
	}
	assert_true(is_question(asked_anything(fixture, peer)));
	prove(fixture, peer, other);
	hang_up(peer);
	advance(fixture, 100);
	assert_true(is_question(asked_anything(fixture, peer)));
	strcpy(fixture->text, before); /* it answers the earlier question */
	prove(fixture, peer, fixture->keyring);
	hang_up(peer);
	keyring_free(other);
	advance(fixture, WAIT);
	assert_int_equal(fixture->outcome, RELAY_LATE);
	assert_false(fixture->was_sent);
	assert_string_equal(fixture->active, "first");
	assert_int_equal(fixture->code, ERR_UNAVAILABLE);
}

static void test_each_active_one_shows_who_it_is(void **state)
{
	struct fixture *fixture = *state;
	struct peer *peer = &fixture->peers[0];

	for (uint64_t epoch = 1; epoch < 4; epoch++) {
		set_active(fixture, 0, epoch);
		ask_simply(fixture);
		assert_true(is_question(asked_anything(fixture, peer)));
		prove(fixture, peer, fixture->keyring);
		assert_non_null(strstr(asked_anything(fixture, peer), ID));
		answer_simply(fixture, 0);
		assert_answered(fixture);
		close(fixture->client);
		ask_simply(fixture); /* once is enough */
		assert_non_null(strstr(asked_anything(fixture, peer), ID));
		answer_simply(fixture, 0);
		assert_answered(fixture);
		close(fixture->client);
	}
	fixture->client = -1;
}

/* It is replaced while it is asked, and asked once more when the relay ends. */
static void test_a_question_that_is_left(void **state)
{
	struct fixture *fixture = *state;

	set_active(fixture, 0, 1);
	ask_simply(fixture);
	assert_true(is_question(asked_anything(fixture, &fixture->peers[0])));
	set_active(fixture, 1, 2);
	assert_true(is_question(asked_anything(fixture, &fixture->peers[1])));
	prove(fixture, &fixture->peers[1], fixture->keyring);
	assert_non_null(strstr(asked_anything(fixture, &fixture->peers[1]), ID));
	answer_simply(fixture, 1);
	assert_answered(fixture);
	close(fixture->client);
	hang_up(&fixture->peers[0]);
	set_active(fixture, 0, 3);
	ask_simply(fixture);
	assert_true(is_question(asked_anything(fixture, &fixture->peers[0])));
	become_active(fixture);
	assert_int_equal(fixture->outcome, RELAY_OWN);
	close(fixture->client);
	hang_up(&fixture->peers[0]);
	set_active(fixture, 0, 4);
	ask_simply(fixture);
	assert_true(is_question(asked_anything(fixture, &fixture->peers[0])));
}

static void test_one_that_stands_by_is_no_active_one(void **state)
{
	struct fixture *fixture = *state;

	set_active(fixture, 0, 1);
	ask_simply(fixture);
	assert_non_null(strstr(asked(fixture, &fixture->peers[0]), ID));
	say(fixture, fixture->peers[0].connection,
	    "HTTP/1.1 503 No\r\n" RELAY_STANDBY_HEADER ": 1\r\nContent-Length: 0\r\n\r\n");
	turn(fixture);
	assert_int_equal(fixture->ends, 0);
	set_active(fixture, 1, 2);
	assert_non_null(strstr(asked(fixture, &fixture->peers[1]), ID));
	/* Any other 503 is an answer. */
	say(fixture, fixture->peers[1].connection, "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
	assert_non_null(strstr(read_all(fixture, fixture->client), "HTTP/1.1 503 "));
	assert_int_equal(fixture->outcome, RELAY_ANSWERED);
	assert_string_equal(fixture->active, "third");
}

static void test_held_until_there_is_an_active_one(void **state)
{
	struct fixture *fixture = *state;

	set_active(fixture, -1, 1);
	ask_simply(fixture);
	advance(fixture, WAIT - 100);
	assert_int_equal(fixture->ends, 0);
	set_active(fixture, 0, 2);
	assert_non_null(strstr(asked(fixture, &fixture->peers[0]), ID));
	advance(fixture, WAIT); /* once it is sent, its time does not run */
	assert_int_equal(fixture->ends, 0);
	answer_simply(fixture, 0);
	assert_answered(fixture);
}

static void test_late(void **state)
{
	struct fixture *fixture = *state;

	set_active(fixture, -1, 1);
	ask_simply(fixture);
	advance(fixture, WAIT - 100);
	assert_int_equal(fixture->ends, 0);
	advance(fixture, 100);
	assert_int_equal(fixture->ends, 1);
	assert_int_equal(fixture->outcome, RELAY_LATE);
	assert_false(fixture->was_sent);
	assert_string_equal(fixture->active, "");
	assert_int_equal(fixture->code, 0);
}

/* What only reads has its time, whoever has it. */
static void test_brief_ones_are_late_when_they_are_sent_too(void **state)
{
	struct fixture *fixture = *state;

	fixture->brief = true;
	set_active(fixture, 0, 1);
	ask_simply(fixture);
	assert_non_null(strstr(asked(fixture, &fixture->peers[0]), ID));
	advance(fixture, WAIT);
	assert_int_equal(fixture->ends, 1);
	assert_int_equal(fixture->outcome, RELAY_LATE);
	assert_true(fixture->was_sent);
}

/* One that is the active one still, and has it, would take as long again. libcurl counts by the real clock. */
static void test_no_answer_in_time_is_late(void **state)
{
	struct fixture *fixture = *state;

	fixture->answer_within = 3000; /* a busy machine has to be asked within it */
	set_active(fixture, 0, 1);
	ask_simply(fixture);
	assert_non_null(strstr(asked(fixture, &fixture->peers[0]), ID));
	assert_int_equal(fixture->ends, 0);
	usleep(3010 * 1000);
	advance(fixture, 3010);
	assert_int_equal(fixture->ends, 1);
	assert_int_equal(fixture->outcome, RELAY_LATE);
	assert_true(fixture->was_sent);
	assert_int_equal(fixture->code, ERR_TIMEOUT);
	assert_string_equal(fixture->active, "first");
}

/* Its time does not run while somebody has it: not even somebody who takes it again and again, and answers nothing. */
static void test_one_who_never_answers_is_late(void **state)
{
	struct fixture *fixture = *state;
	int64_t passed = 0;

	set_active(fixture, 0, 1);
	ask_simply(fixture);
	for (; fixture->ends == 0 && passed < 4 * WAIT; passed += 1100) {
		assert_non_null(strstr(asked(fixture, &fixture->peers[0]), ID));
		advance(fixture, 1000);
		hang_up(&fixture->peers[0]);
		advance(fixture, 100);
	}
	assert_in_range(passed, 2 * WAIT - 1100, 2 * WAIT + 1100);
	assert_int_equal(fixture->outcome, RELAY_LATE);
	assert_true(fixture->was_sent);
	assert_int_equal(fixture->ends, 1);
}

static void test_another_one_has_its_own_time(void **state)
{
	struct fixture *fixture = *state;

	set_active(fixture, 0, 1);
	ask_simply(fixture);
	assert_non_null(strstr(asked(fixture, &fixture->peers[0]), ID));
	advance(fixture, 2 * WAIT - 500);
	set_active(fixture, 1, 2);
	advance(fixture, 1500);
	assert_non_null(strstr(asked(fixture, &fixture->peers[1]), ID));
	advance(fixture, WAIT);
	answer_simply(fixture, 1);
	assert_answered(fixture);
}

static void test_nobody_listens(void **state)
{
	struct fixture *fixture = *state;

	close(fixture->peers[0].listener);
	fixture->peers[0].listener = -1;
	set_active(fixture, 0, 1);
	ask_simply(fixture);
	advance(fixture, WAIT);
	assert_int_equal(fixture->outcome, RELAY_LATE);
	assert_false(fixture->was_sent);
	assert_int_equal(fixture->code, ERR_UNAVAILABLE);
	assert_string_equal(fixture->active, "first");
}

static void test_given_back(void **state)
{
	struct fixture *fixture = *state;

	set_active(fixture, -1, 1);
	ask_simply(fixture);
	become_active(fixture);
	assert_int_equal(fixture->ends, 1);
	assert_int_equal(fixture->outcome, RELAY_OWN);
	close(fixture->client);
	/* What comes to one that is the active one, as it has just ceased to be that, waits for the next word. */
	ask_simply(fixture);
	assert_int_equal(fixture->ends, 0);
	set_active(fixture, 0, 10);
	assert_non_null(strstr(asked(fixture, &fixture->peers[0]), ID));
}

static void test_taken_back_from_one_that_is_replaced(void **state)
{
	struct fixture *fixture = *state;

	set_active(fixture, 0, 1);
	ask_simply(fixture);
	assert_non_null(strstr(asked(fixture, &fixture->peers[0]), ID));
	set_active(fixture, 1, 2);
	advance(fixture, 900);
	assert_string_equal(asked(fixture, &fixture->peers[1]), "");
	advance(fixture, 100);
	assert_non_null(strstr(asked(fixture, &fixture->peers[1]), ID));
	answer_simply(fixture, 1);
	assert_answered(fixture);
	assert_string_equal(fixture->active, "third");
}

static void test_the_former_ones_answer_counts_for_a_second(void **state)
{
	struct fixture *fixture = *state;

	set_active(fixture, 0, 1);
	ask_simply(fixture);
	assert_non_null(strstr(asked(fixture, &fixture->peers[0]), ID));
	set_active(fixture, 1, 2);
	advance(fixture, 500);
	answer_simply(fixture, 0);
	assert_answered(fixture);
	assert_string_equal(fixture->active, "first");
}

/* That it answers does not mean that the next one does: who waits for that one's pause to end goes on waiting. */
static void test_the_former_ones_answer_ends_no_pause(void **state)
{
	struct fixture *fixture = *state;
	int first_client;

	set_active(fixture, 0, 1);
	ask_simply(fixture);
	assert_non_null(strstr(asked(fixture, &fixture->peers[0]), ID));
	first_client = fixture->client;
	set_active(fixture, 1, 2);
	ask_simply(fixture);
	assert_non_null(strstr(asked(fixture, &fixture->peers[1]), ID));
	hang_up(&fixture->peers[1]); /* a connection that the proof came by: libcurl tries another */
	assert_non_null(strstr(asked(fixture, &fixture->peers[1]), ID));
	hang_up(&fixture->peers[1]);
	turn(fixture);
	answer_simply(fixture, 0);
	assert_int_equal(fixture->ends, 1);
	assert_string_equal(asked(fixture, &fixture->peers[1]), "");
	advance(fixture, 100);
	assert_non_null(strstr(asked(fixture, &fixture->peers[1]), ID));
	close(first_client);
}

/* Nobody knows whether what broke off was done: no other is asked. */
static void test_once_is_not_sent_again(void **state)
{
	struct fixture *fixture = *state;

	fixture->once = true;
	set_active(fixture, 0, 1);
	ask_simply(fixture);
	assert_non_null(strstr(asked(fixture, &fixture->peers[0]), ID));
	hang_up(&fixture->peers[0]);
	turn(fixture);
	assert_int_equal(fixture->ends, 1);
	assert_int_equal(fixture->outcome, RELAY_BROKEN);
	assert_true(fixture->was_sent);
	assert_string_equal(fixture->active, "first");
}

/* Nor is it by libcurl, which repeats what a kept connection was closed with. */
static void test_once_has_a_connection_of_its_own(void **state)
{
	struct fixture *fixture = *state;
	int kept;

	set_active(fixture, 0, 1);
	ask_simply(fixture);
	assert_non_null(strstr(asked(fixture, &fixture->peers[0]), ID));
	answer_simply(fixture, 0);
	assert_answered(fixture);
	close(fixture->client);
	kept = fixture->peers[0].connection;
	fixture->peers[0].connection = -1;
	fixture->once = true;
	ask_simply(fixture);
	assert_string_equal(read_all(fixture, kept), "");
	close(kept);
	assert_non_null(strstr(asked(fixture, &fixture->peers[0]), ID));
	hang_up(&fixture->peers[0]);
	turn(fixture);
	assert_int_equal(fixture->ends, 1);
	assert_int_equal(fixture->outcome, RELAY_BROKEN);
}

static void test_once_is_not_taken_back(void **state)
{
	struct fixture *fixture = *state;

	fixture->once = true;
	set_active(fixture, 0, 1);
	ask_simply(fixture);
	assert_non_null(strstr(asked(fixture, &fixture->peers[0]), ID));
	set_active(fixture, 1, 2);
	advance(fixture, 900);
	assert_int_equal(fixture->ends, 0);
	advance(fixture, 200);
	assert_int_equal(fixture->ends, 1);
	assert_int_equal(fixture->outcome, RELAY_BROKEN);
	assert_string_equal(fixture->active, "first");
	assert_string_equal(asked(fixture, &fixture->peers[1]), "");
}

/* Who stands by has not done it, and who is not reached has not even heard of it. */
static void test_once_goes_to_the_next_where_nobody_began(void **state)
{
	struct fixture *fixture = *state;

	fixture->once = true;
	set_active(fixture, 0, 1);
	ask_simply(fixture);
	assert_non_null(strstr(asked(fixture, &fixture->peers[0]), ID));
	say(fixture, fixture->peers[0].connection,
	    "HTTP/1.1 503 Service Unavailable\r\nX-Tsuru-Broker-Standby: 1\r\nContent-Length: 2\r\n\r\nno");
	hang_up(&fixture->peers[0]);
	close(fixture->peers[0].listener);
	advance(fixture, 400);
	assert_int_equal(fixture->ends, 0);
	set_active(fixture, 1, 2);
	assert_non_null(strstr(asked(fixture, &fixture->peers[1]), ID));
	answer_simply(fixture, 1);
	assert_answered(fixture);
	assert_string_equal(fixture->active, "third");
}

static void test_a_client_that_has_gone(void **state)
{
	struct fixture *fixture = *state;

	set_active(fixture, -1, 1);
	ask_simply(fixture);
	close(fixture->client);
	fixture->client = -1;
	set_active(fixture, 0, 2);
	turn(fixture);
	assert_string_equal(asked(fixture, &fixture->peers[0]), "");
	assert_int_equal(fixture->outcome, RELAY_LEFT);
}

static void test_answers_that_are_too_large(void **state)
{
	struct fixture *fixture = *state;
	char *large = malloc(TEXT_SIZE);

	assert_non_null(large);
	memset(large, 'x', TEXT_SIZE);
	set_active(fixture, 0, 1);
	ask_simply(fixture);
	assert_non_null(strstr(asked(fixture, &fixture->peers[0]), ID));
	say(fixture, fixture->peers[0].connection, "HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n");
	for (size_t sent = 0; sent <= RELAY_ANSWER_MAX && fixture->ends == 0; sent += TEXT_SIZE)
		send_all(fixture, fixture->peers[0].connection, large, TEXT_SIZE);
	advance(fixture, 100);
	assert_int_equal(fixture->ends, 1);
	assert_int_equal(fixture->outcome, RELAY_FAILED);
	assert_int_equal(fixture->code, ERR_ANSWER);
	free(large);
}

int main(void)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN}; /* as the program does */
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_requests_go_through_as_they_came, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_requests_without_a_body, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_answers_go_through_as_they_are, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_an_answer_that_is_cut_off_is_asked_for_again, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_what_no_broker_answers_is_asked_for_again, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_answers_without_a_body, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_names_that_others_read_otherwise_stay_here, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_nothing_is_sent_to_who_does_not_show_who_it_is, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_each_active_one_shows_who_it_is, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_a_question_that_is_left, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_one_that_stands_by_is_no_active_one, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_held_until_there_is_an_active_one, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_late, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_once_is_not_sent_again, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_once_has_a_connection_of_its_own, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_once_is_not_taken_back, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_once_goes_to_the_next_where_nobody_began, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_brief_ones_are_late_when_they_are_sent_too, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_no_answer_in_time_is_late, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_one_who_never_answers_is_late, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_another_one_has_its_own_time, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_nobody_listens, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_given_back, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_taken_back_from_one_that_is_replaced, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_the_former_ones_answer_counts_for_a_second, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_the_former_ones_answer_ends_no_pause, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_a_client_that_has_gone, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_answers_that_are_too_large, set_up, tear_down),
	};

	if (sigaction(SIGPIPE, &ignore, NULL) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
