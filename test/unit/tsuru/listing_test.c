/* tsuru's list of instances: what is read from what tsuru sends, and each answer that it would not have sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "tsuru/listing.h"

static const struct config_driver drivers[] = {{.name = "shared", .variables = (const char *const[]){NULL}}};
static struct config *config;

/* The bytes that tsuru 1.31 makes of three instances, as encoding/json writes its ServiceModel and ServiceInstance. */
static const char whole[] =
    "[{\"service\":\"cache\",\"instances\":[],\"plans\":null,\"service_instances\":null},"
    "{\"service\":\"others\",\"instances\":[\"mydb\"],\"plans\":[\"\"],\"service_instances\":[{\"name\":\"mydb\","
    "\"id\":0,"
    "\"service_name\":\"others\",\"plan_name\":\"\",\"apps\":[\"shop\"],\"jobs\":null,\"teams\":[\"t\"],\"team_owner\":"
    "\"t\","
    "\"description\":\"\",\"tags\":null}]},"
    "{\"service\":\"postgres\",\"instances\":[\"mydb\",\"old\"],\"plans\":[\"small\",\"small\"],\"service_instances\":["
    "{\"name\":\"mydb\",\"id\":0,\"service_name\":\"postgres\",\"plan_name\":\"small\",\"apps\":[\"shop\",\"blog\"],"
    "\"jobs\":[\"shop\"],\"teams\":[\"t\"],\"team_owner\":\"t\",\"description\":\"a \\u003cb\\u003e\",\"tags\":[\"x\"],"
    "\"parameters\":{\"a\":{\"name\":[1,{\"apps\":2}]},\"service\":\"no\"},\"pool\":\"p\"},"
    "{\"name\":\"old\",\"id\":7,\"service_name\":\"postgres\",\"plan_name\":\"small\",\"apps\":null,\"teams\":null,"
    "\"team_owner\":\"t\",\"description\":\"\",\"tags\":null}]}]\n";

/* Reads json in parts of that size; NULL when it is odd, and why in ret_error. */
static struct listing *read_parts(const char *json, size_t length, size_t part, struct error *ret_error)
{
	struct listing *listing = listing_new(config);
	bool good = true;

	assert_non_null(listing);
	error_clear(ret_error);
	for (size_t at = 0; good && at < length; at += part)
		good = listing_read(listing, json + at, length - at < part ? length - at : part);
	if (listing_end(listing, ret_error) == 0) {
		assert_true(good);
		return listing;
	}
	listing_free(listing);
	return NULL;
}

static void test_what_tsuru_sends(void **state)
{
	struct error error;

	(void)state;
	for (size_t part = 1; part < sizeof(whole); part += part < 64 ? 1 : 101) {
		struct listing *listing = read_parts(whole, sizeof(whole) - 1, part, &error);
		const struct listed *listed;
		struct text told;

		assert_non_null(listing);
		text_init(&told, 4096);
		for (listed = listing_first(listing); listed != NULL; listed = listed->hh.next)
			text_add_format(&told, "%c %s/%s/%s%s;", (char)listed->kind, listed->service, listed->instance,
			                listed->name, listed->tells_jobs ? " with jobs" : "");
		assert_string_equal(text_string(&told), "s cache//;i postgres/mydb/ with jobs;a postgres/mydb/shop;"
		                                        "a postgres/mydb/blog;j postgres/mydb/shop;i postgres/7/;"
		                                        "s postgres//;");
		assert_null(listing_find(listing, LISTED_INSTANCE, "postgres", "old", "")); /* tsuru calls it 7 to us */
		assert_null(listing_find(listing, LISTED_JOB, "postgres", "mydb", "blog"));
		assert_non_null(listing_find(listing, LISTED_APP, "postgres", "mydb", "blog"));
		text_release(&told);
		listing_free(listing);
	}
}

/* Wherever it is cut, it is worth nothing. */
static void test_cut_off(void **state)
{
	struct error error;

	(void)state;
	for (size_t length = 0; length < sizeof(whole) - 2; length++) {
		assert_null(read_parts(whole, length, 4096, &error));
		assert_int_equal(error.code, ERR_ANSWER);
	}
}

