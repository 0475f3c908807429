/* The resolver, against a name server inside the test; its source is included for a way to say where that server is.
 * Time stands still but where a test moves it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <cmocka.h>

#include "driver/resolver.c"

#include <event2/dns_struct.h>
#include <netinet/in.h>

struct world {
	struct event_base *base;
	struct timers *timers;
	struct resolver *resolver;
	struct evdns_server_port *port;
	int questions; /* that the server saw */
	int told;
	int code;
	char text[ERROR_TEXT_MAX];
	char addresses[RESOLVER_ADDRESSES][INET6_ADDRSTRLEN];
	size_t count;
};

/* "two.test" has two addresses, "many.test" twenty, "none.test" none, "silent.test" no answer; nothing else exists. */
static void on_question(struct evdns_server_request *request, void *arg)
{
	const char *name = request->questions[0]->name;
	bool ipv4 = request->questions[0]->type == EVDNS_TYPE_A;
	unsigned char many[20][4];
	struct world *world = arg;

	world->questions++;
	for (size_t i = 0; i < 20; i++)
		memcpy(many[i], (unsigned char[]){10, 0, 0, (unsigned char)i}, 4);
	if (strcasecmp(name, "silent.test") == 0) {
		evdns_server_request_drop(request);
	} else if (strcasecmp(name, "two.test") == 0) {
		if (ipv4)
			evdns_server_request_add_a_reply(request, name, 1, many, 60);
		else
			evdns_server_request_add_aaaa_reply(request, name, 1, &in6addr_loopback, 60);
		evdns_server_request_respond(request, 0);
	} else if (strcasecmp(name, "many.test") == 0) {
		if (ipv4)
			evdns_server_request_add_a_reply(request, name, 20, many, 60);
		evdns_server_request_respond(request, 0);
	} else {
		evdns_server_request_respond(request, strcasecmp(name, "none.test") == 0 ? 0 : DNS_ERR_NOTEXIST);
	}
}

static void serve(struct world *world)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, length), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	world->port = evdns_add_server_port_with_base(world->base, fd, 0, on_question, world);
	assert_non_null(world->port);
	evdns_base_clear_nameservers_and_suspend(world->resolver->dns);
	evdns_base_search_clear(world->resolver->dns);
	assert_int_equal(
	    evdns_base_nameserver_sockaddr_add(world->resolver->dns, (const struct sockaddr *)&address, length, 0), 0);
	evdns_base_resume(world->resolver->dns);
}

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	world->base = event_base_new();
	world->timers = timers_new_manual(0);
	assert_non_null(world->base);
	assert_non_null(world->timers);
	assert_int_equal(resolver_new(world->base, world->timers, &world->resolver, NULL), 0);
	serve(world);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	resolver_free(world->resolver);
	evdns_close_server_port(world->port);
	timers_free(world->timers);
	event_base_free(world->base);
	free(world);
	return 0;
}

static void on_done(void *arg, int code, const struct error *error, const char *const *addresses, size_t count)
{
	struct world *world = arg;

	assert_int_equal(error->code, code);
	world->told++;
	world->code = code;
	strcpy(world->text, error->text);
	world->count = count;
	for (size_t i = 0; i < count; i++)
		strcpy(world->addresses[i], addresses[i]);
}

static struct resolution *start(struct world *world, const char *host)
{
	struct resolution *resolution = resolver_start(world->resolver, host, on_done, world);

	assert_non_null(resolution);
	assert_int_equal(world->told, 0);
	return resolution;
}

static void turn(struct world *world)
{
	event_base_loop(world->base, EVLOOP_ONCE);
	timers_advance(world->timers, 0);
}

static void resolve(struct world *world, const char *host)
{
	world->told = 0;
	start(world, host);
	timers_advance(world->timers, 0);
	while (world->told == 0)
		turn(world);
	assert_int_equal(world->told, 1);
}

static bool has(const struct world *world, const char *address)
{
	for (size_t i = 0; i < world->count; i++)
		if (strcmp(world->addresses[i], address) == 0)
			return true;
	return false;
}

