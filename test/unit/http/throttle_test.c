/* When an attempt to log in may be compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/throttle.h"

static struct throttle_key key_of(const char *address, const char *site)
{
	struct network_address client;
	struct throttle_key key;

	assert_true(network_parse_address(address, &client));
	throttle_key(&client, site, &key);
	return key;
}

/* Wrong ones as long as they are compared at once; how many that were. The one that is not has taken a moment. */
static int guess(struct throttle *throttle, const struct throttle_key *key, int64_t now, int most)
{
	int count = 0;

	while (count < most && throttle_ask(throttle, key, now) == 0) {
		throttle_failed(throttle, key, now);
		count++;
	}
	return count;
}

/* Ten attempts come every 10 ms, and those that are given a moment are compared then. */
static void test_guesses_are_bounded_in_time(void **state)
{
	const struct throttle_key key = key_of("10.0.0.1", "/a");
	struct throttle throttle = {0};
	int64_t moments[16] = {0};
	size_t given = 0;
	int compared = 0;

	(void)state;
	for (int64_t now = 0; now < 600000; now += 10) {
		for (; given > 0 && moments[0] <= now; compared++, given--) {
			throttle_failed(&throttle, &key, now);
			memmove(moments, moments + 1, (given - 1) * sizeof(moments[0]));
		}
		for (int i = 0; i < 10; i++) {
			const int64_t wait = throttle_ask(&throttle, &key, now);

			if (wait > 0)
				moments[given++] = now + wait;
			else if (wait == 0)
				throttle_failed(&throttle, &key, now);
			compared += wait == 0;
			assert_true(wait <= THROTTLE_AHEAD && given < 16);
		}
	}
	assert_in_range(compared, THROTTLE_FREE + 250, THROTTLE_FREE + 600000 / THROTTLE_MAX + 5);
	throttle_free(&throttle);
}

static void test_a_pause_is_forgotten(void **state)
{
	const struct throttle_key key = key_of("10.0.0.1", "/a");
	struct throttle throttle = {0};

	(void)state;
	assert_int_equal(guess(&throttle, &key, 0, 1000), THROTTLE_FREE);
	assert_int_equal(throttle_ask(&throttle, &key, 0), 3 * THROTTLE_FIRST);
	assert_int_equal(guess(&throttle, &key, THROTTLE_FORGET, 1000), 1);
	assert_int_equal(guess(&throttle, &key, 2 * THROTTLE_FORGET + 1, 1000), THROTTLE_FREE);
	throttle_free(&throttle);
}

static void test_a_source_and_a_site_each(void **state)
{
	const struct throttle_key one = key_of("2001:db8:0:1::1", "/a"), same = key_of("2001:db8:0:1:ffff::2", "/a");
	const struct throttle_key other = key_of("2001:db8:0:2::1", "/a"), site = key_of("2001:db8:0:1::1", "/b");
	const struct throttle_key mapped = key_of("::ffff:10.0.0.1", "/a"), neighbour = key_of("::ffff:10.0.0.2", "/a");
	struct throttle throttle = {0};

	(void)state;
	assert_int_equal(guess(&throttle, &one, 0, 1000), THROTTLE_FREE);
	assert_int_equal(guess(&throttle, &same, 0, 1000), 0);
	assert_int_equal(guess(&throttle, &other, 0, 1000), THROTTLE_FREE);
	assert_int_equal(guess(&throttle, &site, 0, 1000), THROTTLE_FREE);
	assert_int_equal(guess(&throttle, &mapped, 0, 1000), THROTTLE_FREE);
	assert_int_equal(guess(&throttle, &neighbour, 0, 1000), THROTTLE_FREE);
	throttle_free(&throttle);
}

