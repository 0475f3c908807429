/* The text of statements: every name and value in them is quoted by the driver's library, as the connection that will
 * send them wants it. What came from outside goes in by %i or %l only. */
#ifndef DRIVER_SQL_H
#define DRIVER_SQL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

#define SQL_MAX ((size_t)4 * 1024 * 1024) /* bytes; an instance with thousands of binds stays far below */

/* How a library quotes: each appends the first length bytes to text, or says no: memory is out, or they cannot stand in
 * a statement. */
struct sql_dialect {
	bool (*add_identifier)(void *connection, struct text *text, const char *name, size_t length);
	bool (*add_literal)(void *connection, struct text *text, const char *value, size_t length);
};

struct sql {
	const struct sql_dialect *dialect; /* borrowed */
	void *connection;                  /* the library's; borrowed */
	struct text text;
	bool failed; /* the library could not quote */
};

void sql_init(struct sql *sql, const struct sql_dialect *dialect);
/* Wipes: it may hold what a password is known by. */
void sql_release(struct sql *sql);
/* Empties it, for statements on connection. */
void sql_begin(struct sql *sql, void *connection);

/* Appends format with each %i replaced by an identifier, %l by a literal, %s by a text as it is (all const char *),
 * %d by a number (int64_t), %% by a percent sign. There are no others. */
void sql_add(struct sql *sql, const char *format, ...);
void sql_add_identifier(struct sql *sql, const char *name, size_t length);
void sql_add_literal(struct sql *sql, const char *value, size_t length);

bool sql_is_empty(const struct sql *sql);
/* NULL when something did not fit or could not be quoted. Borrowed until the next change. */
const char *sql_string(const struct sql *sql);

#endif
