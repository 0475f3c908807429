/* What apps are told of a server, by its url and the keys beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/rabbitmq/target.h"

static const struct config_key keys[] = {
    {.name = "url"},
    {.name = "amqp_host"},
    {.name = "amqp_port", .type = KEY_NUMBER},
    {.name = "amqp_tls", .type = KEY_BOOL},
};

static void check(const char *url, const char *host, int64_t port, bool tls, const char *wanted)
{
	const struct option given[] = {
	    {.key = &keys[0], .set = true, .value.text = url},
	    {.key = &keys[1], .set = host != NULL, .value.text = host},
	    {.key = &keys[2], .set = port > 0, .value.number = port},
	    {.key = &keys[3], .set = true, .value.flag = tls},
	};
	const struct options options = {given, 4};
	struct rabbit_target target;
	struct text text;

	assert_int_equal(rabbitmq_target_init(&target, &options, NULL), 0);
	text_init(&text, 4096);
	rabbitmq_target_app_url(&target, "a/b c", "u", "p:@/%", &text);
	assert_string_equal(text_string(&text), wanted);
	text_release(&text);
	rabbitmq_target_release(&target);
}

static void test_urls(void **state)
{
	(void)state;
	check("http://one:15672", NULL, 0, false, "amqp://u:p%3A%40%2F%25@one:5672/a%2Fb%20c");
	check("https://one", NULL, 0, true, "amqps://u:p%3A%40%2F%25@one:5671/a%2Fb%20c");
	check("https://one/rabbit/", NULL, 7, true, "amqps://u:p%3A%40%2F%25@one:7/a%2Fb%20c");
	check("http://[::1]:15672/", NULL, 0, false, "amqp://u:p%3A%40%2F%25@[::1]:5672/a%2Fb%20c");
	check("http://one:15672", "two", 0, false, "amqp://u:p%3A%40%2F%25@two:5672/a%2Fb%20c");
	check("http://one:15672", "fe80::2", 9, false, "amqp://u:p%3A%40%2F%25@[fe80::2]:9/a%2Fb%20c");
}

static void test_hosts(void **state)
{
	static const char *const good[] = {"one", "one.example.com", "10.0.0.1", "::1", "fe80::2", "a_b-c"};
	static const char *const bad[] = {"one:5672", "[::1]", "[::1]:5672", "amqp://one",
	                                  "one/",     "u@one", "one two",    "::1/64"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_int_equal(rabbitmq_target_check_host("amqp_host", good[i], NULL), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(rabbitmq_target_check_host("amqp_host", bad[i], NULL), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_urls), cmocka_unit_test(test_hosts)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
