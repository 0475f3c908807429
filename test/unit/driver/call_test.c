/* Calls: each is told once, from the loop, whatever the driver, the deadline and the caller do. The driver here does
 * what the test says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver/driver.h"

struct puppet {
	int open_code;
	bool closed;
	bool settles; /* inside the slot */
	int code;
	size_t results;
	enum call_kind kind; /* of the last call */
	int cancels;
};

struct world {
	struct driver_context context;
	struct backend *backend;
	struct driver_call call;
	struct puppet puppet;
	int told;
	int code;
	char text[ERROR_TEXT_MAX];
	bool frees; /* on_settled releases the call */
};

static struct puppet *opening; /* what puppet_open gives; the slot has no argument for it */

static int puppet_open(const struct driver_context *context, const struct service *service, void **ret_state,
                       struct error *error)
{
	(void)context;
	(void)service;
	if (opening->open_code != 0)
		return error_set(error, opening->open_code, "cannot open");
	*ret_state = opening;
	return 0;
}

static void puppet_close(void *state)
{
	struct puppet *puppet = state;

	puppet->closed = true;
}

static void act(struct puppet *puppet, struct driver_call *call)
{
	char name[32];

	puppet->kind = call->kind;
	call->work = puppet;
	for (size_t i = 0; i < puppet->results; i++) {
		snprintf(name, sizeof(name), "name%zu", i);
		call_result(call, name, "value");
	}
	if (puppet->settles)
		call_settle(call, puppet->code, "it said %s", "so");
}

static void puppet_run(void *state, struct driver_call *call)
{
	act(state, call);
}

static void puppet_cancel(void *state, struct driver_call *call)
{
	struct puppet *puppet = state;

	assert_ptr_equal(call->work, puppet);
	puppet->cancels++;
}

static const struct driver driver_puppet = {
    .name = "puppet",
    .open = puppet_open,
    .close = puppet_close,
    .validate = driver_validate_nothing,
    .run = puppet_run,
    .cancel = puppet_cancel,
};

static void on_settled(struct driver_call *call, int code, const struct error *error)
{
	struct world *world = call->arg;

	assert_false(call_under_way(call));
	assert_int_equal(error->code, code);
	world->told++;
	world->code = code;
	strcpy(world->text, error->text);
	if (world->frees) {
		call_release(call);
		memset(call, 0xee, sizeof(*call));
	}
}

static void prepare(struct world *world)
{
	call_init(&world->call);
	world->call.kind = CALL_CHECK;
	world->call.backend = world->backend;
	world->call.timeout = 1000;
	world->call.on_settled = on_settled;
	world->call.arg = world;
	world->told = 0;
}

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	world->context.timers = timers_new_manual(0);
	assert_non_null(world->context.timers);
	opening = &world->puppet;
	assert_int_equal(backend_open(&driver_puppet, NULL, &world->context, &world->backend, NULL), 0);
	prepare(world);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	if (!world->frees)
		call_release(&world->call);
	backend_close(world->backend);
	timers_free(world->context.timers);
	free(world);
	return 0;
}

static void test_settled_inside_the_slot(void **state)
{
	struct world *world = *state;

	world->puppet.settles = true;
	assert_int_equal(call_start(&world->call), 0);
	assert_int_equal(world->told, 0);
	assert_true(call_under_way(&world->call));
	timers_advance(world->context.timers, 0);
	assert_int_equal(world->told, 1);
	assert_int_equal(world->code, 0);
	assert_string_equal(world->text, "");
	timers_advance(world->context.timers, 5000);
	assert_int_equal(world->told, 1);
	assert_int_equal(world->puppet.cancels, 0);
}

static void test_settled_later(void **state)
{
	struct world *world = *state;

	assert_int_equal(call_start(&world->call), 0);
	timers_advance(world->context.timers, 999);
	assert_int_equal(world->told, 0);
	call_settle(&world->call, ERR_REFUSED, "no, %d times", 3);
	assert_int_equal(world->told, 0);
	timers_advance(world->context.timers, 0);
	assert_int_equal(world->told, 1);
	assert_int_equal(world->code, ERR_REFUSED);
	assert_string_equal(world->text, "no, 3 times");
}

static void test_deadline(void **state)
{
	struct world *world = *state;

	assert_int_equal(call_start(&world->call), 0);
	timers_advance(world->context.timers, 999);
	assert_int_equal(world->puppet.cancels, 0);
	timers_advance(world->context.timers, 1);
	assert_int_equal(world->puppet.cancels, 1);
	assert_int_equal(world->told, 1);
	assert_int_equal(world->code, ERR_TIMEOUT);
	assert_string_equal(world->text, "no answer within 1000 ms");
	timers_advance(world->context.timers, 5000);
	assert_int_equal(world->told, 1);
}

static bool may_not_call(void *arg)
{
	(void)arg;
	return false;
}

