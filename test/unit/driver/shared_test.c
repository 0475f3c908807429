/* The shared driver: no plan without an environment, and every call is done at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "driver/drivers.h"

static const struct pair env[] = {{"SMTP_URL", "smtp://relay:25"}};

static void test_open_wants_an_environment(void **state)
{
	const struct plan plans[] = {{.name = "a", .env = env, .env_count = 1}, {.name = "b"}};
	const struct driver_context context = {0};
	struct service service = {.name = "smtp", .plans = plans, .plan_count = 1};
	struct backend *backend = NULL;
	struct error error = {0};

	(void)state;
	assert_int_equal(backend_open(&driver_shared, &service, &context, &backend, &error), 0);
	backend_close(backend);
	service.plan_count = 2;
	backend = NULL;
	assert_int_equal(backend_open(&driver_shared, &service, &context, &backend, &error), ERR_INVALID);
	assert_non_null(strstr(error.text, "\"b\""));
	assert_null(backend);
	service.env = (const struct pair[]){{"SMTP_URL", ""}};
	service.env_count = 1;
	assert_int_equal(backend_open(&driver_shared, &service, &context, &backend, &error), ERR_INVALID);
	service.env = env;
	assert_int_equal(backend_open(&driver_shared, &service, &context, &backend, &error), 0);
	backend_close(backend);
}

static void on_settled(struct driver_call *call, int code, const struct error *error)
{
	(void)error;
	assert_int_equal(code, 0);
	assert_int_equal(call->result_count, 0);
	(*(int *)call->arg)++;
}

static void test_every_call_is_done_at_once(void **state)
{
	const struct plan plan = {.name = "a", .env = env, .env_count = 1};
	const struct service service = {.name = "smtp", .plans = &plan, .plan_count = 1};
	const struct driver_context context = {.timers = timers_new_manual(0)};
	struct backend *backend = NULL;
	int told = 0;

	(void)state;
	assert_non_null(context.timers);
	assert_int_equal(backend_open(&driver_shared, &service, &context, &backend, NULL), 0);
	for (int kind = CALL_PROVISION; kind <= CALL_DENY_UNIT; kind++) {
		struct driver_call call;

		call_init(&call);
		call.kind = (enum call_kind)kind;
		call.backend = backend;
		call.timeout = 10;
		call.on_settled = on_settled;
		call.arg = &told;
		assert_int_equal(call_start(&call), 0);
		timers_advance(context.timers, 0);
		assert_int_equal(told, kind);
		call_release(&call);
	}
	backend_close(backend);
	timers_free(context.timers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_open_wants_an_environment),
	                                   cmocka_unit_test(test_every_call_is_done_at_once)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
