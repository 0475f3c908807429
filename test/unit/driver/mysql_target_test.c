/* Urls of MariaDB servers taken apart, refused without being shown, and put together for apps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "driver/drivers.h"
#include "driver/mysql/target.h"

#define KEYS_MAX 20

struct fixture {
	struct option items[KEYS_MAX];
	struct server server;
};

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

static void set_up(struct fixture *fixture, const char *url)
{
	const struct config_key *keys = driver_mysql.server_keys;
	size_t count = 0;

	*fixture = (struct fixture){0};
	for (; keys[count].name != NULL; count++)
		fixture->items[count].key = &keys[count];
	fixture->server = (struct server){.name = "one", .options = {.items = fixture->items, .count = count}};
	set_text(fixture, "url", url);
}

static void refuse(const char *url, const char *wanted)
{
	struct error error;

	assert_int_equal(maria_target_check_url("url", url, &error), ERR_INVALID);
	if (strstr(error.text, wanted) == NULL)
		fail_msg("\"%s\" has no \"%s\"", error.text, wanted);
	assert_null(strstr(error.text, "sekret"));
}

static void test_refused(void **state)
{
	(void)state;
	refuse("postgres://u:sekret@h", "mysql://");
	refuse("mysql://h:3306", "names no user and password");
	refuse("mysql://sekret@h", "names no password");
	refuse("mysql://u:@h", "empty password");
	refuse("mysql://:sekret@h", "names no user");
	refuse("mysql://u:sekret%zz@h", "percent-encoded");
	refuse("mysql://u:sekret@h/mysql", "nothing but /");
	refuse("mysql://u:sekret@h?tls=1", "nothing but /");
	refuse("mysql://u:sekret@one,two", "one host");
	refuse("mysql://u:sekret@", "one host");
	refuse("mysql://u:sekret@h:0", "port");
	assert_int_equal(maria_target_check_url("url", "mysql://u:sekret@h/", NULL), 0);
}

static void test_parts(void **state)
{
	struct fixture fixture;
	struct mysql_target target;
	struct text url;

	(void)state;
	set_up(&fixture, "mysql://a%3Ab:p%40ss%2Fw:rd%25@[fd00::1]:7000/");
	assert_int_equal(maria_target_init(&target, &fixture.server, NULL), 0);
	assert_string_equal(target.user, "a:b");
	assert_string_equal(target.password, "p@ss/w:rd%");
	assert_string_equal(target.place.host, "fd00::1");
	assert_string_equal(target.place.port, "7000");
	text_init(&url, 1024);
	maria_target_app_url(&target, "d", "u", "p@", false, &url);
	assert_string_equal(text_string(&url), "mysql://u:p%40@[fd00::1]:7000/d");
	text_release(&url);
	maria_target_release(&target);

	set_up(&fixture, "mysql://a:b@h");
	set_text(&fixture, "public_host", "db.example.com");
	assert_int_equal(maria_target_init(&target, &fixture.server, NULL), 0);
	text_init(&url, 1024);
	maria_target_app_url(&target, "d", "u", "p", true, &url);
	assert_string_equal(text_string(&url), "mysql://u:p@db.example.com:3306/d?ssl-mode=REQUIRED");
	text_release(&url);
	maria_target_release(&target);
}

static void test_tls(void **state)
{
	struct fixture fixture;
	struct mysql_target target;
	struct error error;

	(void)state;
	set_up(&fixture, "mysql://a:b@h");
	set_text(&fixture, "ca_file", "/ca.pem");
	assert_int_equal(maria_target_init(&target, &fixture.server, &error), ERR_INVALID);
	assert_non_null(strstr(error.text, "tls: true"));
	option(&fixture, "tls")->set = option(&fixture, "tls")->value.flag = true;
	assert_int_equal(maria_target_init(&target, &fixture.server, &error), 0);
	assert_string_equal(target.ca_file, "/ca.pem");
	assert_string_equal(target.tls_name, "h");
	maria_target_release(&target);
}

static void test_app_hosts(void **state)
{
	struct error error;

	(void)state;
	assert_int_equal(maria_target_check_app_host("app_host", "10.0.0.0/255.255.0.0", &error), 0);
	assert_int_equal(maria_target_check_app_host("app_host", "%", &error), 0);
	assert_int_equal(maria_target_check_app_host("app_host", "a'b", &error), ERR_INVALID);
	assert_int_equal(maria_target_check_app_host("app_host", "", &error), ERR_INVALID);
}

/* What the broker may send a password to in clear. */
static void test_which_addresses_are_the_machine_s_own(void **state)
{
	static const char *const others[] = {
	    "0.0.0.0", "10.0.0.6", "128.0.0.1", "::", "fd00::1", "::ffff:10.0.0.6", "12.7.0.1"};

	(void)state;
	assert_true(maria_address_is_local("127.0.0.1"));
	assert_true(maria_address_is_local("127.255.0.9"));
	assert_true(maria_address_is_local("::1"));
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		assert_false(maria_address_is_local(others[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_refused), cmocka_unit_test(test_parts),
	                                   cmocka_unit_test(test_tls), cmocka_unit_test(test_app_hosts),
	                                   cmocka_unit_test(test_which_addresses_are_the_machine_s_own)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
