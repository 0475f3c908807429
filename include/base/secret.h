/* Secrets on libsodium: random ids and passwords, sealing at rest, comparison and wiping.
 * Sealed bytes: 1 version, 4 key id, 24 nonce, ciphertext, 16 tag (XChaCha20-Poly1305-IETF). */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define SECRET_KEY_BYTES     32
#define SECRET_SEAL_OVERHEAD 45 /* sealed length = plain length + this */
#define SECRET_SHA256_BYTES  32
#define SECRET_ID_LENGTH     16
#define PASSWORD_LENGTH      32
#define PASSWORD_MARKS       "-." /* what is neither letter nor digit in a password: urls take both as they are */

struct keyring; /* the master keys: one seals, all open */

/* Must have succeeded before anything else here. */
int secret_init(struct error *error);

/* A keyring of the keys in text, 1 to 8 of 64 hex digits or 44 base64 characters each, with spaces or newlines between
 * them: the first one seals, all of them open. */
int keyring_parse(const char *text, struct keyring **ret_keyring, struct error *error);
/* Reads the keys from path; at most 4 KiB; refuses a file that others may read. When it does not exist and create is
 * set, makes it, mode 0600, synced; *ret_created says so. */
int keyring_load(const char *path, bool create, struct keyring **ret_keyring, bool *ret_created, struct error *error);
/* Wipes and frees. Accepts NULL. */
void keyring_free(struct keyring *keyring);

/* Whether sealed bytes are sealed with the key that would seal now. */
bool keyring_seals_like(const struct keyring *keyring, const unsigned char *sealed, size_t length);
/* Seals plain with the record's key as associated data: the result opens only with the same context.
 * ret_sealed holds length + SECRET_SEAL_OVERHEAD bytes. */
void keyring_seal(const struct keyring *keyring, const char *context, const void *plain, size_t length,
                  unsigned char *ret_sealed);
/* Opens it; ret_plain holds length - SECRET_SEAL_OVERHEAD bytes. ERR_CORRUPT when the key, the context or a byte
 * differs. */
int keyring_open(const struct keyring *keyring, const char *context, const unsigned char *sealed, size_t length,
                 void *ret_plain, struct error *error);

#define KEYRING_MAC_LENGTH 32  /* hex digits of one key's */
#define KEYRING_MACS_SIZE  264 /* bytes of those of all keys, with a comma between two and the NUL */
/* Signs the parts (BLAKE2b with a key that is made of the master key for that purpose), by each of the keys: whoever
 * has one of them can check it, also while the master key changes. */
void keyring_sign(const struct keyring *keyring, const char *purpose, const char *const *parts, size_t count,
                  char ret_macs[KEYRING_MACS_SIZE]);
/* Whether one of the keyring's keys has signed these parts for that purpose. macs is anybody's text; it is compared in
 * constant time. */
bool keyring_check(const struct keyring *keyring, const char *purpose, const char *const *parts, size_t count,
                   const char *macs);

/* A random password, PASSWORD_LENGTH characters and a NUL, that servers which check passwords take: two or more of A-Z,
 * of a-z and of 0-9, and each of PASSWORD_MARKS once, never first or last. Over 185 bits. */
void secret_password(char ret_password[PASSWORD_LENGTH + 1]);
void secret_random(void *ret_bytes, size_t length);
/* Random bytes as lower-case hex: 2 * bytes characters and a NUL. bytes is at most 32. */
void secret_random_hex(char *ret_hex, size_t bytes);
/* Ids that nobody can guess, without asking the system for each: a keyed hash (SipHash-2-4) over a count. */
struct secret_ids {
	unsigned char key[16];
	uint64_t next;
};
void secret_ids_init(struct secret_ids *ids);
/* The next one, SECRET_ID_LENGTH lower-case hex digits and a NUL. */
void secret_ids_next(struct secret_ids *ids, char ret_id[SECRET_ID_LENGTH + 1]);
/* A uniformly random number below bound (bound > 0). */
uint32_t secret_random_below(uint32_t bound);
/* The first 2 * bytes hex digits of BLAKE2b over the parts, each with its length: no two lists collide. bytes at
 * most 32. */
void secret_hash_hex(char *ret_hex, size_t bytes, const char *const *parts, size_t count);
/* SHA-256 over a salt and a text: how servers keep passwords. ret_hash holds SECRET_SHA256_BYTES. */
void secret_sha256(unsigned char *ret_hash, const void *salt, size_t salt_length, const char *text);
/* Equality in time that depends on the length of what was given alone, not on where the two differ. */
bool secret_equal(const char *given, const char *secret);
/* Overwrites; never optimised away. */
void secret_wipe(void *bytes, size_t length);
/* Wipes and frees a text of malloc's. Accepts NULL. */
void secret_free(char *text);

#endif
