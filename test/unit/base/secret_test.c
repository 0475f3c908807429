/* Secrets: keyrings from text and files, sealing, hashes, passwords. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"

static const char hex_key[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
static const char base64_key[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

static struct keyring *parse(const char *text)
{
	struct keyring *keyring = NULL;
	struct error error;

	if (keyring_parse(text, &keyring, &error) != 0)
		fail_msg("%s", error.text);
	return keyring;
}

static void test_keys(void **state)
{
	struct keyring *keyring = NULL;
	struct error error;

	(void)state;
	keyring_free(parse(" \n000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"));
	for (const char *const *bad = (const char *const[]){"", "00", "zz", "0001 0203", base64_key + 1, NULL};
	     *bad != NULL; bad++) {
		assert_int_equal(keyring_parse(*bad, &keyring, &error), ERR_INVALID);
		assert_null(keyring);
	}
}

static void test_seal_and_open(void **state)
{
	struct keyring *hex = parse(hex_key), *base64 = parse(base64_key);
	struct keyring *other = parse("ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
	unsigned char sealed[6 + SECRET_SEAL_OVERHEAD];
	char plain[6];
	struct error error;

	(void)state;
	keyring_seal(hex, "context", "secret", 6, sealed);
	assert_int_equal(keyring_open(base64, "context", sealed, sizeof(sealed), plain, &error), 0);
	assert_memory_equal(plain, "secret", 6);
	assert_int_equal(keyring_open(hex, "other", sealed, sizeof(sealed), plain, &error), ERR_CORRUPT);
	assert_int_equal(keyring_open(other, "context", sealed, sizeof(sealed), plain, &error), ERR_CORRUPT);
	for (size_t i = 0; i < sizeof(sealed); i++) {
		sealed[i] ^= 1;
		assert_int_equal(keyring_open(hex, "context", sealed, sizeof(sealed), plain, &error), ERR_CORRUPT);
		assert_int_equal(keyring_open(hex, "context", sealed, i, plain, &error), ERR_CORRUPT);
		sealed[i] ^= 1;
	}
	keyring_free(hex);
	keyring_free(base64);
	keyring_free(other);
	keyring_free(NULL);
}

static void test_key_file(void **state)
{
	char directory[] = "/tmp/secret-test-XXXXXX", path[64];
	struct keyring *keyring = NULL, *again = NULL;
	unsigned char sealed[1 + SECRET_SEAL_OVERHEAD];
	struct stat stat_of;
	struct error error;
	bool created = false;
	char plain;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/secret.key", directory);
	assert_int_equal(keyring_load(path, false, &keyring, &created, &error), ERR_INVALID);
	assert_int_equal(keyring_load(path, true, &keyring, &created, &error), 0);
	assert_true(created);
	assert_int_equal(stat(path, &stat_of), 0);
	assert_int_equal(stat_of.st_mode & 0777, 0600);
	assert_int_equal(keyring_load(path, true, &again, &created, &error), 0);
	assert_false(created);
	keyring_seal(keyring, "c", "x", 1, sealed);
	assert_int_equal(keyring_open(again, "c", sealed, sizeof(sealed), &plain, &error), 0);
	keyring_free(keyring);
	keyring_free(again);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(keyring_load(path, true, &again, &created, &error), ERR_INVALID);
	assert_non_null(strstr(error.text, "0640"));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(keyring_load(directory, true, &again, &created, &error), ERR_INVALID);
	assert_int_equal(rmdir(directory), 0);
}

static void test_hashes_do_not_run_together(void **state)
{
	char first[11], second[11];

	(void)state;
	secret_hash_hex(first, 5, (const char *const[]){"ab", "c"}, 2);
	secret_hash_hex(second, 5, (const char *const[]){"a", "bc"}, 2);
	assert_int_equal(strlen(first), 10);
	assert_string_not_equal(first, second);
}

static void test_sha256(void **state)
{
	static const unsigned char begin[] = {0xba, 0x78, 0x16, 0xbf}; /* of "abc": FIPS 180-2 */
	unsigned char hash[SECRET_SHA256_BYTES];

	(void)state;
	secret_sha256(hash, "ab", 2, "c");
	assert_memory_equal(hash, begin, sizeof(begin));
}

static void test_random_and_equal(void **state)
{
	char first[PASSWORD_LENGTH + 1], second[PASSWORD_LENGTH + 1], hex[17];

	(void)state;
	secret_password(first);
	secret_password(second);
	assert_int_equal(strlen(first), PASSWORD_LENGTH);
	assert_false(secret_equal(first, second));
	assert_true(secret_equal(first, first));
	assert_false(secret_equal("a", "ab"));
	assert_true(secret_equal("", ""));
	secret_random_hex(hex, 8);
	assert_int_equal(strspn(hex, "0123456789abcdef"), 16);
	for (int i = 0; i < 100; i++)
		assert_true(secret_random_below(3) < 3);
}

