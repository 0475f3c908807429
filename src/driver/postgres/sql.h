/* The text of statements, every name and value escaped by libpq on the connection that will send it. */
#ifndef DRIVER_POSTGRES_SQL_H
#define DRIVER_POSTGRES_SQL_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "base/text.h"

#define SQL_MAX ((size_t)4 * 1024 * 1024) /* bytes; an instance with thousands of binds stays far below */

struct sql {
	PGconn *connection; /* borrowed */
	struct text text;
	bool failed; /* libpq could not escape: memory, or bytes that are no UTF-8 */
};

void sql_init(struct sql *sql);
/* Wipes: it may hold a password's verifier. */
void sql_release(struct sql *sql);
/* Empties it, for statements on connection. */
void sql_begin(struct sql *sql, PGconn *connection);

/* Appends format with each %i replaced by an identifier, %l by a literal, %s by a text as it is (both const char *),
 * %d by a number (int64_t), %% by a percent sign. There are no others. */
void sql_add(struct sql *sql, const char *format, ...);
/* What the role's sessions in the database start with; the value as the server reads it in its own files. */
void sql_add_setting(struct sql *sql, const char *role, const char *database, const char *name, const char *value);

bool sql_is_empty(const struct sql *sql);
/* NULL when something did not fit or could not be escaped. Borrowed until the next change. */
const char *sql_string(const struct sql *sql);

#endif
