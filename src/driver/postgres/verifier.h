/* What a PostgreSQL server keeps of a password: a SCRAM-SHA-256 verifier, by RFC 5802 and 7677. libpq makes it, too,
 * but takes three times as long, while the loop does nothing else. */
#ifndef DRIVER_POSTGRES_VERIFIER_H
#define DRIVER_POSTGRES_VERIFIER_H

#include <stdbool.h>

#define VERIFIER_SALT_BYTES 16
#define VERIFIER_SIZE       134 /* "SCRAM-SHA-256$4096:<salt>$<StoredKey>:<ServerKey>", the three in base64, and a NUL */

/* password: printable ASCII, of which SASLprep changes nothing. Takes a millisecond or two. 0 or ERR_NO_MEMORY. */
int verifier_make(const char *password, const unsigned char salt[VERIFIER_SALT_BYTES],
                  char ret_verifier[VERIFIER_SIZE]);

/* Whether the server's verifier, as pg_authid shows it, is one of this password. One that the broker would not have
 * made so (another method, number of rounds or length of salt) is none. Takes as long as making one. */
bool verifier_is_of(const char *verifier, const char *password);

#endif
