/* The way to a connection, with places where no server is and a name server that never answers. The resolver's source
 * is included for a way to say where that one is. Time stands still but where the test moves it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "driver/resolver.c"

#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>

#include "driver/login.h"
#include "driver/postgres/session.h"
#include "driver/postgres/target.h"

#define TURNS_MAX 6000 /* of at least a millisecond each */
#define LIMIT     1000 /* ms, for one address */
#define A_WHILE   50   /* turns in which a login would begin */

static atomic_int connects; /* that libpq began */

struct rig {
	struct driver_context context;
	struct pg_target target;
	struct pg_session *session;
	int silent, closed; /* sockets: nobody answers on one, nobody listens on the other */
	int told;
	struct error error;
};

static int bind_socket(int type, struct sockaddr_in *ret_address)
{
	socklen_t length = sizeof(*ret_address);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	*ret_address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)ret_address, length), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)ret_address, &length), 0);
	return fd;
}

static void ask_nobody(struct rig *rig)
{
	struct evdns_base *dns = rig->context.resolver->dns;
	struct sockaddr_in address;

	rig->silent = bind_socket(SOCK_DGRAM, &address);
	evdns_base_clear_nameservers_and_suspend(dns);
	evdns_base_search_clear(dns);
	assert_int_equal(evdns_base_nameserver_sockaddr_add(dns, (const struct sockaddr *)&address, sizeof(address), 0),
	                 0);
	evdns_base_resume(dns);
}

static PGconn *connect_and_count(const char *const *keywords, const char *const *values, int expand)
{
	atomic_fetch_add(&connects, 1);
	return PQconnectStartParams(keywords, values, expand);
}

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	rig->silent = rig->closed = -1;
	rig->context.base = event_base_new();
	rig->context.timers = timers_new_manual(0);
	assert_non_null(rig->context.base);
	assert_non_null(rig->context.timers);
	assert_int_equal(resolver_new(rig->context.base, rig->context.timers, &rig->context.resolver, NULL), 0);
	assert_int_equal(logins_new(rig->context.base, rig->context.timers, NULL, NULL, &rig->context.logins, NULL), 0);
	assert_int_equal(libpq_load(&rig->target.pq, &rig->error), 0);
	rig->target.pq.connectStartParams = connect_and_count;
	/* As target_init has it. Kerberos, which libpq asks else, crashes when it has no memory. */
	rig->target.keywords[0] = "gssencmode";
	rig->target.values[0] = "disable";
	rig->target.option_count = 1;
	rig->target.connect_timeout = LIMIT;
	rig->target.database = "postgres";
	rig->target.logins = login_server_new(rig->context.logins, "service", "server", "the broker");
	assert_non_null(rig->target.logins);
	ask_nobody(rig);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	session_close(rig->session);
	target_release(&rig->target);
	assert_false(logins_close(rig->context.logins));
	resolver_free(rig->context.resolver);
	timers_free(rig->context.timers);
	event_base_free(rig->context.base);
	close(rig->silent);
	close(rig->closed);
	free(rig);
	return 0;
}

static void add_place(struct rig *rig, const char *host, const char *port)
{
	rig->target.places[rig->target.place_count++] = (struct pg_place){.host = host, .port = port};
}

static void on_opened(void *arg, int code, const struct error *error)
{
	struct rig *rig = arg;

	assert_int_equal(error->code, code);
	rig->told++;
	rig->error = *error;
}

static void turn(struct rig *rig)
{
	event_base_loop(rig->context.base, EVLOOP_NONBLOCK);
	timers_advance(rig->context.timers, 0);
	poll(NULL, 0, 1);
}

/* The limit is one address's, and is over with it: a name that is looked up after it takes as long as names may. */
static void test_a_slow_name_comes_after_a_place_that_refuses(void **state)
{
	struct rig *rig = *state;
	struct sockaddr_in address;
	char port[8];

	rig->closed = bind_socket(SOCK_STREAM, &address);
	snprintf(port, sizeof(port), "%d", ntohs(address.sin_port));
	add_place(rig, "127.0.0.1", port);
	add_place(rig, "silent.test", port);
	rig->session = session_open(&rig->context, &rig->target, NULL, NULL, on_opened, rig);
	assert_non_null(rig->session);
	for (int i = 0; i < TURNS_MAX && rig->context.resolver->owed == 0; i++)
		turn(rig);
	assert_int_equal(rig->context.resolver->owed, 1);
	timers_advance(rig->context.timers, LIMIT);
	for (int i = 0; i < A_WHILE; i++)
		turn(rig);
	assert_int_equal(rig->told, 0);
	assert_int_equal(atomic_load(&connects), 1);
	timers_advance(rig->context.timers, RESOLVER_TIMEOUT - LIMIT);
	for (int i = 0; i < TURNS_MAX && rig->told == 0; i++)
		turn(rig);
	assert_int_equal(rig->told, 1);
	assert_string_equal(rig->error.text, "the host \"silent.test\" cannot be resolved: no answer within 5000 ms");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_a_slow_name_comes_after_a_place_that_refuses, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
