/* Secrets on libsodium: sealing under a keyring, random ids and passwords, hashes of names. */
#include "base/secret.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

#define KEY_FILE_MAX 4096 /* bytes */
#define SEAL_VERSION 1
#define KEY_ID_BYTES 4
#define NONCE_AT     (1 + KEY_ID_BYTES)
#define CIPHER_AT    (NONCE_AT + crypto_aead_xchacha20poly1305_ietf_NPUBBYTES)
#define KEYS_MAX     8

_Static_assert(SECRET_SEAL_OVERHEAD == CIPHER_AT + crypto_aead_xchacha20poly1305_ietf_ABYTES, "the overhead of a seal");
_Static_assert(SECRET_SHA256_BYTES == crypto_hash_sha256_BYTES, "the size of a hash");
_Static_assert(SECRET_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "the size of a key");

struct key {
	unsigned char id[KEY_ID_BYTES]; /* the first bytes of a hash over the key */
	unsigned char bytes[SECRET_KEY_BYTES];
};

struct keyring {
	struct key keys[KEYS_MAX]; /* the first one seals; all of them open */
	size_t count;
};

int secret_init(struct error *error)
{
	return sodium_init() >= 0 ? 0 : error_set(error, ERR_INTERNAL, "libsodium cannot be initialised");
}

/* ---- keyrings ---- */

static bool parse_key(const char *text, size_t length, unsigned char *ret_bytes)
{
	size_t count;

	if (length == 2 * (size_t)SECRET_KEY_BYTES)
		return sodium_hex2bin(ret_bytes, SECRET_KEY_BYTES, text, length, NULL, &count, NULL) == 0 &&
		       count == SECRET_KEY_BYTES;
	return length == 44 && text_base64_decode(text, length, ret_bytes, SECRET_KEY_BYTES) == SECRET_KEY_BYTES;
}

static void derive_id(struct key *key)
{
	unsigned char hash[crypto_generichash_BYTES_MIN];

	crypto_generichash(hash, sizeof(hash), key->bytes, sizeof(key->bytes), NULL, 0);
	memcpy(key->id, hash, sizeof(key->id));
}

static int parse_keys(struct keyring *keyring, const char *text, struct error *error)
{
	static const char spaces[] = " \t\r\n";

	for (text += strspn(text, spaces); *text != '\0'; text += strspn(text, spaces)) {
		const size_t length = strcspn(text, spaces);
		struct key *key = &keyring->keys[keyring->count];

		if (keyring->count == KEYS_MAX)
			return error_set(error, ERR_INVALID, "there are more than %d master keys", KEYS_MAX);
		if (!parse_key(text, length, key->bytes))
			break;
		derive_id(key);
		keyring->count++;
		text += length;
	}
	if (*text != '\0' || keyring->count == 0)
		return error_set(error, ERR_INVALID, "a master key must be 64 hex digits or 44 base64 characters");
	return 0;
}

int keyring_parse(const char *text, struct keyring **ret_keyring, struct error *error)
{
	struct keyring *keyring = sodium_malloc(sizeof(*keyring));
	int rc;

	if (keyring == NULL)
		return error_no_memory(error);
	memset(keyring, 0, sizeof(*keyring));
	rc = parse_keys(keyring, text, error);
	if (rc == 0)
		*ret_keyring = keyring;
	else
		sodium_free(keyring);
	return rc;
}

bool keyring_seals_like(const struct keyring *keyring, const unsigned char *sealed, size_t length)
{
	return length >= SECRET_SEAL_OVERHEAD && sealed[0] == SEAL_VERSION &&
	       memcmp(sealed + 1, keyring->keys[0].id, KEY_ID_BYTES) == 0;
}

