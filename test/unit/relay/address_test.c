/* Addresses of both listeners in one signed text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "keys.h"
#include "relay/address.h"

static void expect(const struct keyring *keyring, const char *name, const char *text, const char *service,
                   const char *operators)
{
	char address[RELAY_ADDRESS_MAX + 1];

	relay_pick_address(keyring, name, text, RELAY_SERVICE, address);
	assert_string_equal(address, service);
	relay_pick_address(keyring, name, text, RELAY_OPERATORS, address);
	assert_string_equal(address, operators);
}

static void test_joined_and_picked(void **state)
{
	static const char *const cases[][2] = {
	    {"http://one:8080", "http://one:9080"}, {"http://one:8080", ""}, {"", "https://one"}, {"", ""}};
	struct keyring *keyring = keys(FIRST_KEY);
	char text[RELAY_ADDRESSES_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		relay_join_addresses(keyring, "one", cases[i][0], cases[i][1], text);
		expect(keyring, "one", text, cases[i][0], cases[i][1]);
	}
	relay_join_addresses(keyring, "one", NULL, NULL, text);
	expect(keyring, "one", text, "", "");
	keyring_free(keyring);
}

static void test_longest(void **state)
{
	char one[RELAY_ADDRESS_MAX + 1], other[RELAY_ADDRESS_MAX + 1], text[RELAY_ADDRESSES_MAX + 1];
	struct keyring *keyring = keys(FIRST_KEY);

	(void)state;
	memset(one, 'a', RELAY_ADDRESS_MAX);
	memset(other, 'b', RELAY_ADDRESS_MAX);
	one[RELAY_ADDRESS_MAX] = other[RELAY_ADDRESS_MAX] = '\0';
	relay_join_addresses(keyring, "one", one, other, text);
	expect(keyring, "one", text, one, other);
	keyring_free(keyring);
}

/* A key that is being changed: whoever has one of the signer's takes it. */
static void test_keys(void **state)
{
	struct keyring *first = keys(FIRST_KEY), *other = keys(OTHER_KEY), *both = keys(BOTH_KEYS);
	char text[RELAY_ADDRESSES_MAX + 1];

	(void)state;
	relay_join_addresses(first, "one", "http://one", "", text);
	expect(first, "one", text, "http://one", "");
	expect(both, "one", text, "http://one", "");
	expect(other, "one", text, "", "");
	relay_join_addresses(both, "one", "http://one", "", text);
	expect(first, "one", text, "http://one", "");
	expect(other, "one", text, "http://one", "");
	keyring_free(first);
	keyring_free(other);
	keyring_free(both);
}

/* Whatever somebody has written into the store. */
static void test_texts_of_others(void **state)
{
	struct keyring *keyring = keys(FIRST_KEY);
	char text[RELAY_ADDRESSES_MAX + 1], changed[4 * RELAY_ADDRESSES_MAX];

	(void)state;
	relay_join_addresses(keyring, "one", "http://one", "http://two", text);
	expect(keyring, "two", text, "", "");
	snprintf(changed, sizeof(changed), "http://one#http://evil%s", strrchr(text, '#'));
	expect(keyring, "one", changed, "", "");
	snprintf(changed, sizeof(changed), "#%s", text);
	expect(keyring, "one", changed, "", "");
	snprintf(changed, sizeof(changed), "%s#", text);
	expect(keyring, "one", changed, "", "");
	expect(keyring, "one", "", "", "");
	expect(keyring, "one", "http://one", "", "");
	expect(keyring, "one", "http://one#http://two", "", "");
	expect(keyring, "one", "http://one#http://two#", "", "");
	memset(changed, 'a', sizeof(changed) - 1);
	changed[sizeof(changed) - 1] = '\0';
	expect(keyring, "one", changed, "", "");
	changed[RELAY_ADDRESS_MAX + 1] = changed[2 * RELAY_ADDRESS_MAX] = '#';
	expect(keyring, "one", changed, "", "");
	keyring_free(keyring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_joined_and_picked),
	    cmocka_unit_test(test_longest),
	    cmocka_unit_test(test_keys),
	    cmocka_unit_test(test_texts_of_others),
	};

	return cmocka_run_group_tests(tests, keys_setup, NULL);
}
