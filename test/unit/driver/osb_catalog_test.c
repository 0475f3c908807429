/* Catalogs of upstream brokers: what is found by name and by id, and what is said of what is not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "driver/osb/catalog.h"

#define PLANS                                                                                                          \
	"[{\"id\":\"p1\",\"name\":\"small\",\"description\":\"little\"},"                                              \
	" {\"id\":\"p2\",\"name\":\"large\",\"bindable\":false,\"plan_updateable\":false,"                             \
	"  \"maximum_polling_duration\":90,\"schemas\":{}}]"
#define CATALOG                                                                                                        \
	"{\"services\":[{\"id\":\"s0\",\"name\":\"other\",\"bindable\":true,\"plans\":[]},"                            \
	"{\"id\":\"s1\",\"name\":\"db\",\"bindable\":true,\"plan_updateable\":true,"                                   \
	"\"instances_retrievable\":true,\"plans\":" PLANS "}]}"

static struct osb_catalog *parse(const char *json, const char *service)
{
	struct osb_catalog *catalog = NULL;
	struct error error;

	assert_int_equal(catalog_parse(json, service, &catalog, &error), 0);
	return catalog;
}

static void test_by_name_and_id(void **state)
{
	static const char *const services[] = {"db", "s1"}, *const plans[] = {"large", "p2"};
	struct offer offer;
	struct error error;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct osb_catalog *catalog = parse(CATALOG, services[i]);

		assert_int_equal(catalog_find(catalog, plans[i], &offer, &error), 0);
		assert_string_equal(offer.service_id, "s1");
		assert_string_equal(offer.plan_id, "p2");
		assert_string_equal(offer.plan_name, "large");
		assert_int_equal(offer.maximum_polling, 90000);
		assert_non_null(offer.schemas);
		catalog_drop(catalog);
	}
}

/* A plan's own word wins over the service's. */
static void test_flags(void **state)
{
	struct osb_catalog *catalog = parse(CATALOG, "db");
	struct offer small, large;
	struct error error;

	(void)state;
	assert_int_equal(catalog_find(catalog, "small", &small, &error), 0);
	assert_int_equal(catalog_find(catalog, "large", &large, &error), 0);
	assert_true(small.bindable && small.updateable && small.instances_retrievable && !small.bindings_retrievable);
	assert_true(!large.bindable && !large.updateable && large.instances_retrievable);
	assert_string_equal(small.description, "little");
	assert_int_equal(small.maximum_polling, 0);
	catalog_drop(catalog);
}

static void test_missing(void **state)
{
	struct osb_catalog *catalog = NULL;
	struct offer offer;
	struct error error;

	(void)state;
	assert_int_equal(catalog_parse(CATALOG, "mail", &catalog, &error), ERR_REFUSED);
	assert_string_equal(error.text, "its catalog has no service \"mail\"; it has: other, db");
	assert_null(catalog);
	catalog = parse(CATALOG, "db");
	assert_int_equal(catalog_find(catalog, "huge", &offer, &error), ERR_REFUSED);
	assert_string_equal(error.text, "its catalog has no plan \"huge\"; it has: small, large");
	catalog_drop(catalog);
	catalog = parse(CATALOG, "other");
	assert_int_equal(catalog_find(catalog, "huge", &offer, &error), ERR_REFUSED);
	assert_string_equal(error.text, "its catalog has no plan \"huge\"; it has: none");
	catalog_drop(catalog);
}

static void test_malformed(void **state)
{
	static const char *const texts[] = {"",    "no", "[]", "{}", "{\"services\":{}}", "{\"services\":[]} more",
	                                    "null"};
	struct osb_catalog *catalog = NULL;
	struct error error;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_equal(catalog_parse(texts[i], "db", &catalog, &error), ERR_UNAVAILABLE);
	assert_int_equal(
	    catalog_parse("{\"services\":[1,{\"name\":\"db\"},{\"id\":\"\",\"name\":\"db\"}]}", "db", &catalog, &error),
	    ERR_REFUSED);
	assert_null(catalog);
}

static void test_polling_is_bounded(void **state)
{
	struct osb_catalog *catalog = parse("{\"services\":[{\"id\":\"s\",\"name\":\"db\",\"plans\":["
	                                    "{\"id\":\"1\",\"name\":\"a\",\"maximum_polling_duration\":1e300},"
	                                    "{\"id\":\"2\",\"name\":\"b\",\"maximum_polling_duration\":-5},"
	                                    "{\"id\":\"3\",\"name\":\"c\",\"maximum_polling_duration\":\"9\"}]}]}",
	                                    "db");
	const int64_t expected[] = {INT64_C(7) * 86400 * 1000, 0, 0};
	static const char *const plans[] = {"a", "b", "c"};
	struct offer offer;
	struct error error;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(catalog_find(catalog, plans[i], &offer, &error), 0);
		assert_int_equal(offer.maximum_polling, expected[i]);
	}
	catalog_drop(catalog);
}

/* A work holds the catalog that it began with. */
static void test_held(void **state)
{
	struct osb_catalog *catalog = parse(CATALOG, "db"), *held = catalog_hold(catalog);
	struct offer offer;
	struct error error;

	(void)state;
	catalog_drop(catalog);
	assert_int_equal(catalog_find(held, "small", &offer, &error), 0);
	catalog_drop(held);
	catalog_drop(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_by_name_and_id), cmocka_unit_test(test_flags),
	    cmocka_unit_test(test_missing),        cmocka_unit_test(test_malformed),
	    cmocka_unit_test(test_held),           cmocka_unit_test(test_polling_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