/* Whatever strangers of its address do, within the wide bound; over that, it is one of them until it is over. */
static void test_a_known_source_is_compared_at_once(void **state)
{
	const struct throttle_key key = key_of("10.0.0.1", "/a"), site = key_of("10.0.0.1", "/b");
	struct throttle throttle = {0};

	(void)state;
	assert_int_equal(guess(&throttle, &key, 0, 1000), THROTTLE_FREE);
	throttle_passed(&throttle, &key, 0);
	assert_int_equal(guess(&throttle, &site, 0, 1000), THROTTLE_FREE);
	for (int i = 0; i < THROTTLE_FREE; i++)
		assert_false(throttle_failed(&throttle, &key, 0));
	assert_true(throttle_failed(&throttle, &key, 0));
	assert_int_equal(guess(&throttle, &key, 0, 100000), THROTTLE_KNOWN_BURST - THROTTLE_FREE - 1);
	assert_int_not_equal(throttle_ask(&throttle, &key, 0), 0);
	assert_in_range(guess(&throttle, &key, 1000, 100000), THROTTLE_KNOWN_RATE, THROTTLE_KNOWN_RATE + 1);
	throttle_passed(&throttle, &key, 1000);
	assert_int_equal(throttle_ask(&throttle, &key, 1000 + THROTTLE_KNOWN_TIME), 0);
	assert_int_equal(guess(&throttle, &key, 1001 + THROTTLE_KNOWN_TIME, 1000), THROTTLE_FREE);
	throttle_free(&throttle);
}

static void expect_bare(struct throttle *throttle, const struct throttle_key *key, int64_t now, int at_once)
{
	for (int i = 0; i < at_once; i++)
		assert_false(throttle_bare(throttle, key, now));
	assert_true(throttle_bare(throttle, key, now));
	assert_true(throttle_bare(throttle, key, now));
}

/* Some of them a second are answered at once, and none makes a guess wait. */
static void test_bare_ones_are_counted_apart(void **state)
{
	const struct throttle_key key = key_of("10.0.0.1", "/a"), other = key_of("10.0.0.1", "/b");
	struct throttle throttle = {0};

	(void)state;
	expect_bare(&throttle, &key, 0, THROTTLE_FREE);
	expect_bare(&throttle, &key, 1000, THROTTLE_BARE);
	expect_bare(&throttle, &key, 2000, THROTTLE_BARE);
	assert_false(throttle_bare(&throttle, &other, 2000));
	assert_int_equal(guess(&throttle, &key, 2000, 1000), THROTTLE_FREE);
	throttle_passed(&throttle, &key, 2000);
	expect_bare(&throttle, &key, 2000, THROTTLE_KNOWN_BURST);
	throttle_free(&throttle);
}

/* By address, whatever it has logged in to. */
static void test_who_has_logged_in_is_known(void **state)
{
	const struct throttle_key key = key_of("2001:db8:0:1::1", "/a");
	struct network_address same, other;
	struct throttle throttle = {0};

	(void)state;
	assert_true(network_parse_address("2001:db8:0:1::2", &same));
	assert_true(network_parse_address("2001:db8:0:2::1", &other));
	throttle_failed(&throttle, &key, 0);
	assert_false(throttle_knows(&throttle, &same, 0));
	throttle_passed(&throttle, &key, 0);
	assert_true(throttle_knows(&throttle, &same, THROTTLE_KNOWN_TIME));
	assert_false(throttle_knows(&throttle, &other, 0));
	assert_false(throttle_knows(&throttle, &same, THROTTLE_KNOWN_TIME + 1));
	throttle_free(&throttle);
}

/* Failures displace failures only. */
static void test_tables_are_bounded(void **state)
{
	const struct throttle_key tsuru = key_of("10.0.0.1", "/a"), first = key_of("10.0.0.2", "/a");
	struct throttle throttle = {0};
	char address[32];

	(void)state;
	throttle_passed(&throttle, &tsuru, 0);
	assert_int_equal(guess(&throttle, &first, 0, 1000), THROTTLE_FREE);
	for (int i = 0; i < THROTTLE_FAILING; i++) {
		snprintf(address, sizeof(address), "10.1.%d.%d", i / 256, i % 256);
		const struct throttle_key key = key_of(address, "/a");
		throttle_failed(&throttle, &key, 0);
	}
	assert_int_equal(guess(&throttle, &first, 0, 1000), THROTTLE_FREE);
	assert_int_equal(guess(&throttle, &tsuru, 0, 100), 100);
	throttle_free(&throttle);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_guesses_are_bounded_in_time),
	    cmocka_unit_test(test_a_pause_is_forgotten),
	    cmocka_unit_test(test_a_source_and_a_site_each),
	    cmocka_unit_test(test_a_known_source_is_compared_at_once),
	    cmocka_unit_test(test_bare_ones_are_counted_apart),
	    cmocka_unit_test(test_who_has_logged_in_is_known),
	    cmocka_unit_test(test_tables_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
