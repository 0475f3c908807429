/* The osb driver by itself, against test/support/osb_broker.py: what the program does not call yet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "config/config.h"
#include "driver/drivers.h"
#include "driver/resolver.h"

#define CALL_TIMEOUT 30000 /* ms */

struct rig {
	FILE *upstream; /* its output */
	pid_t upstream_pid;
	int port;
	struct event_base *base;
	struct timers *timers;
	struct resolver *resolver;
	struct driver_context context;
	struct config *config;
	struct backend *backend;
	struct instance instance;
	struct bind bind;
	struct driver_call call; /* the last one, settled */
	bool settled;
	int code;
	struct error error;
};

/* ---- the rig ---- */

static void start_upstream(struct rig *rig)
{
	rig->upstream = popen("exec /usr/bin/python3 -B " OSB_BROKER " 0", "r");
	assert_non_null(rig->upstream);
	assert_int_equal(fscanf(rig->upstream, "%d %d", &rig->upstream_pid, &rig->port), 2);
}

static void load_configuration(struct rig *rig)
{
	const struct config_driver driver = {
	    .name = driver_osb.name, .server_keys = driver_osb.server_keys, .plan_keys = driver_osb.plan_keys};
	char path[] = "/tmp/osb-driver-XXXXXX";
	struct config_errors *errors;
	FILE *file = fdopen(mkstemp(path), "w");

	assert_non_null(file);
	fprintf(file,
	        "services:\n"
	        "  - name: kv\n"
	        "    driver: osb\n"
	        "    password: x\n"
	        "    plans: [{name: small}, {name: large}]\n"
	        "    servers: [{name: main, url: 'http://127.0.0.1:%d', username: upstream,"
	        " password: upstream-secret, service: kv}]\n",
	        rig->port);
	assert_int_equal(fclose(file), 0);
	if (config_load(path, &driver, 1, &rig->config, &errors) != 0)
		fail_msg("%s", errors->texts[0]);
	assert_int_equal(unlink(path), 0);
}

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct error error;

	assert_non_null(rig);
	*state = rig;
	assert_int_equal(secret_init(NULL), 0);
	start_upstream(rig);
	load_configuration(rig);
	rig->base = event_base_new();
	rig->timers = timers_new(rig->base);
	assert_int_equal(resolver_new(rig->base, rig->timers, &rig->resolver, &error), 0);
	rig->context = (struct driver_context){.base = rig->base, .timers = rig->timers, .resolver = rig->resolver};
	if (backend_open(&driver_osb, &rig->config->services[0], &rig->context, &rig->backend, &error) != 0)
		fail_msg("%s", error.text);
	rig->instance = (struct instance){.incarnation = "0123456789abcdef",
	                                  .service = "kv",
	                                  .name = "mydb",
	                                  .resource = "mydb_1",
	                                  .plan = "small",
	                                  .wanted_plan = "small"};
	rig->bind = (struct bind){.incarnation = "0123456789abcdef",
	                          .kind = BIND_APP,
	                          .name = "shop",
	                          .login = "shop_1",
	                          .oldest = 1,
	                          .version = 1};
	call_init(&rig->call);
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	call_release(&rig->call);
	backend_close(rig->backend);
	resolver_free(rig->resolver);
	timers_free(rig->timers);
	event_base_free(rig->base);
	config_free(rig->config);
	assert_int_equal(kill(rig->upstream_pid, SIGKILL), 0);
	pclose(rig->upstream);
	free(rig);
	return 0;
}

/* ---- calls ---- */

static void on_settled(struct driver_call *call, int code, const struct error *error)
{
	struct rig *rig = call->arg;

	assert_false(rig->settled);
	rig->settled = true;
	rig->code = code;
	rig->error = *error;
}

static void start(struct rig *rig, enum call_kind kind, const char *plan)
{
	struct driver_call *call = &rig->call;

	call_release(call);
	call_init(call);
	rig->settled = false;
	call->kind = kind;
	call->backend = rig->backend;
	call->server = &rig->config->services[0].servers[0];
	call->instance = kind == CALL_CHECK || kind == CALL_LIST ? NULL : &rig->instance;
	call->plan = service_plan(&rig->config->services[0], plan);
	call->bind = kind == CALL_BIND || kind == CALL_UNBIND ? &rig->bind : NULL;
	call->binds = &rig->bind;
	call->bind_count = kind == CALL_INSPECT || kind == CALL_DEPROVISION ? 1 : 0;
	call->password = kind == CALL_BIND ? "not for the upstream" : NULL;
	call->timeout = CALL_TIMEOUT;
	call->on_settled = on_settled;
	call->arg = rig;
	assert_int_equal(call_start(call), 0);
}

