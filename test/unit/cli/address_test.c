/* Addresses as they are written and reached. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/address.h"

static void writes_addresses(void **state)
{
	char address[ADDRESS_MAX];

	(void)state;
	address_format("127.0.0.1", 8080, address, sizeof(address));
	assert_string_equal(address, "127.0.0.1:8080");
	address_format("fe80:1111:2222:3333:4444:5555:6666:7777", 65535, address, sizeof(address));
	assert_string_equal(address, "[fe80:1111:2222:3333:4444:5555:6666:7777]:65535");
}

static void reaches_wildcards_by_loopback(void **state)
{
	(void)state;
	assert_string_equal(address_reachable("0.0.0.0"), "127.0.0.1");
	assert_string_equal(address_reachable("::"), "::1");
	assert_string_equal(address_reachable("0:0:0:0:0:0:0:0"), "::1");
	assert_string_equal(address_reachable("10.0.0.1"), "10.0.0.1");
	assert_string_equal(address_reachable("fe80::1"), "fe80::1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(writes_addresses),
	    cmocka_unit_test(reaches_wildcards_by_loopback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