#define MYDB     "{\"name\":\"mydb\",\"id\":0,\"service_name\":\"postgres\",\"apps\":[\"shop\"],\"jobs\":[\"daily\"]}"
#define OF(list) "[{\"service\":\"postgres\",\"instances\":[\"mydb\"],\"plans\":[],\"service_instances\":[" list "]}]"

static const struct {
	const char *json, *why;
} odds[] = {
    {"", "it is no JSON, or it was cut off"},
    {"null", "it is no list"},
    {"{}", "it is no list"},
    {"\"x\"", "it is no list"},
    {"0", "it is no list"},
    {"[]", "it has no service"},
    {"[ ]\n", "it has no service"},
    {"<html><body>502 Bad Gateway</body></html>", "it is no JSON"},
    {"{\"message\":\"boom\"}", "it is no list"},
    {OF(MYDB) "x", "it is no JSON"},
    {OF(MYDB) "boom\n", "it is no JSON"}, /* what http.Error adds when it fails in the middle */
    {OF(MYDB) OF(MYDB), "it is no JSON"},
    {"[null]", "an item of a list"},
    {"[[]]", "an item of a list"},
    {"[{}]", "a service lacks"},
    {"[{\"service\":\"postgres\"}]", "a service lacks"},
    {"[{\"service\":\"postgres\",\"instances\":[\"mydb\"],\"plans\":[]}]", "a service lacks"}, /* too old a tsuru */
    {"[{\"service\":\"postgres\",\"service_instances\":null}]", "a service lacks"},
    {"[{\"instances\":[],\"service_instances\":null}]", "a service lacks"},
    {"[{\"service\":1,\"instances\":[],\"service_instances\":null}]", "\"service\" is not what"},
    {"[{\"service\":null,\"instances\":[],\"service_instances\":null}]", "\"service\" is not what"},
    {"[{\"service\":\"\",\"instances\":[],\"service_instances\":null}]", "a name is empty"},
    {"[{\"service\":\"a\\u0000b\",\"instances\":[],\"service_instances\":null}]", "a name is empty"},
    {"[{\"service\":\"postgres\",\"instances\":[],\"service_instances\":{}}]", "\"service_instances\" is not what"},
    {"[{\"service\":\"postgres\",\"instances\":\"mydb\",\"service_instances\":null}]", "\"instances\" is not what"},
    {"[{\"service\":\"postgres\",\"instances\":[1],\"service_instances\":null}]", "an item of a list"},
    {"[{\"service\":\"postgres\",\"instances\":[\"mydb\"],\"service_instances\":null}]", "more or fewer names"},
    {"[{\"service\":\"postgres\",\"instances\":[],\"service_instances\":[" MYDB "]}]", "more or fewer names"},
    {"[{\"service\":\"others\",\"instances\":[\"a\"],\"service_instances\":null}]", "more or fewer names"},
    {"[{\"service\":\"mysql\",\"instances\":[\"mydb\"],\"service_instances\":[" MYDB "]}]", "of another one"},
    {"[{\"service\":\"postgres\",\"service\":\"postgres\",\"instances\":[],\"service_instances\":null}]", "twice"},
    {"[{\"service\":\"postgres\",\"instances\":[],\"service_instances\":null},"
     "{\"service\":\"postgres\",\"instances\":[],\"service_instances\":null}]",
     "it has postgres/ twice"},
    {"[{\"service\":\"postgres\",\"instances\":[\"mydb\",\"mydb\"],\"service_instances\":[" MYDB "," MYDB "]}]",
     "it has postgres/mydb twice"},
    {OF("null"), "an item of a list"},
    {OF("[]"), "an item of a list"},
    {OF("\"mydb\""), "an item of a list"},
    {OF("{}"), "an instance lacks"},
    {OF("{\"name\":\"mydb\",\"service_name\":\"postgres\"}"), "an instance lacks"},
    {OF("{\"name\":\"mydb\",\"apps\":[]}"), "an instance lacks"},
    {OF("{\"service_name\":\"postgres\",\"apps\":[]}"), "an instance lacks"},
    {OF("{\"Name\":\"mydb\",\"ServiceName\":\"postgres\",\"Apps\":[\"shop\"]}"), "an instance lacks"},
    {OF("{\"name\":null,\"service_name\":\"postgres\",\"apps\":[]}"), "\"name\" is not what"},
    {OF("{\"name\":[\"mydb\"],\"service_name\":\"postgres\",\"apps\":[]}"), "\"name\" is not what"},
    {OF("{\"name\":\"\",\"service_name\":\"postgres\",\"apps\":[]}"), "a name is empty"},
    {OF("{\"name\":\"mydb\",\"service_name\":\"mysql\",\"apps\":[]}"), "of another one"},
    {OF("{\"name\":\"mydb\",\"name\":\"other\",\"service_name\":\"postgres\",\"apps\":[]}"), "twice in an object"},
    {OF("{\"name\":\"mydb\",\"service_name\":\"postgres\",\"apps\":[\"shop\"],\"apps\":[]}"), "twice in an object"},
    {OF("{\"name\":\"mydb\",\"service_name\":\"postgres\",\"apps\":\"shop\"}"), "\"apps\" is not what"},
    {OF("{\"name\":\"mydb\",\"service_name\":\"postgres\",\"apps\":{}}"), "\"apps\" is not what"},
    {OF("{\"name\":\"mydb\",\"service_name\":\"postgres\",\"apps\":false}"), "\"apps\" is not what"},
    {OF("{\"name\":\"mydb\",\"service_name\":\"postgres\",\"apps\":[null]}"), "an item of a list"},
    {OF("{\"name\":\"mydb\",\"service_name\":\"postgres\",\"apps\":[{\"name\":\"shop\"}]}"), "an item of a list"},
    {OF("{\"name\":\"mydb\",\"service_name\":\"postgres\",\"apps\":[\"\"]}"), "a name is empty"},
    {OF("{\"name\":\"mydb\",\"service_name\":\"postgres\",\"apps\":[\"a\\u0000b\"]}"), "a name is empty"},
    {OF("{\"name\":\"mydb\",\"service_name\":\"postgres\",\"apps\":[\"shop\",\"shop\"]}"), "mydb shop twice"},
    {OF("{\"name\":\"mydb\",\"service_name\":\"postgres\",\"apps\":[],\"jobs\":[1]}"), "an item of a list"},
    {OF("{\"name\":\"mydb\",\"service_name\":\"postgres\",\"apps\":[],\"jobs\":\"daily\"}"), "\"jobs\" is not what"},
    {OF("{\"name\":\"mydb\",\"id\":\"7\",\"service_name\":\"postgres\",\"apps\":[]}"), "\"id\" is not what"},
    {OF("{\"name\":\"mydb\",\"id\":-7,\"service_name\":\"postgres\",\"apps\":[]}"), "an instance's id"},
    {OF("{\"name\":\"mydb\",\"id\":7.5,\"service_name\":\"postgres\",\"apps\":[]}"), "an instance's id"},
    {OF("{\"name\":\"mydb\",\"id\":1e3,\"service_name\":\"postgres\",\"apps\":[]}"), "an instance's id"},
};

