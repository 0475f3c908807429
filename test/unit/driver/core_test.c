/* The core: servers are opened in order and closed whatever happens, and a call's steps run, once more where the driver
 * says so, and end in what was made for them being freed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "driver/driver.h"

struct host {
	const char *name;
};

struct work {
	struct driver_call *call;
	struct host *host;
};

static int opened, closed, ended, given_up, begun, refused_begin, runs, failures, forgiven;
static const char *bad_server = "";

static int open_host(const struct backend *backend, const struct server *server, void *arg, struct error *error)
{
	struct host *host = arg;

	assert_non_null(backend->context);
	assert_null(host->name);
	if (strcmp(server->name, bad_server) == 0)
		return error_set(error, ERR_INVALID, "cannot open");
	host->name = server->name;
	opened++;
	return 0;
}

static void close_host(void *arg)
{
	(void)arg;
	closed++;
}

static size_t connections(const void *arg)
{
	const struct host *host = arg;

	return strlen(host->name);
}

static int begin(void *arg, struct error *error)
{
	struct work *work = arg;

	begun++;
	work->host = call_host(work->call);
	return refused_begin > 0 ? error_set(error, ERR_INVALID, "no") : 0;
}

static bool again(void *arg)
{
	(void)arg;
	return forgiven-- > 0;
}

static void end(void *arg, bool is_given_up)
{
	(void)arg;
	ended++;
	given_up += is_given_up;
}

static void step_run(void *arg)
{
	struct work *work = arg;

	runs++;
	assert_string_equal(work->host->name, work->call->server->name);
	if (failures-- > 0)
		call_fail(work->call, ERR_REFUSED, "it said %d", work->call->rounds);
	else
		call_next(work->call);
}

static void step_wait(void *arg)
{
	(void)arg;
}

static void step_tell(void *arg)
{
	struct work *work = arg;

	call_result(work->call, "other", "steps");
	call_next(work->call);
}

static const struct step run_steps[] = {{"run_it", step_run}, {NULL, NULL}};
static const struct step tell_steps[] = {{"tell", step_tell}, {NULL, NULL}};
static const struct step list_steps[] = {{"tell", step_tell}, {"run_it", step_run}, {NULL, NULL}};
static const struct step wait_steps[] = {{"wait", step_wait}, {NULL, NULL}};

static const struct driver driver_plain = {
    .name = "plain",
    .host_size = sizeof(struct host),
    .open_host = open_host,
    .close_host = close_host,
    .connections = connections,
    .work_size = sizeof(struct work),
    .begin = begin,
    .again = again,
    .end = end,
    .steps = {[CALL_PROVISION] = run_steps,
              [CALL_DEPROVISION] = run_steps,
              [CALL_BIND] = run_steps,
              [CALL_CHECK] = wait_steps,
              [CALL_DENY_UNIT] = list_steps},
    .retired_steps = tell_steps,
    .renew_steps = tell_steps,
};

struct world {
	struct server servers[2];
	struct service service;
	struct driver_context context;
	struct backend *backend;
	struct driver_call call;
	int code;
	char text[ERROR_TEXT_MAX];
};

static void on_settled(struct driver_call *call, int code, const struct error *error)
{
	struct world *world = call->arg;

	world->code = code;
	strcpy(world->text, error->text);
}

static int setup(void **state)
{
	static struct world world;

	opened = closed = ended = given_up = begun = refused_begin = runs = failures = forgiven = 0;
	bad_server = "";
	world = (struct world){.servers = {{.name = "one"}, {.name = "second"}}};
	world.service = (struct service){.name = "things", .servers = world.servers, .server_count = 2};
	world.context.timers = timers_new_manual(0);
	assert_non_null(world.context.timers);
	assert_int_equal(backend_open(&driver_plain, &world.service, &world.context, &world.backend, NULL), 0);
	call_init(&world.call);
	world.call.backend = world.backend;
	world.call.server = &world.servers[1];
	world.call.timeout = 1000;
	world.call.on_settled = on_settled;
	world.call.arg = &world;
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	call_release(&world->call);
	backend_close(world->backend);
	timers_free(world->context.timers);
	return 0;
}

static void run(struct world *world, enum call_kind kind)
{
	world->call.kind = kind;
	world->code = 1;
	assert_int_equal(call_start(&world->call), 0);
	timers_advance(world->context.timers, 0);
}

static void test_servers(void **state)
{
	struct world *world = *state;
	struct backend *backend = NULL;
	struct error error = {0};

	assert_int_equal(opened, 2);
	assert_int_equal(backend_connections(world->backend, &world->servers[0]), 3);
	assert_int_equal(backend_connections(world->backend, &world->servers[1]), 6);
	bad_server = "second";
	assert_int_equal(backend_open(&driver_plain, &world->service, &world->context, &backend, &error), ERR_INVALID);
	assert_string_equal(error.text, "the service \"things\": cannot open");
	assert_int_equal(opened, 3);
	assert_int_equal(closed, 2); /* the one that failed, too */
	world->service.server_count = 0;
	assert_int_equal(backend_open(&driver_plain, &world->service, &world->context, &backend, &error), ERR_INVALID);
	assert_string_equal(error.text, "the service \"things\": it needs \"servers\"");
	world->service.server_count = 2;
}

