/* PostgreSQL's statements; a struct sql's connection is a struct pg_connection (libpq.h). */
#ifndef DRIVER_POSTGRES_DIALECT_H
#define DRIVER_POSTGRES_DIALECT_H

#include <stdbool.h>

#include "driver/sql.h"

/* A pattern, of "name=value": what is a transaction's; a session begins with it and no transaction of it has it. A role
 * that is no superuser cannot take it away. */
#define SETTING_OF_NO_USE "^transaction_(isolation|read_only|deferrable)="

extern const struct sql_dialect postgres_dialect;

/* What the role's sessions in the database start with; the value as the server reads it in its own files. */
void sql_add_setting(struct sql *sql, const char *role, const char *database, const char *name, const char *value);

/* A text of its own that goes into sql later: a block, or a query that one runs. */
void sql_begin_part(struct sql *part, const struct sql *sql);
/* Adds it as a block of PL/pgSQL that is run (DO), and releases it. */
void sql_end_block(struct sql *sql, struct sql *block);
/* Adds a block that runs each statement that the query gives, as far as the rights go, and releases it: a right that
 * the broker's user lacks for one of them ends no other. */
void sql_end_loop(struct sql *sql, struct sql *query);

/* Whether the server takes the setting's value as a list of names. */
bool sql_takes_list(const char *name);

#endif
