/* The registry: what it names it finds, and no slot is left empty. */
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

#define FIRST_SLOT offsetof(struct driver, open)

/* The slots are pointers to functions, and nothing but slots comes behind the first: so one that is new is looked at.
 */
static void expect_no_empty_slot(const struct driver *driver)
{
	void (*slot)(void);

	assert_int_equal((sizeof(*driver) - FIRST_SLOT) % sizeof(slot), 0);
	for (size_t offset = FIRST_SLOT; offset < sizeof(*driver); offset += sizeof(slot)) {
		memcpy(&slot, (const char *)driver + offset, sizeof(slot));
		if (slot == NULL)
			fail_msg("the driver \"%s\" has an empty slot, the %zuth", driver->name,
			         (offset - FIRST_SLOT) / sizeof(slot) + 1);
	}
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
		expect_no_empty_slot(driver);
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
