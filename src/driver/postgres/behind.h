/* Roles that could not be dropped, since something elsewhere on the server depends on them: what that is, and what an
 * operator does about it. */
#ifndef DRIVER_POSTGRES_BEHIND_H
#define DRIVER_POSTGRES_BEHIND_H

#include "driver/sql.h"

/* Adds a SELECT of (sentence), one row for each role of pg_roles r that meets condition; it begins with "SELECT". */
void behind_add_sentences(struct sql *sql, const char *condition);

#endif
