/* The registry: what it names it finds, and no driver lacks a call that it says it has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config/tables.h"
#include "driver/registry.h"

static void test_find(void **state)
{
	(void)state;
	assert_string_equal(registry_find("shared")->name, "shared");
	assert_string_equal(registry_find("postgres")->name, "postgres");
	assert_null(registry_find("Shared"));
	assert_null(registry_find(""));
}

/* A driver with a place for its servers works on them; one without has nothing to do. */
static void expect_steps(const struct driver *driver)
{
	static const enum call_kind needed[] = {CALL_PROVISION, CALL_UPDATE, CALL_DEPROVISION, CALL_BIND,
	                                        CALL_UNBIND,    CALL_CHECK,  CALL_OBSERVE,     CALL_INSPECT};
	const bool works = driver->host_size > 0;

	assert_int_equal(driver->instant, driver->steps[CALL_PROVISION] == NULL);
	assert_int_equal(driver->open_host != NULL && driver->close_host != NULL, works);
	assert_int_equal(driver->end != NULL, works);
	assert_int_equal(driver->work_size > 0, works);
	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		assert_int_equal(driver->steps[needed[i]] != NULL, works);
	assert_int_equal(driver->steps[CALL_RETIRE] != NULL && driver->steps[CALL_RESTORE] != NULL, driver->retires);
	assert_int_equal(driver->steps[CALL_READ_MARK] != NULL && driver->steps[CALL_WRITE_MARK] != NULL,
	                 driver->marks);
	assert_int_equal(driver->steps[CALL_ACT] != NULL, driver->actions_key != NULL);
	assert_true(driver->steps[CALL_LIST] != NULL ||
	            driver->steps[CALL_ADOPT] == NULL); /* what is not listed is not found */
	assert_true(driver->retires || driver->retired_steps == NULL);
	assert_true(works || (driver->connections == NULL && driver->again == NULL && driver->renew_steps == NULL));
	assert_int_equal(driver->steps[CALL_ALLOW_UNIT] != NULL && driver->steps[CALL_DENY_UNIT] != NULL,
	                 driver->units);
}

static void test_every_driver_is_whole(void **state)
{
	const struct driver *driver;
	size_t count = 0;

	(void)state;
	for (; (driver = registry_at(count)) != NULL; count++) {
		assert_ptr_equal(registry_find(driver->name), driver);
		assert_in_range(driver->instance_name_max, 24, BACKEND_NAME_MAX);
		assert_in_range(driver->login_name_max, 24, BACKEND_NAME_MAX);
		assert_non_null(driver->environment);
		assert_non_null(driver->validate);
		if (driver->run == NULL)
			expect_steps(driver);
	}
	assert_true(count >= 2);
	assert_null(registry_at(count + 1));
}

static bool has_key(const struct config_key *keys, const char *name)
{
	for (; keys->name != NULL; keys++)
		if (strcmp(keys->name, name) == 0)
			return true;
	return false;
}

static void expect_apart(const struct config_key *own, const struct config_key *common)
{
	for (; own != NULL && own->name != NULL; own++)
		if (has_key(common, own->name))
			fail_msg("the key \"%s\" is every driver's", own->name);
}

static void test_keys_of_drivers_are_their_own(void **state)
{
	const struct driver *driver;

	(void)state;
	for (size_t i = 0; (driver = registry_at(i)) != NULL; i++) {
		expect_apart(driver->server_keys, server_keys);
		expect_apart(driver->plan_keys, plan_keys);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_find), cmocka_unit_test(test_every_driver_is_whole),
	                                   cmocka_unit_test(test_keys_of_drivers_are_their_own)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
