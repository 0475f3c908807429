/* Which rules a plan may add, on a shared server and on a dedicated one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "driver/redis/rules.h"

/* Each word of rules. */
static void expect(const char *rules, int (*check)(const char *rule, struct error *error), int wanted)
{
	char words[2048], *rest = words, *rule;

	assert_true(strlen(rules) < sizeof(words));
	strcpy(words, rules);
	while ((rule = strsep(&rest, " ")) != NULL)
		if (check(rule, NULL) != wanted)
			fail_msg("\"%s\" is %s", rule, wanted == 0 ? "refused" : "taken");
}

static int check_form(const char *rule, struct error *error)
{
	return rules_check_form("commands", rule, error);
}

static int check_shared(const char *rule, struct error *error)
{
	return rules_check(rule, false, error);
}

static int check_dedicated(const char *rule, struct error *error)
{
	return rules_check(rule, true, error);
}

static void test_form(void **state)
{
	static const char good[] = "+@scripting -@geo +config|get -keys +json.get";
	static const char bad[] =
	    "~* &* %R~* allkeys allcommands nopass reset on >x #x (+@all + +get) +get\n resetkeys +get~* -(x)";

	(void)state;
	expect(good, check_form, 0);
	expect(bad, check_form, ERR_INVALID);
	assert_int_equal(check_form("", NULL), ERR_INVALID);
	assert_int_equal(check_form("+get ~*", NULL), ERR_INVALID);
}

static void test_shared(void **state)
{
	static const char good[] =
	    "+sort +SORT_RO -@geo +@Geo +get +object|freq +xinfo|stream -@all +client|setname +hexpire";
	static const char bad[] =
	    "+@all +@ALL +@admin +@dangerous +@keyspace +@read +@write +@fast +@slow +@blocking +@connection "
	    "+@pubsub +@scripting +@Scripting +eval +EVALSHA_RO +script|load +function +fcall +function|flush "
	    "+copy +move +select +select|1 +swapdb +flushall +flushdb +keys +scan +dbsize +randomkey +migrate "
	    "+restore +restore-asking +debug +config +config|set +acl +acl|setuser +client +client|tracking "
	    "+client|list +client|kill +monitor +psync +sync +replicaof +pubsub +pubsub|channels +info +memory "
	    "+memory|doctor +cluster +cluster|getkeysinslot +module +shutdown +latency +slowlog +ft.search "
	    "+json.get +ts.mget +nosuchcommand +@nosuchcategory +get.x +ge +gett +lolwut";
	struct error error;

	(void)state;
	expect(good, check_shared, 0);
	expect(bad, check_shared, ERR_INVALID);
	assert_int_equal(rules_check("+@scripting", false, &error), ERR_INVALID);
	assert_string_equal(error.text,
	                    "\"+@scripting\" is refused on a shared server: a script holds the whole server while it "
	                    "runs, and functions are the server's, not the prefix's; only a plan that is \"dedicated: "
	                    "true\" may have it");
}

static void test_dedicated(void **state)
{
	static const char good[] =
	    "+@scripting +@all +@dangerous +@keyspace +copy +flushall +ft.search +client|tracking -keys";
	static const char bad[] =
	    "+@admin +acl +acl|setuser +config|set +shutdown +replicaof +client|kill +client|pause +module|load "
	    "+debug +migrate +failover";

	(void)state;
	expect(good, check_dedicated, 0);
	expect(bad, check_dedicated, ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_form), cmocka_unit_test(test_shared),
	                                   cmocka_unit_test(test_dedicated)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
