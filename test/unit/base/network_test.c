/* Addresses, networks and sources. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/network.h"

static bool holds(const char *network, const char *address)
{
	struct network_address parsed;
	struct network one;
	struct error error;

	assert_int_equal(network_parse(network, &one, &error), 0);
	assert_true(network_parse_address(address, &parsed));
	return network_holds(&one, 1, &parsed);
}

static void test_networks(void **state)
{
	static const struct {
		const char *network, *address;
		bool holds;
	} cases[] = {
	    {"10.0.0.0/8", "10.255.0.1", true},
	    {"10.0.0.0/8", "11.0.0.1", false},
	    {"10.0.0.0/8", "::ffff:10.1.2.3", true},
	    {"192.0.2.128/25", "192.0.2.129", true},
	    {"192.0.2.128/25", "192.0.2.1", false},
	    {"192.0.2.7", "192.0.2.7", true},
	    {"192.0.2.7", "192.0.2.6", false},
	    {"fd00::/8", "fdff::1", true},
	    {"fd00::/8", "fe00::1", false},
	    {"2001:db8::/33", "2001:db8:7fff::1", true},
	    {"2001:db8::/33", "2001:db8:8000::", false},
	    {"::1", "::1", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(holds(cases[i].network, cases[i].address), cases[i].holds);
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
	    "",
	    "localhost",
	    "10.0.0.0/33",
	    "10.0.0.0/",
	    "10.0.0.0/-1",
	    "10.0.0.1/8",
	    "fd00::/129",
	    "fd00::1/8",
	    "0.0.0.0/0",
	    "::/0",
	    "::/8",
	    "::/64",
	    "::/80",
	    "10.0.0",
	    "::ffff:0.0.0.0/96",
	    "10.0.0.0/x",
	    "10.0.0.0/8/8",
	    "[::1]",
	    "10.0.0.1:80",
	    "2001:db8:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0/64",
	};
	struct network network;
	struct error error;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(network_parse(bad[i], &network, &error), ERR_INVALID);
}

static void test_sources_and_texts(void **state)
{
	static const char *const pairs[][2] = {
	    {"192.0.2.7", "192.0.2.7"}, {"::ffff:192.0.2.7", "192.0.2.7"}, {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"}};
	struct network_address address;
	char text[NETWORK_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		assert_true(network_parse_address(pairs[i][0], &address));
		network_source(&address, &address);
		network_format_address(&address, text);
		assert_string_equal(text, pairs[i][1]);
	}
	assert_false(network_parse_address("192.0.2.7 ", &address));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_networks),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_sources_and_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