static int write_key(int fd, const char *path, struct error *error)
{
	unsigned char bytes[SECRET_KEY_BYTES];
	char line[2 * SECRET_KEY_BYTES + 2];
	int rc = 0;

	randombytes_buf(bytes, sizeof(bytes));
	sodium_bin2hex(line, sizeof(line), bytes, sizeof(bytes));
	strcat(line, "\n");
	if (write(fd, line, strlen(line)) != (ssize_t)strlen(line) || fsync(fd) != 0)
		rc = error_set(error, ERR_INTERNAL, "the master key file \"%s\" cannot be written: %s", path,
		               strerror(errno));
	secret_wipe(bytes, sizeof(bytes));
	secret_wipe(line, sizeof(line));
	return rc;
}

/* The new file's name must be as durable as its content. */
static int sync_directory(const char *path, struct error *error)
{
	char directory[4096];
	char *slash;

	snprintf(directory, sizeof(directory), "%s", path);
	slash = strrchr(directory, '/');
	if (slash == NULL)
		strcpy(directory, ".");
	else
		slash[slash == directory ? 1 : 0] = '\0';
	return file_sync_directory(directory, error);
}

static int create_key(const char *path, struct error *error)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0)
		return error_set(error, ERR_INTERNAL, "the master key file \"%s\" cannot be made: %s", path,
		                 strerror(errno));
	rc = write_key(fd, path, error);
	close(fd);
	if (rc == 0)
		rc = sync_directory(path, error);
	if (rc != 0)
		unlink(path);
	return rc;
}

static int read_key(int fd, const char *path, struct keyring **ret_keyring, struct error *error)
{
	char content[KEY_FILE_MAX + 1];
	struct stat stat;
	ssize_t length;
	int rc;

	if (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode))
		return error_set(error, ERR_INVALID, "the master key file \"%s\" is not a regular file", path);
	if ((stat.st_mode & 077) != 0)
		return error_set(
		    error, ERR_INVALID,
		    "the master key file \"%s\" has the mode %04o; only its owner may have access (0600 or 0400)", path,
		    stat.st_mode & 07777U);
	length = read(fd, content, sizeof(content));
	if (length < 0 || length > KEY_FILE_MAX)
		return error_set(error, ERR_INVALID, "the master key file \"%s\" cannot be read, or is over %d bytes",
		                 path, KEY_FILE_MAX);
	content[length] = '\0';
	rc = keyring_parse(content, ret_keyring, NULL);
	secret_wipe(content, sizeof(content));
	if (rc == ERR_INVALID)
		return error_set(
		    error, rc,
		    "the master key file \"%s\" must hold 1 to %d keys of 64 hex digits or 44 base64 characters", path,
		    KEYS_MAX);
	return rc != 0 ? error_no_memory(error) : 0;
}

int keyring_load(const char *path, bool create, struct keyring **ret_keyring, bool *ret_created, struct error *error)
{
	bool created = false;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int rc;

	if (fd < 0 && errno == ENOENT && create) {
		rc = create_key(path, error);
		if (rc != 0)
			return rc;
		created = true;
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0)
		return error_set(error, ERR_INVALID, "the master key file \"%s\" cannot be opened: %s", path,
		                 strerror(errno));
	rc = read_key(fd, path, ret_keyring, error);
	close(fd);
	if (rc == 0 && ret_created != NULL)
		*ret_created = created;
	return rc;
}

void keyring_free(struct keyring *keyring)
{
	sodium_free(keyring); /* wipes; accepts NULL */
}

/* ---- sealing ---- */

void keyring_seal(const struct keyring *keyring, const char *context, const void *plain, size_t length,
                  unsigned char *ret_sealed)
{
	const struct key *key = &keyring->keys[0];

	ret_sealed[0] = SEAL_VERSION;
	memcpy(ret_sealed + 1, key->id, KEY_ID_BYTES);
	randombytes_buf(ret_sealed + NONCE_AT, CIPHER_AT - NONCE_AT);
	crypto_aead_xchacha20poly1305_ietf_encrypt(ret_sealed + CIPHER_AT, NULL, plain, length,
	                                           (const unsigned char *)context, strlen(context), NULL,
	                                           ret_sealed + NONCE_AT, key->bytes);
}

