/* ACL users: the commands that make a template and a login. What Redis makes of them is
 * seen on real servers (test/integration/test_redis.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "driver/redis/acl.h"

/* Whether one word comes before the other in the bytes. */
static bool precedes(const char *bytes, const char *one, const char *other)
{
	const char *first = strstr(bytes, one), *second = first != NULL ? strstr(first, other) : NULL;

	return second != NULL;
}

static void test_order(void **state)
{
	static const char *const rules[] = {"+sort", "+flushall"};
	static const struct config_key key = {.name = "commands", .type = KEY_LIST};
	const struct option own = {.key = &key, .set = true, .value.list = {.items = rules, .count = 2}};
	const struct plan plan = {.options = {.items = &own, .count = 1}};
	const struct acl acl = {.prefix = "mine:", .plan = &plan};
	struct redis_batch batch;
	const char *bytes;

	(void)state;
	batch_init(&batch);
	acl_add_login(&batch, &acl, "shop", "sekret", true);
	assert_false(batch.failed);
	assert_int_equal(batch.count, 1);
	bytes = text_string(&batch.bytes);
	assert_true(precedes(bytes, "ACL\r\n", "SETUSER\r\n"));
	assert_true(precedes(bytes, "\r\nreset\r\n", "\r\non\r\n"));
	assert_non_null(strstr(bytes, "%R~mine:*"));
	assert_non_null(strstr(bytes, "&mine:*"));
	assert_true(precedes(bytes, "\r\n-@dangerous\r\n", "\r\n+sort\r\n"));   /* a plan may open it */
	assert_true(precedes(bytes, "\r\n+flushall\r\n", "\r\n-flushall\r\n")); /* and this not */
	assert_true(precedes(bytes, "\r\n+flushall\r\n", "\r\n-@write\r\n"));
	assert_null(strstr(bytes, "sekret"));
	/* SHA-256 of the password */
	assert_non_null(strstr(bytes, "#bb757689c39373a6cac9ef6ba55616c6249d7500ca4d443f1130c4766453a412"));

	batch_reset(&batch);
	acl_add_template(&batch, &acl, ACL_INSTANCE "mine");
	bytes = text_string(&batch.bytes);
	assert_non_null(strstr(bytes, "&rules:"));
	assert_null(strstr(bytes, "\r\non\r\n"));
	batch_release(&batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_order)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
