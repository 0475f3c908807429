/* SCRAM verifiers: the keys of RFC 5802, section 3, computed by libcrypto. */
#include "verifier.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"

#define ROUNDS    4096 /* PostgreSQL's own number */
#define KEY_BYTES 32

/* Bytes of base64 and a NUL. */
#define BASE64_SIZE(bytes) (((bytes) + 2) / 3 * 4 + 1)

static bool derive_key(const unsigned char *salted_password, const char *name, unsigned char ret_key[KEY_BYTES])
{
	return HMAC(EVP_sha256(), salted_password, KEY_BYTES, (const unsigned char *)name, strlen(name), ret_key,
	            NULL) != NULL;
}

static bool derive_keys(const char *password, const unsigned char *salt, unsigned char ret_stored[KEY_BYTES],
                        unsigned char ret_server[KEY_BYTES])
{
	unsigned char salted[KEY_BYTES], client[KEY_BYTES];
	bool done = PKCS5_PBKDF2_HMAC(password, (int)strlen(password), salt, VERIFIER_SALT_BYTES, ROUNDS, EVP_sha256(),
	                              KEY_BYTES, salted) == 1 &&
	            derive_key(salted, "Client Key", client) && derive_key(salted, "Server Key", ret_server) &&
	            EVP_Digest(client, KEY_BYTES, ret_stored, NULL, EVP_sha256(), NULL) == 1;

	secret_wipe(salted, sizeof(salted));
	secret_wipe(client, sizeof(client));
	return done;
}

int verifier_make(const char *password, const unsigned char salt[VERIFIER_SALT_BYTES], char ret_verifier[VERIFIER_SIZE])
{
	unsigned char stored[KEY_BYTES], server[KEY_BYTES];
	char salt_text[BASE64_SIZE(VERIFIER_SALT_BYTES)];
	char stored_text[BASE64_SIZE(KEY_BYTES)], server_text[BASE64_SIZE(KEY_BYTES)];

	if (!derive_keys(password, salt, stored, server))
		return ERR_NO_MEMORY;
	EVP_EncodeBlock((unsigned char *)salt_text, salt, VERIFIER_SALT_BYTES);
	EVP_EncodeBlock((unsigned char *)stored_text, stored, KEY_BYTES);
	EVP_EncodeBlock((unsigned char *)server_text, server, KEY_BYTES);
	snprintf(ret_verifier, VERIFIER_SIZE, "SCRAM-SHA-256$%d:%s$%s:%s", ROUNDS, salt_text, stored_text, server_text);
	return 0;
}

bool verifier_is_of(const char *verifier, const char *password)
{
	static const char begin[] = "SCRAM-SHA-256$4096:";
	const size_t salt_chars = BASE64_SIZE(VERIFIER_SALT_BYTES) - 1;
	unsigned char salt[VERIFIER_SALT_BYTES];
	char made[VERIFIER_SIZE];
	bool same;

	if (strncmp(verifier, begin, sizeof(begin) - 1) != 0 || strlen(verifier) != VERIFIER_SIZE - 1)
		return false;
	if (text_base64_decode(verifier + sizeof(begin) - 1, salt_chars, salt, sizeof(salt)) != VERIFIER_SALT_BYTES ||
	    verifier_make(password, salt, made) != 0)
		return false;
	same = secret_equal(made, verifier);
	secret_wipe(made, sizeof(made));
	return same;
}
