/* What a database's comment says of its owner, and what it does not give away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "driver/mysql/owner.h"

static const struct instance first = {.incarnation = "0123456789abcdef", .resource = "shop_0123456789"};
static const struct instance second = {.incarnation = "fedcba9876543210", .resource = "shop_0123456789"};

static void test_a_comment_names_its_instance(void **state)
{
	const struct driver_call mine = {.instance = &first, .seal = "00112233445566aa"};
	const struct driver_call other = {.instance = &second, .seal = "00112233445566aa"};
	char comment[OWNER_COMMENT_SIZE];

	(void)state;
	maria_owner_comment(&mine, "shop_0123456789", comment);
	assert_int_equal(maria_owner_of(&mine, "shop_0123456789", comment), OWNER_SELF);
	assert_int_equal(maria_owner_of(&other, "shop_0123456789", comment), OWNER_OTHER);
	assert_null(strstr(comment, first.incarnation));
	assert_null(strstr(comment, mine.seal));
}

static void test_a_comment_that_was_made_up_says_nothing(void **state)
{
	const struct driver_call mine = {.instance = &first, .seal = "00112233445566aa"};
	const struct driver_call elsewhere = {.instance = &second, .seal = "ffffffffffffffff"};
	char comment[OWNER_COMMENT_SIZE];

	(void)state;
	assert_int_equal(maria_owner_of(&mine, "shop", NULL), OWNER_UNKNOWN);
	assert_int_equal(maria_owner_of(&mine, "shop", ""), OWNER_UNKNOWN);
	assert_int_equal(maria_owner_of(&mine, "shop", "tsuru-broker: instance "), OWNER_UNKNOWN);
	maria_owner_comment(&elsewhere, "shop", comment);
	assert_int_equal(maria_owner_of(&mine, "shop", comment), OWNER_UNKNOWN); /* of another store */
	maria_owner_comment(&(struct driver_call){.instance = &second, .seal = mine.seal}, "other", comment);
	assert_int_equal(maria_owner_of(&mine, "shop", comment), OWNER_UNKNOWN); /* copied from another database */
	maria_owner_comment(&mine, "shop", comment);
	comment[strlen("tsuru-broker: instance ")] ^= 1;
	assert_int_equal(maria_owner_of(&mine, "shop", comment), OWNER_UNKNOWN);
}

static void test_a_lock_cannot_be_computed_from_the_name(void **state)
{
	const struct driver_call mine = {.instance = &first}, other = {.instance = &second};
	char name[LOCK_NAME_SIZE], again[LOCK_NAME_SIZE], others[LOCK_NAME_SIZE];

	(void)state;
	maria_lock_name(&mine, name);
	maria_lock_name(&mine, again);
	maria_lock_name(&other, others);
	assert_string_equal(name, again);
	assert_string_not_equal(name, others); /* of the same resource */
	assert_true(strlen(name) <= 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_comment_names_its_instance),
	    cmocka_unit_test(test_a_comment_that_was_made_up_says_nothing),
	    cmocka_unit_test(test_a_lock_cannot_be_computed_from_the_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