static const struct key *find_key(const struct keyring *keyring, const unsigned char *id)
{
	for (size_t i = 0; i < keyring->count; i++) {
		if (memcmp(keyring->keys[i].id, id, KEY_ID_BYTES) == 0)
			return &keyring->keys[i];
	}
	return NULL;
}

int keyring_open(const struct keyring *keyring, const char *context, const unsigned char *sealed, size_t length,
                 void *ret_plain, struct error *error)
{
	const struct key *key;

	if (length < SECRET_SEAL_OVERHEAD || sealed[0] != SEAL_VERSION)
		return error_set(error, ERR_CORRUPT, "a sealed secret is damaged or of a newer version");
	key = find_key(keyring, sealed + 1);
	if (key == NULL)
		return error_set(error, ERR_CORRUPT,
		                 "a secret was sealed with another master key than the one configured");
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(ret_plain, NULL, NULL, sealed + CIPHER_AT, length - CIPHER_AT,
	                                               (const unsigned char *)context, strlen(context),
	                                               sealed + NONCE_AT, key->bytes) != 0)
		return error_set(error, ERR_CORRUPT, "a sealed secret cannot be opened: it was changed or moved");
	return 0;
}

/* ---- signing ---- */

static void hash_parts(crypto_generichash_state *state, const char *const *parts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		unsigned char length[8];
		uint64_t rest = strlen(parts[i]);

		for (size_t j = 0; j < sizeof(length); j++, rest >>= 8)
			length[j] = (unsigned char)rest;
		crypto_generichash_update(state, length, sizeof(length));
		crypto_generichash_update(state, (const unsigned char *)parts[i], strlen(parts[i]));
	}
}

/* By a key of its own, made of the master key for the purpose: what is signed tells nothing of what is sealed. */
static void sign(const struct key *key, const char *purpose, const char *const *parts, size_t count, char *ret_mac)
{
	unsigned char own[SECRET_KEY_BYTES], mac[KEYRING_MAC_LENGTH / 2];
	crypto_generichash_state state;

	crypto_generichash(own, sizeof(own), (const unsigned char *)purpose, strlen(purpose), key->bytes,
	                   sizeof(key->bytes));
	crypto_generichash_init(&state, own, sizeof(own), sizeof(mac));
	hash_parts(&state, parts, count);
	crypto_generichash_final(&state, mac, sizeof(mac));
	sodium_bin2hex(ret_mac, KEYRING_MAC_LENGTH + 1, mac, sizeof(mac));
	secret_wipe(own, sizeof(own));
}

void keyring_sign(const struct keyring *keyring, const char *purpose, const char *const *parts, size_t count,
                  char ret_macs[KEYRING_MACS_SIZE])
{
	static_assert(KEYRING_MACS_SIZE == KEYS_MAX * (KEYRING_MAC_LENGTH + 1), "one of each key");

	for (size_t i = 0; i < keyring->count; i++) {
		if (i > 0)
			*ret_macs++ = ',';
		sign(&keyring->keys[i], purpose, parts, count, ret_macs);
		ret_macs += KEYRING_MAC_LENGTH;
	}
}

static bool holds_mac(const char *macs, const char *mac)
{
	bool found = false;

	for (const char *at = macs; strlen(at) >= KEYRING_MAC_LENGTH; at += KEYRING_MAC_LENGTH + 1) {
		found |= sodium_memcmp(at, mac, KEYRING_MAC_LENGTH) == 0;
		if (at[KEYRING_MAC_LENGTH] != ',')
			return found && at[KEYRING_MAC_LENGTH] == '\0';
	}
	return false;
}

bool keyring_check(const struct keyring *keyring, const char *purpose, const char *const *parts, size_t count,
                   const char *macs)
{
	bool good = false;

	for (size_t i = 0; i < keyring->count; i++) {
		char mac[KEYRING_MAC_LENGTH + 1];

		sign(&keyring->keys[i], purpose, parts, count, mac);
		good |= holds_mac(macs, mac);
	}
	return good;
}

