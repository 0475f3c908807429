/* Keys: exact bytes, and prefixes that end where a part ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/model.h"

static void assert_bytes(const struct text *key, const char *expected, size_t length)
{
	assert_int_equal(key->length, length);
	assert_memory_equal(key->bytes, expected, length);
}

static void test_bytes(void **state)
{
	struct text key;

	(void)state;
	text_init(&key, 480);
	key_name(&key, "postgres", "db");
	assert_bytes(&key, "postgres\0db", 11);
	key_bind(&key, "0a", BIND_APP, "shop");
	assert_bytes(&key, "0a\0app\0shop", 11);
	key_bind(&key, "0a", BIND_JOB, "shop");
	assert_bytes(&key, "0a\0job\0shop", 11);
	key_operation(&key, "0a", "17");
	assert_bytes(&key, "0a\00017", 5);
	key_incarnation_prefix(&key, "0a");
	assert_bytes(&key, "0a\0", 3);
	text_release(&key);
}

static void test_over_the_limit(void **state)
{
	struct text key;

	(void)state;
	text_init(&key, 8);
	key_name(&key, "postgres", "db");
	assert_true(key.failed);
	key_name(&key, "p", "db");
	assert_false(key.failed);
	text_release(&key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_bytes), cmocka_unit_test(test_over_the_limit)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
