/* SCRAM verifiers, by the exchange that RFC 7677 gives as its example: the client's proof fits the one key, the
 * server's signature the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "driver/postgres/verifier.h"

#define KEY_BYTES 32
#define BEGIN     "SCRAM-SHA-256$4096:" SALT "$"
#define SALT      "W22ZaJ0SNY7soEsUEjb6gQ=="
#define NONCE     "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define EXCHANGE  "n=user,r=rOprNGfwEbeRWgbNEkqO,r=" NONCE ",s=" SALT ",i=4096,c=biws,r=" NONCE
#define PROOF     "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define SIGNATURE "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

static void decode(const char *text, size_t length, unsigned char *ret_bytes, size_t count)
{
	assert_int_equal(text_base64_decode(text, length, ret_bytes, count), count);
}

static void sign(const unsigned char key[KEY_BYTES], unsigned char ret_signature[KEY_BYTES])
{
	assert_non_null(
	    HMAC(EVP_sha256(), key, KEY_BYTES, (const unsigned char *)EXCHANGE, strlen(EXCHANGE), ret_signature, NULL));
}

static void test_example(void **state)
{
	unsigned char salt[VERIFIER_SALT_BYTES], stored[KEY_BYTES], server[KEY_BYTES];
	unsigned char signature[KEY_BYTES], given[KEY_BYTES], found[KEY_BYTES];
	char verifier[VERIFIER_SIZE];
	const char *separator;

	(void)state;
	decode(SALT, strlen(SALT), salt, sizeof(salt));
	assert_int_equal(verifier_make("pencil", salt, verifier), 0);
	assert_int_equal(strlen(verifier), VERIFIER_SIZE - 1);
	assert_memory_equal(verifier, BEGIN, strlen(BEGIN));
	separator = strchr(verifier + strlen(BEGIN), ':');
	assert_non_null(separator);
	decode(verifier + strlen(BEGIN), (size_t)(separator - verifier) - strlen(BEGIN), stored, KEY_BYTES);
	decode(separator + 1, strlen(separator + 1), server, KEY_BYTES);

	decode(PROOF, strlen(PROOF), given, KEY_BYTES);
	sign(stored, signature);
	for (size_t i = 0; i < KEY_BYTES; i++)
		signature[i] ^= given[i];
	assert_int_equal(EVP_Digest(signature, KEY_BYTES, found, NULL, EVP_sha256(), NULL), 1);
	assert_memory_equal(found, stored, KEY_BYTES);

	decode(SIGNATURE, strlen(SIGNATURE), given, KEY_BYTES);
	sign(server, found);
	assert_memory_equal(found, given, KEY_BYTES);
}

static void test_comparison(void **state)
{
	unsigned char salt[VERIFIER_SALT_BYTES];
	char verifier[VERIFIER_SIZE];

	(void)state;
	decode(SALT, strlen(SALT), salt, sizeof(salt));
	assert_int_equal(verifier_make("pencil", salt, verifier), 0);
	assert_true(verifier_is_of(verifier, "pencil"));
	assert_false(verifier_is_of(verifier, "pencils"));
	assert_false(verifier_is_of(verifier, ""));
	verifier[VERIFIER_SIZE - 3] ^= 1;
	assert_false(verifier_is_of(verifier, "pencil"));
	assert_false(verifier_is_of("", "pencil"));
	assert_false(verifier_is_of("md5a6a8e4c2d1f1a3e0c2b8a7c4d5e6f708", "pencil"));
	assert_int_equal(verifier_make("pencil", salt, verifier), 0);
	verifier[strlen("SCRAM-SHA-256$")] = '5';
	assert_false(verifier_is_of(verifier, "pencil"));
	assert_int_equal(verifier_make("pencil", salt, verifier), 0);
	memset(verifier + strlen("SCRAM-SHA-256$4096:"), '!', 24);
	assert_false(verifier_is_of(verifier, "pencil"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_example), cmocka_unit_test(test_comparison)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