/* ---- random, hashes, comparison ---- */

#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

/* The usual rules want one of each; stricter ones, two. */
static bool has_two_of_each(const char *password)
{
	static const char *const classes[] = {UPPER, LOWER, DIGITS, PASSWORD_MARKS};

	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
		const char *first = strpbrk(password, classes[i]);

		if (first == NULL || strpbrk(first + 1, classes[i]) == NULL)
			return false;
	}
	return true;
}

/* Drawn again until it keeps the rules (1.1 times on average), so that those that do are equally likely. */
void secret_password(char ret_password[PASSWORD_LENGTH + 1])
{
	static const char alphabet[] = UPPER LOWER DIGITS;

	ret_password[PASSWORD_LENGTH] = '\0';
	do {
		for (size_t i = 0; i < PASSWORD_LENGTH; i++)
			ret_password[i] = alphabet[randombytes_uniform(sizeof(alphabet) - 1)];
		for (size_t i = 0; i < strlen(PASSWORD_MARKS); i++)
			ret_password[1 + randombytes_uniform(PASSWORD_LENGTH - 2)] = PASSWORD_MARKS[i];
	} while (!has_two_of_each(ret_password));
}

void secret_random(void *ret_bytes, size_t length)
{
	randombytes_buf(ret_bytes, length);
}

void secret_random_hex(char *ret_hex, size_t bytes)
{
	unsigned char random[32];

	randombytes_buf(random, bytes);
	sodium_bin2hex(ret_hex, 2 * bytes + 1, random, bytes);
	secret_wipe(random, sizeof(random));
}

void secret_ids_init(struct secret_ids *ids)
{
	static_assert(sizeof(ids->key) == crypto_shorthash_KEYBYTES, "the key is SipHash's");

	randombytes_buf(ids, sizeof(*ids));
}

void secret_ids_next(struct secret_ids *ids, char ret_id[SECRET_ID_LENGTH + 1])
{
	unsigned char hash[crypto_shorthash_BYTES];

	static_assert(2 * sizeof(hash) == SECRET_ID_LENGTH, "an id is the hash in hex");
	crypto_shorthash(hash, (const unsigned char *)&ids->next, sizeof(ids->next), ids->key);
	ids->next++;
	sodium_bin2hex(ret_id, SECRET_ID_LENGTH + 1, hash, sizeof(hash));
}

uint32_t secret_random_below(uint32_t bound)
{
	return randombytes_uniform(bound);
}

void secret_hash_hex(char *ret_hex, size_t bytes, const char *const *parts, size_t count)
{
	unsigned char hash[crypto_generichash_BYTES];
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, sizeof(hash));
	hash_parts(&state, parts, count);
	crypto_generichash_final(&state, hash, sizeof(hash));
	sodium_bin2hex(ret_hex, 2 * bytes + 1, hash, bytes);
}

void secret_sha256(unsigned char *ret_hash, const void *salt, size_t salt_length, const char *text)
{
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, salt, salt_length);
	crypto_hash_sha256_update(&state, (const unsigned char *)text, strlen(text));
	crypto_hash_sha256_final(&state, ret_hash);
	secret_wipe(&state, sizeof(state));
}

/* Compares hashes of equal length: neither the length nor the first difference of the texts shows in the time. */
bool secret_equal(const char *given, const char *secret)
{
	const size_t length = strlen(secret);
	volatile unsigned char difference = strlen(given) != length;
	size_t at = 0;

	for (const char *byte = given; *byte != '\0'; byte++) {
		difference |= (unsigned char)(*byte ^ secret[at]);
		at += at < length;
	}
	return difference == 0;
}

void secret_wipe(void *bytes, size_t length)
{
	sodium_memzero(bytes, length);
}

void secret_free(char *text)
{
	if (text != NULL)
		secret_wipe(text, strlen(text));
	free(text);
}