static size_t count_of(const char *text, const char *class)
{
	size_t count = 0;

	for (text = strpbrk(text, class); text != NULL; text = strpbrk(text + 1, class))
		count++;
	return count;
}

/* What servers that look at passwords want, and what no url has to escape. */
static void test_passwords_keep_the_usual_rules(void **state)
{
	static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", lower[] = "abcdefghijklmnopqrstuvwxyz";
	static const char digits[] = "0123456789";
	char password[PASSWORD_LENGTH + 1];

	(void)state;
	for (int i = 0; i < 10000; i++) {
		size_t letters;

		secret_password(password);
		letters = count_of(password, upper) + count_of(password, lower);
		assert_true(count_of(password, upper) >= 2 && count_of(password, lower) >= 2);
		assert_true(count_of(password, digits) >= 2);
		assert_int_equal(count_of(password, "-"), 1);
		assert_int_equal(count_of(password, "."), 1);
		assert_int_equal(letters + count_of(password, digits) + 2, PASSWORD_LENGTH);
		assert_null(strchr("-.", password[0]));
		assert_null(strchr("-.", password[PASSWORD_LENGTH - 1]));
	}
}

static int setup(void **state)
{
	(void)state;
	return secret_init(NULL);
}

static void test_ids(void **state)
{
	struct secret_ids ids, others;
	char made[1000][SECRET_ID_LENGTH + 1], other[SECRET_ID_LENGTH + 1];

	(void)state;
	secret_ids_init(&ids);
	secret_ids_init(&others);
	for (size_t i = 0; i < 1000; i++) {
		secret_ids_next(&ids, made[i]);
		assert_int_equal(strspn(made[i], "0123456789abcdef"), SECRET_ID_LENGTH);
		for (size_t before = 0; before < i; before++)
			assert_string_not_equal(made[i], made[before]);
	}
	others.next = ids.next - 1000; /* another start's ids differ by their key already */
	secret_ids_next(&others, other);
	assert_string_not_equal(other, made[0]);
}

static bool is_signed(const struct keyring *keyring, const char *purpose, const char *first, const char *second,
                      const char *macs)
{
	return keyring_check(keyring, purpose, (const char *const[]){first, second}, 2, macs);
}

static void test_signing(void **state)
{
	struct keyring *one = parse(hex_key),
	               *other = parse("ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
	struct keyring *both = parse("ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
	                             "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
	const char *const parts[] = {"ab", "c"};
	char macs[KEYRING_MACS_SIZE], all[KEYRING_MACS_SIZE];

	(void)state;
	keyring_sign(one, "test", parts, 2, macs);
	keyring_sign(both, "test", parts, 2, all);
	assert_int_equal(strlen(macs), KEYRING_MAC_LENGTH);
	assert_true(is_signed(one, "test", "ab", "c", macs));
	assert_true(is_signed(both, "test", "ab", "c", macs)); /* a key that is changed, from either side */
	assert_true(is_signed(one, "test", "ab", "c", all));
	assert_true(is_signed(other, "test", "ab", "c", all));
	assert_false(is_signed(other, "test", "ab", "c", macs));
	assert_false(is_signed(one, "else", "ab", "c", macs));
	assert_false(is_signed(one, "test", "a", "bc", macs));
	assert_false(is_signed(one, "test", "ab", "d", macs));
	assert_false(is_signed(one, "test", "ab", "c", ""));
	assert_false(is_signed(one, "test", "ab", "c", macs + 1));
	for (size_t i = 0; i < KEYRING_MAC_LENGTH; i++) {
		macs[i] ^= 1;
		assert_false(is_signed(one, "test", "ab", "c", macs));
		macs[i] ^= 1;
	}
	strcat(macs, "x");
	assert_false(is_signed(one, "test", "ab", "c", macs));
	keyring_free(one);
	keyring_free(other);
	keyring_free(both);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_keys),
	    cmocka_unit_test(test_seal_and_open),
	    cmocka_unit_test(test_key_file),
	    cmocka_unit_test(test_hashes_do_not_run_together),
	    cmocka_unit_test(test_sha256),
	    cmocka_unit_test(test_random_and_equal),
	    cmocka_unit_test(test_passwords_keep_the_usual_rules),
	    cmocka_unit_test(test_ids),
	    cmocka_unit_test(test_signing),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
