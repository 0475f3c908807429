/* Names to lists of addresses, as libpq takes them. Asks no name server: of the names one is in every /etc/hosts, and
 * the other is longer than a label may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "store/postgres/lookup.h"

#define NO_NAME "a-label-of-a-name-is-at-most-sixty-three-bytes-long-and-this-one-is-longer"

static void test_what_is_a_name(void **state)
{
	(void)state;
	assert_false(lookup_is_needed(""));
	assert_false(lookup_is_needed("127.0.0.1"));
	assert_false(lookup_is_needed("127.0.0.1,::1,/run/postgresql,@abstract,"));
	assert_true(lookup_is_needed("localhost"));
	assert_true(lookup_is_needed("127.0.0.1,localhost"));
	assert_true(lookup_is_needed("127.0.0.256"));
}

static int find(const char *hosts, const char *ports, struct text *lists, struct error *error)
{
	struct lookup *lookup = lookup_start(hosts, ports);
	int rc;

	assert_non_null(lookup);
	while (!lookup_is_over(lookup))
		nanosleep(&(const struct timespec){.tv_nsec = 1000000}, NULL);
	for (size_t i = 0; i < LOOKUP_LISTS; i++)
		text_init(&lists[i], LOOKUP_LIST_MAX);
	rc = lookup_take(lookup, lists, error);
	lookup_end(lookup);
	return rc;
}

static void release(struct text *lists)
{
	for (size_t i = 0; i < LOOKUP_LISTS; i++)
		text_release(&lists[i]);
}

static void test_each_host_has_its_port(void **state)
{
	struct text lists[LOOKUP_LISTS];
	struct error error;

	(void)state;
	assert_int_equal(find("/run,127.0.0.2," NO_NAME ",::1,", "1,2,3,4,5", lists, &error), 0);
	assert_string_equal(text_string(&lists[LOOKUP_HOSTS]), "/run,127.0.0.2,::1,");
	assert_string_equal(text_string(&lists[LOOKUP_ADDRESSES]), ",127.0.0.2,::1,");
	assert_string_equal(text_string(&lists[LOOKUP_PORTS]), "1,2,4,5");
	release(lists);
}

static void test_one_port_is_everybody_s(void **state)
{
	struct text lists[LOOKUP_LISTS];
	struct error error;

	(void)state;
	assert_int_equal(find("127.0.0.2,127.0.0.3", "5432", lists, &error), 0);
	assert_string_equal(text_string(&lists[LOOKUP_PORTS]), "5432,5432");
	release(lists);
	assert_int_equal(find("127.0.0.2,127.0.0.3", "", lists, &error), 0);
	assert_string_equal(text_string(&lists[LOOKUP_PORTS]), ",");
	release(lists);
}

static void test_a_name_is_there_as_often_as_it_has_addresses(void **state)
{
	struct text lists[LOOKUP_LISTS];
	const char *address;
	struct error error;

	(void)state;
	assert_int_equal(find("localhost", "5432", lists, &error), 0);
	address = text_string(&lists[LOOKUP_ADDRESSES]);
	assert_non_null(strstr(address, "127.0.0.1"));
	if (strchr(address, ',') != NULL) {
		assert_string_equal(text_string(&lists[LOOKUP_HOSTS]), "localhost,localhost");
		assert_string_equal(text_string(&lists[LOOKUP_PORTS]), "5432,5432");
	} else {
		assert_string_equal(text_string(&lists[LOOKUP_HOSTS]), "localhost");
	}
	release(lists);
}

static void test_what_leads_nowhere_is_named(void **state)
{
	struct text lists[LOOKUP_LISTS];
	struct error error;
	int rc;

	(void)state;
	rc = find(NO_NAME, "1", lists, &error);
	assert_true(rc == ERR_NOT_FOUND || rc == ERR_UNAVAILABLE);
	assert_non_null(strstr(error.text, NO_NAME));
	release(lists);
}

static void test_nobody_has_to_wait(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++)
		lookup_end(lookup_start("localhost", "1"));
	lookup_end(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_is_a_name),
	    cmocka_unit_test(test_each_host_has_its_port),
	    cmocka_unit_test(test_one_port_is_everybody_s),
	    cmocka_unit_test(test_a_name_is_there_as_often_as_it_has_addresses),
	    cmocka_unit_test(test_what_leads_nowhere_is_named),
	    cmocka_unit_test(test_nobody_has_to_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
