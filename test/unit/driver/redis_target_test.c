/* Urls of Redis servers taken apart, refused without being shown, and put together for apps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "driver/drivers.h"
#include "driver/redis/target.h"

#define KEYS_MAX 20

struct fixture {
	struct option items[KEYS_MAX];
	struct server server;
};

static void set_up(struct fixture *fixture, const char *url)
{
	const struct config_key *keys = driver_redis.server_keys;
	size_t count = 0;

	*fixture = (struct fixture){0};
	for (; keys[count].name != NULL; count++) {
		fixture->items[count].key = &keys[count];
		if (strcmp(keys[count].name, "url") == 0) {
			fixture->items[count].set = true;
			fixture->items[count].value.text = url;
		}
	}
	fixture->server = (struct server){.name = "one", .options = {.items = fixture->items, .count = count}};
}

static struct option *option(struct fixture *fixture, const char *name)
{
	for (size_t i = 0; i < fixture->server.options.count; i++)
		if (strcmp(fixture->items[i].key->name, name) == 0)
			return &fixture->items[i];
	fail_msg("there is no key %s", name);
	return NULL;
}

static void set_flag(struct fixture *fixture, const char *name)
{
	option(fixture, name)->set = true;
	option(fixture, name)->value.flag = true;
}

static void refuse(const char *url, const char *wanted)
{
	struct error error;

	assert_int_equal(redis_target_check_url("url", url, &error), ERR_INVALID);
	if (strstr(error.text, wanted) == NULL)
		fail_msg("\"%s\" has no \"%s\"", error.text, wanted);
	assert_null(strstr(error.text, "sekret"));
}

static void test_refused(void **state)
{
	(void)state;
	refuse("http://u:sekret@h", "redis://");
	refuse("redis://h:6379", "names no user and password");
	refuse("redis://sekret@h", "names no password");
	refuse("redis://u:@h", "empty password");
	refuse("redis://u:sekret%zz@h", "percent-encoded");
	refuse("redis://u:sekret@h/1", "nothing but /0");
	refuse("redis://u:sekret@h?db=1", "nothing but /0");
	assert_int_not_equal(redis_target_check_url("url", "redis://u:sekret@h:0", NULL), 0);
	assert_int_not_equal(redis_target_check_url("url", "redis://u:sekret@h:65536", NULL), 0);
	assert_int_not_equal(redis_target_check_url("url", "redis://u:sekret@[::1", NULL), 0);
}

static void test_parts(void **state)
{
	struct fixture fixture;
	struct redis_target target;
	struct text url;

	(void)state;
	set_up(&fixture, "redis://a%3Ab:p%40ss%2Fw:rd%25@[fd00::1]:7000/0");
	assert_int_equal(redis_target_init(&target, &fixture.server, NULL), 0);
	assert_string_equal(target.login.user, "a:b");
	assert_string_equal(target.login.password, "p@ss/w:rd%");
	assert_int_equal(target.kind, TARGET_SINGLE);
	assert_string_equal(target.places[0].host, "fd00::1");
	assert_string_equal(target.places[0].port, "7000");
	assert_null(target.login.tls);
	text_init(&url, 1024);
	redis_target_app_url(&target, target.public_host, target.public_port, "u", "p@", &url);
	assert_string_equal(text_string(&url), "redis://u:p%40@[fd00::1]:7000");
	text_release(&url);
	redis_target_release(&target);
}

static void test_kinds(void **state)
{
	struct fixture fixture;
	struct redis_target target;
	struct error error;
	const char *const sentinels[] = {"one:1", "two"};

	(void)state;
	set_up(&fixture, "redis://u:p@one:1,two:2");
	assert_int_equal(redis_target_init(&target, &fixture.server, &error), ERR_INVALID);
	set_flag(&fixture, "redis_cluster");
	assert_int_equal(redis_target_init(&target, &fixture.server, &error), 0);
	assert_int_equal(target.kind, TARGET_CLUSTER);
	assert_int_equal(target.place_count, 2);
	redis_target_release(&target);

	set_up(&fixture, "redis://u:p@");
	assert_int_equal(redis_target_init(&target, &fixture.server, &error), ERR_INVALID);
	option(&fixture, "sentinels")->set = true;
	option(&fixture, "sentinels")->value.list.items = sentinels;
	option(&fixture, "sentinels")->value.list.count = 2;
	assert_int_equal(redis_target_init(&target, &fixture.server, &error), ERR_INVALID);
	assert_non_null(strstr(error.text, "master"));
	option(&fixture, "master")->set = true;
	option(&fixture, "master")->value.text = "m";
	assert_int_equal(redis_target_init(&target, &fixture.server, &error), 0);
	assert_int_equal(target.kind, TARGET_SENTINEL);
	assert_string_equal(target.sentinel_list, "one:1,two:26379");
	redis_target_release(&target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_refused), cmocka_unit_test(test_parts),
	                                   cmocka_unit_test(test_kinds)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