static void test_odd(void **state)
{
	struct error error;
	struct listing *listing = read_parts(OF(MYDB), sizeof(OF(MYDB)) - 1, 4096, &error);

	(void)state;
	assert_non_null(listing); /* what the others are made of is good */
	listing_free(listing);
	for (size_t i = 0; i < sizeof(odds) / sizeof(*odds); i++) {
		listing = read_parts(odds[i].json, strlen(odds[i].json), 7, &error);
		if (listing != NULL || strstr(error.text, odds[i].why) == NULL)
			fail_msg("%s is said to be: %s", odds[i].json, error.text);
		assert_int_equal(error.code, ERR_ANSWER);
	}
}

/* Where a member stands in its object is tsuru's business. */
static void test_order(void **state)
{
	static const char json[] =
	    "[{\"service_instances\":[{\"jobs\":null,\"apps\":[\"shop\"],\"service_name\":\"postgres\","
	    "\"id\":7,\"name\":\"mydb\"}],\"instances\":[\"mydb\"],\"service\":\"postgres\"}]";
	struct error error;
	struct listing *listing = read_parts(json, sizeof(json) - 1, 11, &error);

	(void)state;
	assert_non_null(listing);
	assert_non_null(listing_find(listing, LISTED_APP, "postgres", "7", "shop"));
	assert_true(listing_find(listing, LISTED_INSTANCE, "postgres", "7", "")->tells_jobs);
	listing_free(listing);
}

