/* Proofs of who a broker is: good for one listener, name, address and question alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "keys.h"
#include "relay/proving.h"

static void test_good_for_nothing_else(void **state)
{
	struct keyring *first = keys(FIRST_KEY), *other = keys(OTHER_KEY), *both = keys(BOTH_KEYS);
	const struct proving good = {first, RELAY_SERVICE, "one", "http://one:8080", "00ff"};
	const struct proving others[] = {
	    {other, RELAY_SERVICE, "one", "http://one:8080", "00ff"},
	    {first, RELAY_OPERATORS, "one", "http://one:8080", "00ff"},
	    {first, RELAY_SERVICE, "two", "http://one:8080", "00ff"},
	    {first, RELAY_SERVICE, "one", "http://two:8080", "00ff"},
	    {first, RELAY_SERVICE, "one", "http://one:8080", "00fe"},
	    {first, RELAY_SERVICE, "onehttp", "://one:8080", "00ff"},
	};
	char macs[KEYRING_MACS_SIZE];

	(void)state;
	proving_sign(&good, macs);
	assert_true(proving_check(&good, macs));
	assert_true(proving_check(&(struct proving){both, good.listener, good.name, good.address, good.id}, macs));
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		assert_false(proving_check(&others[i], macs));
	assert_false(proving_check(&good, ""));
	macs[0] ^= 1;
	assert_false(proving_check(&good, macs));
	keyring_free(first);
	keyring_free(other);
	keyring_free(both);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_good_for_nothing_else)};

	return cmocka_run_group_tests(tests, keys_setup, NULL);
}