static void test_numeric(void **state)
{
	static const char *const hosts[] = {"10.1.2.3", "::1", "2001:db8::17", "::ffff:10.0.0.1"};
	struct world *world = *state;

	for (size_t i = 0; i < 4; i++) {
		world->told = 0;
		start(world, hosts[i]);
		timers_advance(world->timers, 0);
		assert_int_equal(world->told, 1);
		assert_int_equal(world->code, 0);
		assert_int_equal(world->count, 1);
		assert_string_equal(world->addresses[0], hosts[i]);
	}
	assert_int_equal(world->questions, 0);
}

/* /etc/hosts, without any server. */
static void test_hosts(void **state)
{
	struct world *world = *state;

	resolve(world, "localhost");
	assert_int_equal(world->code, 0);
	assert_true(has(world, "127.0.0.1"));
	assert_int_equal(world->questions, 0);
}

static void test_server(void **state)
{
	struct world *world = *state;

	resolve(world, "two.test");
	assert_int_equal(world->code, 0);
	assert_string_equal(world->text, "");
	assert_int_equal(world->count, 2);
	assert_true(has(world, "10.0.0.0"));
	assert_true(has(world, "::1"));
	resolve(world, "many.test");
	assert_int_equal(world->code, 0);
	assert_int_equal(world->count, RESOLVER_ADDRESSES);
	assert_true(has(world, "10.0.0.7"));
}

static void expect_failure(struct world *world, const char *host)
{
	resolve(world, host);
	assert_int_equal(world->code, ERR_UNAVAILABLE);
	assert_int_equal(world->count, 0);
	assert_non_null(strstr(world->text, host));
}

static void test_failures(void **state)
{
	char label[100];
	struct world *world = *state;

	memset(label, 'a', sizeof(label) - 1);
	label[sizeof(label) - 1] = '\0';
	expect_failure(world, "unknown.test");
	expect_failure(world, "none.test");
	expect_failure(world, label);
	expect_failure(world, "");
}

static void test_deadline(void **state)
{
	struct world *world = *state;

	start(world, "silent.test");
	while (world->questions < 2)
		turn(world);
	timers_advance(world->timers, RESOLVER_TIMEOUT - 1);
	assert_int_equal(world->told, 0);
	timers_advance(world->timers, 1);
	assert_int_equal(world->told, 1);
	assert_int_equal(world->code, ERR_UNAVAILABLE);
	assert_string_equal(world->text, "the host \"silent.test\" cannot be resolved: no answer within 5000 ms");
	while (world->resolver->owed > 0)
		turn(world);
	assert_int_equal(world->told, 1);
}

static void test_cancel(void **state)
{
	struct world *world = *state;

	resolver_cancel(NULL);
	resolver_cancel(start(world, "10.1.2.3"));
	resolver_cancel(start(world, "localhost"));
	resolver_cancel(start(world, "two.test"));
	timers_advance(world->timers, 2 * RESOLVER_TIMEOUT);
	while (world->resolver->owed > 0)
		turn(world);
	timers_advance(world->timers, 2 * RESOLVER_TIMEOUT);
	assert_int_equal(world->told, 0);
}

static void cancel_at_answer(struct world *world)
{
	struct resolution *resolution = start(world, "two.test");

	while (resolution->owed)
		event_base_loop(world->base, EVLOOP_ONCE);
	resolver_cancel(resolution);
	timers_advance(world->timers, 2 * RESOLVER_TIMEOUT);
	assert_int_equal(world->told, 0);
}

/* The answer is there and not told yet. */
static void test_cancel_of_an_answered_one(void **state)
{
	cancel_at_answer(*state);
}

/* What was given up and is still owed by evdns goes with the resolver: teardown and the sanitizer check it. */
static void test_free_while_owed(void **state)
{
	struct world *world = *state;

	resolver_cancel(start(world, "silent.test"));
	resolver_cancel(start(world, "two.test"));
	assert_int_equal(world->resolver->owed, 2);
}

static void test_free_of_nothing(void **state)
{
	(void)state;
	resolver_free(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_numeric),
	    TEST(test_hosts),
	    TEST(test_server),
	    TEST(test_failures),
	    TEST(test_deadline),
	    TEST(test_cancel),
	    TEST(test_cancel_of_an_answered_one),
	    TEST(test_free_while_owed),
	    cmocka_unit_test(test_free_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