static void test_steps(void **state)
{
	struct world *world = *state;

	run(world, CALL_PROVISION);
	assert_int_equal(world->code, 0);
	assert_int_equal(runs, 1);
	assert_int_equal(ended, 1);
	assert_int_equal(given_up, 0);
	failures = 1;
	run(world, CALL_PROVISION);
	assert_int_equal(world->code, ERR_REFUSED);
	assert_string_equal(world->text, "the server \"second\" could not run it: it said 1");
	assert_int_equal(ended, 2);
}

static void test_once_more(void **state)
{
	struct world *world = *state;

	failures = 2;
	forgiven = 2;
	run(world, CALL_PROVISION);
	assert_int_equal(world->code, 0);
	assert_int_equal(runs, 3);
	assert_int_equal(begun, 1);
	assert_int_equal(ended, 1);
	failures = 2;
	forgiven = 1;
	run(world, CALL_PROVISION);
	assert_string_equal(world->text, "the server \"second\" could not run it: it said 2");
}

static void test_a_begin_that_fails(void **state)
{
	struct world *world = *state;

	refused_begin = 1;
	run(world, CALL_PROVISION);
	assert_int_equal(world->code, ERR_INVALID);
	assert_string_equal(world->text, "no");
	assert_int_equal(runs, 0);
	assert_int_equal(ended, 1);
}

static void test_given_up(void **state)
{
	struct world *world = *state;

	run(world, CALL_CHECK);
	assert_int_equal(ended, 0);
	call_cancel(&world->call);
	assert_int_equal(given_up, 1);
	run(world, CALL_CHECK);
	timers_advance(world->context.timers, 1000);
	assert_int_equal(world->code, ERR_TIMEOUT);
	assert_int_equal(given_up, 2);
}

static void test_kinds_without_steps(void **state)
{
	static const enum call_kind refused[] = {CALL_RETIRE, CALL_RESTORE,   CALL_ADOPT,
	                                         CALL_ACT,    CALL_READ_MARK, CALL_WRITE_MARK};
	static const enum call_kind done[] = {CALL_UPDATE,  CALL_UNBIND, CALL_OBSERVE,
	                                      CALL_INSPECT, CALL_LIST,   CALL_ALLOW_UNIT};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		run(world, refused[i]);
		assert_int_equal(world->code, ERR_REFUSED);
		assert_string_equal(world->text, "the driver \"plain\" has no such operation");
	}
	for (size_t i = 0; i < sizeof(done) / sizeof(*done); i++) {
		run(world, done[i]);
		assert_int_equal(world->code, 0);
	}
	assert_int_equal(begun, 0);
}

static void test_steps_for_some(void **state)
{
	const struct bind bind = {.login = "app"};
	struct world *world = *state;

	run(world, CALL_DEPROVISION);
	world->call.bind = &bind;
	run(world, CALL_BIND);
	assert_int_equal(runs, 2);
	assert_int_equal(world->call.result_count, 0);
	world->call.renew = true;
	run(world, CALL_BIND);
	assert_int_equal(world->call.result_count, 1);
	world->call.retired = true;
	run(world, CALL_DEPROVISION);
	assert_int_equal(world->call.result_count, 2);
	assert_int_equal(runs, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* What the failed round has told is told once more, or is not so any more. */
static void test_another_round_tells_all_anew(void **state)
{
	struct world *world = *state;

	failures = forgiven = 1;
	run(world, CALL_DENY_UNIT);
	assert_int_equal(world->code, 0);
	assert_int_equal(runs, 2);
	assert_int_equal(world->call.result_count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_servers),        TEST(test_steps),
	    TEST(test_once_more),      TEST(test_a_begin_that_fails),
	    TEST(test_given_up),       TEST(test_kinds_without_steps),
	    TEST(test_steps_for_some), TEST(test_another_round_tells_all_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
