/* Urls of servers taken apart, refused without being shown, and put together for apps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "driver/drivers.h"
#include "driver/postgres/roster.h"
#include "driver/postgres/target.h"

#define KEYS_MAX 16

struct fixture {
	struct option items[KEYS_MAX];
	struct server server;
	struct pg_target target;
	struct text url;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	const struct config_key *keys = driver_postgres.server_keys;
	size_t count = 0;

	assert_non_null(fixture);
	for (; keys[count].name != NULL; count++)
		fixture->items[count].key = &keys[count];
	fixture->server = (struct server){.name = "one", .options = {.items = fixture->items, .count = count}};
	text_init(&fixture->url, 1024);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	target_release(&fixture->target);
	text_release(&fixture->url);
	free(fixture);
	return 0;
}

static struct option *option(struct fixture *fixture, const char *name)
{
	for (size_t i = 0; i < fixture->server.options.count; i++)
		if (strcmp(fixture->items[i].key->name, name) == 0)
			return &fixture->items[i];
	fail_msg("there is no key %s", name);
	return NULL;
}

static void set_text(struct fixture *fixture, const char *name, const char *value)
{
	option(fixture, name)->set = true;
	option(fixture, name)->value.text = value;
}

static struct pg_target *take(struct fixture *fixture, const char *url)
{
	struct error error;

	set_text(fixture, "url", url);
	if (target_init(&fixture->target, &fixture->server, &error) != 0)
		fail_msg("%s", error.text);
	return &fixture->target;
}

/* The last one counts for libpq. */
static const char *value_of(const struct pg_target *target, const char *keyword)
{
	const char *value = NULL;

	for (size_t i = 0; i < target->option_count; i++)
		if (strcmp(target->keywords[i], keyword) == 0)
			value = target->values[i];
	return value;
}

static const char *app_url(struct fixture *fixture, const char *password)
{
	text_reset(&fixture->url);
	target_app_url(&fixture->target, "d b", "u@r", password, &fixture->url);
	return text_string(&fixture->url);
}

static void test_whole_url(void **state)
{
	const struct pg_target *target =
	    take(*state, "postgres://ad%40min:p%2Fw%3A%25@db.example.com:6000/main%20one?sslmode=verify-ca");

	assert_int_equal(target->place_count, 1);
	assert_string_equal(target->places[0].host, "db.example.com");
	assert_string_equal(target->places[0].port, "6000");
	assert_string_equal(target->database, "main one");
	assert_string_equal(value_of(target, "user"), "ad@min");
	assert_string_equal(value_of(target, "password"), "p/w:%");
	assert_string_equal(value_of(target, "sslmode"), "verify-ca");
	assert_string_equal(target->public_host, "db.example.com");
	assert_string_equal(target->public_port, "6000");
}

static void test_defaults(void **state)
{
	const struct pg_target *target = take(*state, "postgresql://admin@db");

	assert_string_equal(target->places[0].port, "5432");
	assert_string_equal(target->database, "postgres");
	assert_string_equal(value_of(target, "sslmode"), "prefer");
	assert_string_equal(value_of(target, "gssencmode"), "disable");
	assert_string_equal(value_of(target, "application_name"), "tsuru-broker");
	assert_null(value_of(target, "password"));
	assert_null(value_of(target, "host"));
}

/* Nothing that a tenant or an operator sets for roles and databases counts against these; the roster gives the name. */
static void test_limits_and_name(void **state)
{
	static const struct driver_context context = {.store = "1a2b3c4d5e6f7081"};
	static const struct service service = {.name = "databases"};
	static const char *const limits[] = {"-c statement_timeout=30s ", "-c lock_timeout=1s ",
	                                     "-c idle_in_transaction_session_timeout=10s "};
	struct fixture *fixture = *state;
	struct roster_entry entry;
	struct roster roster;

	take(fixture, "postgresql://admin@db");
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++)
		assert_non_null(strstr(fixture->target.settings.options, limits[i]));
	assert_non_null(strstr(fixture->target.settings.options, "-c default_transaction_isolation=read\\ committed "));
	assert_non_null(strstr(fixture->target.settings.statement,
	                       ", pg_catalog.set_config('default_transaction_isolation', 'read committed', false), "));
	/* What a connection alone can have. */
	assert_non_null(strstr(fixture->target.settings.options, "local_preload_libraries"));
	assert_null(strstr(fixture->target.settings.statement, "local_preload_libraries"));
	roster_init(&roster, &context, &service);
	target_set_roster(&fixture->target, &roster);
	roster_enter(&roster, &entry);
	assert_string_equal(value_of(&fixture->target, "application_name"), "tsuru-broker 1a2b3c4d databases");
}