static void add_instance(struct text *json, int i)
{
	text_add_format(
	    json,
	    "%s{\"name\":\"db-%05d\",\"id\":0,\"service_name\":\"postgres\",\"apps\":[\"shop-%05d\"],\"jobs\":["
	    "\"job-%05d\"],\"description\":\"%0200d\"}",
	    i > 0 ? "," : "", i, i, i, i);
}

/* 20,000 instances, and a description that is longer than what is kept of a text. */
static void test_large(void **state)
{
	const int instances = 20000;
	struct text json;
	struct error error;
	struct listing *listing;

	(void)state;
	text_init(&json, 64 << 20);
	text_add(&json, "[{\"service\":\"postgres\",\"plans\":[],\"instances\":[\"db\"");
	for (int i = 1; i < instances; i++)
		text_add(&json, ",\"db\"");
	text_add(&json, "],\"service_instances\":[");
	for (int i = 0; i < instances; i++)
		add_instance(&json, i);
	text_add_format(&json, "],\"doc\":\"%0100000d\"}]", 0);
	assert_false(json.failed);
	listing = read_parts(text_string(&json), json.length, 16384, &error);
	assert_non_null(listing);
	assert_non_null(listing_find(listing, LISTED_JOB, "postgres", "db-19999", "job-19999"));
	listing_free(listing);
	text_release(&json);
}

#define BEGIN(service)                                                                                                 \
	"[{\"service\":\"" service "\",\"instances\":[\"mydb\"],\"service_instances\":[{\"name\":\"mydb\","            \
	"\"service_name\":\"" service "\",\"apps\":[\"shop\""

/* How many more of such apps are taken, up to most. */
static size_t count_taken(const char *begin, const char *app, size_t most)
{
	struct listing *listing = listing_new(config);
	struct error error;
	size_t taken = 0;

	assert_non_null(listing);
	assert_true(listing_read(listing, begin, strlen(begin)));
	while (taken < most && listing_read(listing, app, strlen(app)))
		taken++;
	assert_int_equal(listing_end(listing, &error), ERR_ANSWER);
	if (taken < most && strstr(error.text, "too many names") == NULL)
		fail_msg("%s", error.text);
	listing_free(listing);
	return taken;
}

/* An instance whose list of apps has no end, ours or another broker's. */
static void test_names_without_end(void **state)
{
	char app[60000];

	(void)state;
	memset(app, 'a', sizeof(app));
	memcpy(app, ",\"", 2);
	strcpy(app + sizeof(app) - 2, "\"");
	assert_int_equal(count_taken(BEGIN("postgres"), ",\"a\"", 2 * LISTING_MAX), LISTING_MAX - 1);
	assert_int_equal(count_taken(BEGIN("others"), ",\"a\"", 2 * LISTING_MAX), LISTING_MAX - 1);
	assert_in_range(count_taken(BEGIN("postgres"), app, 2000), 1000, LISTING_BYTES_MAX / (sizeof(app) - 5));
	assert_in_range(count_taken(BEGIN("others"), app, 2000), 1000, LISTING_BYTES_MAX / (sizeof(app) - 5));
}

static int start(void **state)
{
	static const char text[] = "services:\n"
	                           "  - {name: postgres, driver: shared, password: x, plans: [{name: p}]}\n"
	                           "  - {name: cache, driver: shared, password: x, plans: [{name: p}]}\n";
	char path[] = "/tmp/listing-test-XXXXXX";
	struct config_errors *errors = NULL;
	const int fd = mkstemp(path);
	int rc;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	rc = config_load(path, drivers, 1, &config, &errors);
	unlink(path);
	return rc;
}

static int end(void **state)
{
	(void)state;
	config_free(config);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_tsuru_sends),
	    cmocka_unit_test(test_cut_off),
	    cmocka_unit_test(test_odd),
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_large),
	    cmocka_unit_test(test_names_without_end),
	};

	return cmocka_run_group_tests(tests, start, end);
}
