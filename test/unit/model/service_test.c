/* Look-ups of plans and servers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/service.h"

static void test_lookups(void **state)
{
	static const struct plan plans[] = {{.name = "small"}, {.name = "large"}};
	static const struct server servers[] = {{.name = "a"}, {.name = "b"}};
	const struct service service = {.plans = plans, .plan_count = 2, .servers = servers, .server_count = 2};
	const struct service bare = {.plans = plans, .plan_count = 1};

	(void)state;
	assert_ptr_equal(service_plan(&service, "large"), &plans[1]);
	assert_null(service_plan(&service, "Large"));
	assert_null(service_plan(&service, NULL));
	assert_null(service_plan(&bare, "large"));
	assert_ptr_equal(service_server(&service, "b"), &servers[1]);
	assert_null(service_server(&service, ""));
	assert_null(service_server(&service, NULL));
	assert_null(service_server(&bare, "a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_lookups)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
