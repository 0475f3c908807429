/* The statements of MariaDB and MySQL; a struct sql's connection is a MYSQL. */
#ifndef DRIVER_MYSQL_DIALECT_H
#define DRIVER_MYSQL_DIALECT_H

#include <stdbool.h>

#include "driver/sql.h"

extern const struct sql_dialect maria_dialect;

#define DATABASE_MAX 64 /* bytes of a database's name, and of the pattern for it in a grant */

/* A grant names databases by a pattern, in which _ and % stand for others, unless the server has partial_revokes. False
 * when the pattern is too long for the server. ret_pattern holds DATABASE_MAX + 1. */
bool maria_pattern(const char *database, bool literal, char *ret_pattern);
#define PASSWORD_HASH_SIZE 42 /* *, the hash in hex, NUL */

/* What mysql_native_password keeps of a password: * and the SHA-1 of its SHA-1. */
bool maria_hash_password(const char *password, char ret_hash[PASSWORD_HASH_SIZE]);
/* IDENTIFIED BY. hashed: as a MariaDB takes the hash that it would keep. */
void maria_add_password(struct sql *sql, bool hashed, const char *password);

#endif