static void run(struct rig *rig, enum call_kind kind, const char *plan)
{
	start(rig, kind, plan);
	while (!rig->settled)
		event_base_loop(rig->base, EVLOOP_ONCE);
}

static void expect_done(struct rig *rig, enum call_kind kind)
{
	run(rig, kind, "small");
	if (rig->code != 0)
		fail_msg("%s", rig->error.text);
}

/* What inspect finds is this alone; NULL: nothing. */
static void expect_drift(struct rig *rig, const char *plan, const char *name, const char *value)
{
	run(rig, CALL_INSPECT, plan);
	assert_int_equal(rig->code, 0);
	assert_int_equal(rig->call.result_count, name != NULL ? 1 : 0);
	if (name == NULL)
		return;
	assert_string_equal(rig->call.results[0].name, name);
	if (value != NULL)
		assert_string_equal(rig->call.results[0].value, value);
}

/* ---- tests ---- */

static void test_inspect(void **state)
{
	struct rig *rig = *state;

	expect_drift(rig, "small", DRIFT_LOST, NULL);
	expect_done(rig, CALL_PROVISION);
	expect_drift(rig, "small", DRIFT_BIND, "shop_1");
	expect_done(rig, CALL_BIND);
	expect_drift(rig, "small", NULL, NULL);
	expect_drift(rig, "large", DRIFT_INSTANCE, NULL);
	expect_done(rig, CALL_UNBIND);
	expect_drift(rig, "small", DRIFT_BIND, "shop_1");
	expect_done(rig, CALL_DEPROVISION);
	expect_drift(rig, "small", DRIFT_LOST, NULL);
}

static void test_every_slot_may_be_repeated(void **state)
{
	static const enum call_kind kinds[] = {CALL_PROVISION, CALL_UPDATE,  CALL_BIND,
	                                       CALL_UNBIND,    CALL_OBSERVE, CALL_DEPROVISION};
	struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		for (int j = 0; j < 3 && !(kinds[i] == CALL_DEPROVISION && j == 2); j++)
			expect_done(rig, kinds[i]);
	run(rig, CALL_OBSERVE, "small");
	assert_int_equal(rig->code, ERR_NOT_FOUND);
}

static void test_credentials_are_the_upstreams(void **state)
{
	struct rig *rig = *state;
	bool has_uri = false;

	expect_done(rig, CALL_PROVISION);
	expect_done(rig, CALL_BIND);
	assert_non_null(rig->call.keep);
	assert_null(strstr(rig->call.keep, "not for the upstream"));
	for (size_t i = 0; i < rig->call.result_count; i++)
		has_uri |= strcmp(rig->call.results[i].name, "URI") == 0;
	assert_true(has_uri);
	expect_done(rig, CALL_DEPROVISION);
}

static void test_no_list_and_no_adoption(void **state)
{
	struct rig *rig = *state;

	expect_done(rig, CALL_LIST);
	assert_int_equal(rig->call.result_count, 0);
	run(rig, CALL_ADOPT, "small");
	assert_int_equal(rig->code, ERR_REFUSED);
}

/* Given up at every turn of the loop, the same call later reaches the same state. */
static void test_cancelled(void **state)
{
	struct rig *rig = *state;

	for (int turns = 0; turns < 12; turns++) {
		start(rig, CALL_PROVISION, "small");
		for (int i = 0; i < turns && !rig->settled; i++)
			event_base_loop(rig->base, EVLOOP_ONCE);
		call_cancel(&rig->call);
	}
	expect_done(rig, CALL_PROVISION);
	expect_done(rig, CALL_BIND);
	expect_drift(rig, "small", NULL, NULL);
	expect_done(rig, CALL_DEPROVISION);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_inspect),
	    TEST(test_every_slot_may_be_repeated),
	    TEST(test_credentials_are_the_upstreams),
	    TEST(test_no_list_and_no_adoption),
	    TEST(test_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
