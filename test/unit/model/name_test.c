/* Names on a backend: always valid there, never longer than allowed, never the same by truncation. */
#include "hostile.h"

#include <regex.h>

#include "base/secret.h"
#include "model/model.h"

#define INCARNATION "0123456789abcdef"

static void assert_valid(const char *name, size_t max)
{
	size_t length = strlen(name);

	assert_in_range(length, 12, max);
	assert_in_range(name[0], 'a', 'z');
	assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_"), length);
	assert_int_equal(name[length - 11], '_');
	assert_int_equal(strspn(name + length - 10, "0123456789abcdef"), 10);
}

static void test_random_names_are_valid(void **state)
{
	static const size_t limits[] = {24, 32, 63, 64};
	char name[BACKEND_NAME_MAX + 1], source[301];
	uint32_t seed = 99;

	(void)state;
	for (int round = 0; round < 4000; round++) {
		size_t length = hostile_random(&seed) % 300, max = limits[round % 4];

		for (size_t i = 0; i < length; i++)
			source[i] = (char)(1 + hostile_random(&seed) % 255);
		source[length] = '\0';
		name_instance(name, &(struct name_rule){.max = max}, "postgres", source, INCARNATION);
		assert_valid(name, max);
		name_login(name, &(struct name_rule){.max = max}, "postgres", "db", INCARNATION, BIND_APP, source);
		assert_valid(name, max);
	}
}

static void test_readable(void **state)
{
	char name[BACKEND_NAME_MAX + 1];

	(void)state;
	name_instance(name, &(struct name_rule){.max = 63}, "postgres", "My-DB", INCARNATION);
	assert_int_equal(strncmp(name, "my_db_", 6), 0);
	assert_int_equal(strlen(name), 16);
	name_login(name, &(struct name_rule){.max = 63}, "postgres", "My-DB", INCARNATION, BIND_APP, "shop");
	assert_int_equal(strncmp(name, "shop_", 5), 0);
}

static void test_parts_keep_names_apart(void **state)
{
	char names[8][BACKEND_NAME_MAX + 1], longer[201], other[201];

	(void)state;
	name_instance(names[0], &(struct name_rule){.max = 63}, "postgres", "db", INCARNATION);
	name_instance(names[1], &(struct name_rule){.max = 63}, "postgres", "db", "0123456789abcdee");
	name_instance(names[2], &(struct name_rule){.max = 63}, "redis", "db", INCARNATION);
	name_login(names[3], &(struct name_rule){.max = 63}, "postgres", "db", INCARNATION, BIND_APP, "db");
	name_login(names[4], &(struct name_rule){.max = 63}, "postgres", "db", INCARNATION, BIND_JOB, "db");
	name_login(names[5], &(struct name_rule){.max = 63}, "postgres", "d", INCARNATION, BIND_APP, "db");
	memset(longer, 'a', 200);
	memset(other, 'a', 200);
	longer[200] = other[200] = '\0';
	other[199] = 'b';
	name_instance(names[6], &(struct name_rule){.max = 24}, "postgres", longer, INCARNATION);
	name_instance(names[7], &(struct name_rule){.max = 24}, "postgres", other, INCARNATION);
	assert_memory_equal(names[6], names[7], 13);
	for (size_t i = 0; i < 8; i++)
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(names[i], names[k]);
}

/* A server's objects are found by these names again, by every later program. */
static void test_stable(void **state)
{
	char name[BACKEND_NAME_MAX + 1];

	(void)state;
	name_instance(name, &(struct name_rule){.max = 63}, "postgres", "db", INCARNATION);
	assert_string_equal(name, "db_9e8e1108a2");
}

static const char *const reserved[] = {"pg_", "rds", NULL};

static void expect_freed(size_t max, const char *source, const char *begin)
{
	const struct name_rule rule = {.max = max, .reserved = reserved};
	char name[BACKEND_NAME_MAX + 1];

	name_instance(name, &rule, "postgres", source, INCARNATION);
	assert_valid(name, max);
	assert_int_equal(strncmp(name, begin, strlen(begin)), 0);
	name_login(name, &rule, "postgres", "db", INCARNATION, BIND_APP, source);
	assert_valid(name, max);
	assert_int_equal(strncmp(name, begin, strlen(begin)), 0);
}

/* The end is the same as without the rule: what keeps two names apart. */
static void test_reserved_beginnings(void **state)
{
	char name[BACKEND_NAME_MAX + 1], plain[BACKEND_NAME_MAX + 1];

	(void)state;
	expect_freed(63, "pg-main", "tsuru_pg_main_");
	expect_freed(63, "PG_Main", "tsuru_pg_main_");
	expect_freed(63, "pg", "tsuru_pg_");
	expect_freed(63, "rdsadmin", "tsuru_rdsadmin_");
	expect_freed(24, "pg-with-a-long-name", "tsuru_pg_with_");
	expect_freed(63, "pgmain", "pgmain_");
	expect_freed(63, "my-pg-main", "my_pg_main_");
	name_instance(name, &(struct name_rule){.max = 63, .reserved = reserved}, "postgres", "pg-main", INCARNATION);
	name_instance(plain, &(struct name_rule){.max = 63}, "postgres", "pg-main", INCARNATION);
	assert_int_equal(strncmp(plain, "pg_main_", 8), 0);
	assert_string_equal(name + strlen("tsuru_"), plain);
}

static void expect_ours(const regex_t *end, const char *name, bool ours)
{
	if (name_is_ours(name) != ours || (regexec(end, name, 0, NULL, 0) == 0) != ours)
		fail_msg("\"%s\" should be %s", name, ours ? "ours" : "another's");
}

/* The program and the servers' own regular expressions look for the same names. */
static void test_names_of_ours(void **state)
{
	static const char *const ours[] = {"mydb_0123456789", "a_b_abcdefabcd", "x_0123456789", "__0123456789"};
	static const char *const others[] = {"_0123456789",
	                                     "mydb_012345678",
	                                     "mydb_0123456789a",
	                                     "mydb-0123456789",
	                                     "mydb_012345678G",
	                                     "mydb_012345678F",
	                                     "0123456789",
	                                     "_",
	                                     "/",
	                                     ""};
	char name[BACKEND_NAME_MAX + 1];
	regex_t end;

	(void)state;
	assert_int_equal(regcomp(&end, NAME_END "$", REG_EXTENDED | REG_NOSUB), 0);
	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		expect_ours(&end, ours[i], true);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		expect_ours(&end, others[i], false);
	name_instance(name, &(struct name_rule){.max = 24}, "postgres", "", INCARNATION);
	expect_ours(&end, name, true);
	name_login(name, &(struct name_rule){.max = 24}, "postgres", "db", INCARNATION, BIND_APP, "shop");
	expect_ours(&end, name, true);
	regfree(&end);
}

static int start(void **state)
{
	(void)state;
	return secret_init(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_random_names_are_valid), cmocka_unit_test(test_readable),
	    cmocka_unit_test(test_parts_keep_names_apart), cmocka_unit_test(test_stable),
	    cmocka_unit_test(test_names_of_ours),          cmocka_unit_test(test_reserved_beginnings),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