/* The driver hears nothing of it. */
static void test_not_now(void **state)
{
	struct world *world = *state;

	world->context.may_call = may_not_call;
	world->puppet.settles = true;
	assert_int_equal(call_start(&world->call), 0);
	assert_int_equal(world->told, 0);
	timers_advance(world->context.timers, 0);
	assert_int_equal(world->told, 1);
	assert_int_equal(world->code, ERR_UNAVAILABLE);
	assert_int_equal(world->puppet.kind, 0);

	assert_int_equal(call_start(&world->call), 0);
	call_cancel(&world->call);
	timers_advance(world->context.timers, 5000);
	assert_int_equal(world->told, 1);
	assert_int_equal(world->puppet.cancels, 0);
}

/* What is settled in the very turn of its deadline counts as settled. */
static void test_settled_at_the_deadline(void **state)
{
	struct world *world = *state;

	assert_int_equal(call_start(&world->call), 0);
	timers_advance(world->context.timers, 999);
	call_settle(&world->call, 0, "%s", "");
	timers_advance(world->context.timers, 1);
	assert_int_equal(world->told, 1);
	assert_int_equal(world->code, 0);
	assert_int_equal(world->puppet.cancels, 0);
}

static void test_cancelled_while_working(void **state)
{
	struct world *world = *state;

	assert_int_equal(call_start(&world->call), 0);
	call_cancel(&world->call);
	assert_int_equal(world->puppet.cancels, 1);
	assert_false(call_under_way(&world->call));
	call_cancel(&world->call);
	assert_int_equal(world->puppet.cancels, 1);
	timers_advance(world->context.timers, 5000);
	assert_int_equal(world->told, 0);
}

static void test_cancelled_when_settled(void **state)
{
	struct world *world = *state;

	world->puppet.settles = true;
	assert_int_equal(call_start(&world->call), 0);
	call_cancel(&world->call);
	assert_int_equal(world->puppet.cancels, 0);
	timers_advance(world->context.timers, 5000);
	assert_int_equal(world->told, 0);
}

static void test_cancel_of_nothing(void **state)
{
	struct world *world = *state;

	call_cancel(&world->call);
	assert_int_equal(world->puppet.cancels, 0);
	world->puppet.settles = true;
	assert_int_equal(call_start(&world->call), 0);
	timers_advance(world->context.timers, 0);
	call_cancel(&world->call);
	assert_int_equal(world->puppet.cancels, 0);
	assert_int_equal(world->told, 1);
}

static void test_completion_may_free_the_call(void **state)
{
	struct world *world = *state;

	world->frees = true;
	world->puppet.settles = true;
	world->puppet.results = 3;
	assert_int_equal(call_start(&world->call), 0);
	timers_advance(world->context.timers, 0);
	assert_int_equal(world->told, 1);
	prepare(world);
	world->puppet.settles = false;
	assert_int_equal(call_start(&world->call), 0);
	timers_advance(world->context.timers, 1000);
	assert_int_equal(world->told, 1);
	assert_int_equal(world->code, ERR_TIMEOUT);
}

static void test_results(void **state)
{
	struct world *world = *state;
	char name[32] = "changed", value[32] = "before";

	world->puppet.results = 100;
	assert_int_equal(call_start(&world->call), 0);
	call_result(&world->call, name, value);
	strcpy(value, "after");
	call_settle(&world->call, 0, "%s", "");
	timers_advance(world->context.timers, 0);
	assert_int_equal(world->call.result_count, 101);
	assert_string_equal(world->call.results[0].name, "name0");
	assert_string_equal(world->call.results[99].name, "name99");
	assert_string_equal(world->call.results[99].value, "value");
	assert_string_equal(world->call.results[100].value, "before");
	call_release(&world->call);
	assert_int_equal(world->call.result_count, 0);
}

static void test_told_results(void **state)
{
	struct world *world = *state;
	char long_text[2 * CALL_TOLD_MAX];

	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	assert_int_equal(call_start(&world->call), 0);
	call_tell(&world->call, "Queues", "%d of %s", 3, "five");
	call_tell(&world->call, "long", "%s", long_text);
	call_settle(&world->call, 0, "%s", "");
	timers_advance(world->context.timers, 0);
	assert_string_equal(call_find(&world->call, "Queues"), "3 of five");
	assert_int_equal(strlen(call_find(&world->call, "long")), CALL_TOLD_MAX - 1);
}

static void test_has_bind(void **state)
{
	struct world *world = *state;
	const struct bind binds[] = {{.login = "one"}, {.login = "two"}};

	world->call.binds = binds;
	world->call.bind_count = 2;
	assert_true(call_has_bind(&world->call, "two"));
	assert_false(call_has_bind(&world->call, "three"));
	world->call.bind_count = 1;
	assert_false(call_has_bind(&world->call, "two"));
}

