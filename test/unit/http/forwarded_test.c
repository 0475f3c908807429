/* For whom a proxy sends a request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/forwarded.h"

#define PLAIN    "X-Forwarded-For"
#define STANDARD "Forwarded"

static const struct {
	struct header headers[3];
	const char *client; /* NULL: nobody */
} cases[] = {
    {{{PLAIN, "192.0.2.1"}}, "192.0.2.1"},
    {{{"x-forwarded-for", "192.0.2.1"}}, "192.0.2.1"},
    {{{PLAIN, "198.51.100.9, 192.0.2.1"}}, "192.0.2.1"}, /* what the client says is not believed */
    {{{PLAIN, "192.0.2.1, 10.0.0.7"}}, "192.0.2.1"},
    {{{PLAIN, "198.51.100.9, 192.0.2.1 ,10.0.0.7,  10.0.0.8"}}, "192.0.2.1"},
    {{{PLAIN, "198.51.100.9"}, {"Host", "x"}, {PLAIN, "192.0.2.1, 10.0.0.7"}}, "192.0.2.1"},
    {{{PLAIN, "10.0.0.9, 10.0.0.7"}}, "10.0.0.9"},
    {{{PLAIN, "192.0.2.1:4711"}}, "192.0.2.1"},
    {{{PLAIN, "2001:db8::1"}}, "2001:db8::1"},
    {{{PLAIN, "[2001:db8::1]:80"}}, "2001:db8::1"},
    {{{PLAIN, "[2001:db8::1]"}}, "2001:db8::1"},
    {{{PLAIN, "::ffff:192.0.2.1"}}, "192.0.2.1"},
    {{{PLAIN, "\", 192.0.2.1"}}, "192.0.2.1"},
    {{{PLAIN, "junk, 192.0.2.1"}}, "192.0.2.1"},
    {{{PLAIN, "junk, 10.0.0.7"}}, "10.0.0.7"},
    {{{PLAIN, "192.0.2.1, junk"}}, NULL},
    {{{PLAIN, ""}}, NULL},
    {{{PLAIN, "192.0.2.1,"}}, NULL},
    {{{PLAIN, "[2001:db8::1"}}, NULL},
    {{{PLAIN, "[2001:db8::1]x"}}, NULL},
    {{{PLAIN, "[2001:db8::1]:"}}, NULL},
    {{{PLAIN, "192.0.2.1:"}}, NULL},
    {{{PLAIN, "192.0.2.1:8\"0"}}, NULL},
    {{{STANDARD, "for=\"192.0.2.1:_p-1.x\""}}, "192.0.2.1"},
    {{{PLAIN, "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc"}}, NULL},
    {{{STANDARD, "for=192.0.2.1"}}, "192.0.2.1"},
    {{{STANDARD, "For=\"[2001:db8::1]:4711\";proto=http;by=10.0.0.7"}}, "2001:db8::1"},
    {{{STANDARD, "for=198.51.100.9, proto=http; for=192.0.2.1 , for=10.0.0.7"}}, "192.0.2.1"},
    {{{STANDARD, "for=\"198.51.100.9, for=192.0.2.1"}}, "192.0.2.1"},
    {{{STANDARD, "for=\"a,b;for=x\", for=192.0.2.1"}}, "192.0.2.1"},
    {{{STANDARD, "for=unknown"}}, NULL},
    {{{STANDARD, "for=_hidden, for=10.0.0.7"}}, "10.0.0.7"},
    {{{STANDARD, "proto=http"}}, NULL},
    {{{STANDARD, "fo=192.0.2.1;for"}}, NULL},
    {{{PLAIN, "192.0.2.1"}, {STANDARD, "for=192.0.2.1"}}, "192.0.2.1"},
    {{{PLAIN, "192.0.2.1"}, {STANDARD, "for=198.51.100.9"}}, NULL}, /* one of them the client made up */
    {{{"Host", "x"}}, NULL},
};

static void test_clients(void **state)
{
	struct network networks[1];
	const struct http_proxies proxies = {.networks = networks, .count = 1};
	struct network_address client;
	char text[NETWORK_TEXT_MAX];

	(void)state;
	assert_int_equal(network_parse("10.0.0.0/8", networks, NULL), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct header headers[3];
		struct head head = {.headers = headers};

		memcpy(headers, cases[i].headers, sizeof(headers));
		while (head.header_count < 3 && headers[head.header_count].name != NULL)
			head.header_count++;
		assert_true(network_parse_address("203.0.113.1", &client));
		assert_int_equal(forwarded_client(&head, &proxies, &client), cases[i].client != NULL);
		network_format_address(&client, text);
		assert_string_equal(text, cases[i].client != NULL ? cases[i].client : "203.0.113.1");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_clients),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