static void test_several_places(void **state)
{
	const struct pg_target *target;

	set_text(*state, "public_host", "db");
	target = take(*state, "postgres://a:b@one:1,two,[fd00::3]:3/x?target_session_attrs=read-write");
	assert_int_equal(target->place_count, 3);
	assert_string_equal(target->places[0].port, "1");
	assert_string_equal(target->places[1].host, "two");
	assert_string_equal(target->places[1].port, "5432");
	assert_string_equal(target->places[2].host, "fd00::3");
	assert_string_equal(target->places[2].port, "3");
	assert_string_equal(value_of(target, "target_session_attrs"), "read-write");
}

static void test_public_address(void **state)
{
	struct fixture *fixture = *state;

	set_text(fixture, "public_host", "fd00::1");
	option(fixture, "public_port")->value.number = 6432;
	take(fixture, "postgres://a:b@db/x");
	assert_string_equal(app_url(fixture, "p/w"), "postgres://u%40r:p%2Fw@[fd00::1]:6432/d%20b");
}

static void test_app_url_demands_tls_as_the_broker_does(void **state)
{
	static const char *const demanding[] = {"require", "verify-ca", "verify-full"};
	static const char *const lenient[] = {"disable", "allow", "prefer"};
	char url[64] = "postgres://a:b@db/x?sslmode=";
	const size_t length = strlen(url);

	for (size_t i = 0; i < 3; i++) {
		strcpy(url + length, demanding[i]);
		take(*state, url);
		assert_string_equal(app_url(*state, "pw"), "postgres://u%40r:pw@db:5432/d%20b?sslmode=require");
		target_release(&((struct fixture *)*state)->target);
		strcpy(url + length, lenient[i]);
		take(*state, url);
		assert_string_equal(app_url(*state, "pw"), "postgres://u%40r:pw@db:5432/d%20b");
		target_release(&((struct fixture *)*state)->target);
	}
}

static void test_root_certificate(void **state)
{
	set_text(*state, "sslrootcert", "/etc/ssl/ours.pem");
	assert_string_equal(value_of(take(*state, "postgres://a:b@db/x?sslrootcert=other"), "sslrootcert"),
	                    "/etc/ssl/ours.pem");
}

static void test_refused_urls(void **state)
{
	static const char *const urls[] = {
	    "",
	    "host=db user=admin password=hunter2",
	    "mysql://admin:hunter2@db/x",
	    "postgres://admin:hunter2%zz@db/x",
	    "postgres://admin:hunter2@/x",
	    "postgres://db/hunter2",
	    "postgres://admin:hunter2@one,,two/x",
	    "postgres://admin:hunter2@a,b,c,d,e,f,g,h,i/x",
	    "postgres://admin:hunter2@db/x?sslmode=hunter2",
	    "postgres://admin:hunter2@db/x?options=-c%20hunter2",
	    "postgres://admin:hunter2@db/x?hostaddr=hunter2",
	    "postgres://admin:hunter2@db/x?nonsense=hunter2",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++) {
		struct error error;

		assert_int_equal(target_check_url("url", urls[i], &error), ERR_INVALID);
		assert_null(strstr(error.text, "hunter2"));
	}
}

static void check_needs_public_host(struct fixture *fixture, const char *url)
{
	struct error error;

	set_text(fixture, "url", url);
	assert_int_equal(target_init(&fixture->target, &fixture->server, &error), ERR_INVALID);
	assert_non_null(strstr(error.text, "public_host"));
	assert_null(strstr(error.text, "hunter2"));
}

static void test_needs_public_host(void **state)
{
	check_needs_public_host(*state, "postgres://admin:hunter2@one,two/x");
	check_needs_public_host(*state, "postgres://admin:hunter2@/x?host=/run/postgresql");
	set_text(*state, "public_host", "db");
	assert_string_equal(take(*state, "postgres://admin:hunter2@%2Frun%2Fpostgresql/x")->places[0].host,
	                    "/run/postgresql");
}

#define target_case(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    target_case(test_whole_url),         target_case(test_defaults),
	    target_case(test_limits_and_name),   target_case(test_several_places),
	    target_case(test_public_address),    target_case(test_app_url_demands_tls_as_the_broker_does),
	    target_case(test_root_certificate),  target_case(test_refused_urls),
	    target_case(test_needs_public_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
