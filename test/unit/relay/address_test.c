/* Addresses of both listeners in one text, which is also that of a program that knows of one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "relay/address.h"

static void expect(const char *text, const char *service, const char *operators)
{
	char address[RELAY_ADDRESS_MAX + 1];

	relay_pick_address(text, RELAY_SERVICE, address);
	assert_string_equal(address, service);
	relay_pick_address(text, RELAY_OPERATORS, address);
	assert_string_equal(address, operators);
}

static void test_joined_and_picked(void **state)
{
	static const char *const cases[][3] = {
	    {"http://one:8080", "http://one:9080", "http://one:8080#http://one:9080"},
	    {"http://one:8080", NULL, "http://one:8080"},
	    {"http://one:8080", "", "http://one:8080"},
	    {"", "https://one", "#https://one"},
	    {NULL, NULL, ""},
	};
	char text[2 * RELAY_ADDRESS_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		relay_join_addresses(cases[i][0], cases[i][1], text, sizeof(text));
		assert_string_equal(text, cases[i][2]);
		expect(text, cases[i][0] != NULL ? cases[i][0] : "", cases[i][1] != NULL ? cases[i][1] : "");
	}
}

static void test_longest(void **state)
{
	char one[RELAY_ADDRESS_MAX + 1], other[RELAY_ADDRESS_MAX + 1], text[2 * RELAY_ADDRESS_MAX + 2];

	(void)state;
	memset(one, 'a', RELAY_ADDRESS_MAX);
	memset(other, 'b', RELAY_ADDRESS_MAX);
	one[RELAY_ADDRESS_MAX] = other[RELAY_ADDRESS_MAX] = '\0';
	relay_join_addresses(one, other, text, sizeof(text));
	expect(text, one, other);
}

/* Whatever another program has written there. */
static void test_texts_of_others(void **state)
{
	char text[4 * RELAY_ADDRESS_MAX];

	(void)state;
	expect("#", "", "");
	expect("http://one#http://two#more", "http://one", "http://two#more");
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	expect(text, "", "");
	text[RELAY_ADDRESS_MAX + 1] = '#';
	expect(text, "", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_joined_and_picked),
	    cmocka_unit_test(test_longest),
	    cmocka_unit_test(test_texts_of_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