static void test_kept_text(void **state)
{
	static char long_text[KEPT_MAX + 2];
	struct world *world = *state;
	char text[32] = "before";

	assert_int_equal(call_start(&world->call), 0);
	call_keep(&world->call, text);
	strcpy(text, "after");
	assert_string_equal(world->call.keep, "before");
	memset(long_text, 'x', KEPT_MAX + 1);
	call_keep(&world->call, long_text);
	assert_null(world->call.keep);
	long_text[KEPT_MAX] = '\0';
	call_keep(&world->call, long_text);
	assert_string_equal(world->call.keep, long_text);
	call_settle(&world->call, 0, "%s", "");
	timers_advance(world->context.timers, 0);
	assert_int_equal(world->code, 0);
	call_release(&world->call);
	assert_null(world->call.keep);
}

static void test_lost_result_is_no_success(void **state)
{
	struct world *world = *state;

	assert_int_equal(call_start(&world->call), 0);
	world->call.arena.failed = true;
	call_result(&world->call, "name", "value");
	call_settle(&world->call, 0, "%s", "");
	timers_advance(world->context.timers, 0);
	assert_int_equal(world->code, ERR_NO_MEMORY);
	assert_int_equal(world->call.result_count, 0);
}

static void test_every_kind_runs(void **state)
{
	struct world *world = *state;

	for (int kind = CALL_PROVISION; kind <= CALL_WRITE_MARK; kind++) {
		world->call.kind = (enum call_kind)kind;
		assert_int_equal(call_start(&world->call), 0);
		assert_int_equal(world->puppet.kind, kind);
		call_cancel(&world->call);
	}
}

static void test_defaults(void **state)
{
	(void)state;
	assert_int_equal(driver_validate_nothing(NULL, NULL, NULL, true, NULL), 0);
}

static void test_backend(void **state)
{
	struct world *world = *state;
	struct puppet puppet = {.open_code = ERR_INVALID};
	const struct service service = {.name = "databases"};
	struct backend *backend = NULL;
	struct error error = {0};

	opening = &puppet;
	assert_int_equal(backend_open(&driver_puppet, &service, &world->context, &backend, &error), ERR_INVALID);
	assert_string_equal(error.text, "the service \"databases\": cannot open");
	assert_null(backend);
	assert_false(puppet.closed);
	puppet.open_code = 0;
	assert_int_equal(backend_open(&driver_puppet, &service, &world->context, &backend, &error), 0);
	assert_ptr_equal(backend->driver, &driver_puppet);
	assert_ptr_equal(backend->state, &puppet);
	backend_close(backend);
	assert_true(puppet.closed);
	backend_close(NULL);
}

static void test_what_is_left_of_a_call(void **state)
{
	struct world *world = *state;

	world->call.timeout = 500;
	assert_int_equal(call_start(&world->call), 0);
	assert_int_equal(call_left(&world->call), 500);
	timers_advance(world->context.timers, 499);
	assert_int_equal(call_left(&world->call), 1);
	call_cancel(&world->call);
}

/* Services whose names begin alike are told apart, as are stores. */
static void test_names_of_sessions(void **state)
{
	static char longer[2][SERVICE_NAME_MAX + 1];
	struct driver_context context = {.store = "1a2b3c4d5e6f7081"};
	struct service service = {.name = "databases"};
	char name[SESSION_NAME_SIZE], other[SESSION_NAME_SIZE];

	(void)state;
	driver_name_session(&context, &service, name);
	assert_string_equal(name, "tsuru-broker 1a2b3c4d databases");
	memset(longer[0], 'a', SERVICE_NAME_MAX);
	memset(longer[1], 'a', SERVICE_NAME_MAX - 1);
	service.name = longer[0];
	driver_name_session(&context, &service, name);
	service.name = longer[1];
	driver_name_session(&context, &service, other);
	assert_int_equal(strlen(name), SESSION_NAME_SIZE - 1);
	assert_int_equal(strlen(other), SESSION_NAME_SIZE - 1);
	assert_string_not_equal(name, other);
	context.store = NULL;
	service.name = "x";
	driver_name_session(&context, &service, name);
	assert_string_equal(name, "tsuru-broker - x");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_settled_inside_the_slot),
	    TEST(test_settled_later),
	    TEST(test_deadline),
	    TEST(test_not_now),
	    TEST(test_settled_at_the_deadline),
	    TEST(test_cancelled_while_working),
	    TEST(test_cancelled_when_settled),
	    TEST(test_cancel_of_nothing),
	    TEST(test_completion_may_free_the_call),
	    TEST(test_results),
	    TEST(test_told_results),
	    TEST(test_has_bind),
	    TEST(test_kept_text),
	    TEST(test_lost_result_is_no_success),
	    TEST(test_every_kind_runs),
	    TEST(test_defaults),
	    TEST(test_backend),
	    TEST(test_what_is_left_of_a_call),
	    TEST(test_names_of_sessions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
