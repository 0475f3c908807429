/* Rights: those of logins, and those that the broker's own account needs. */
#ifndef DRIVER_MYSQL_RIGHTS_H
#define DRIVER_MYSQL_RIGHTS_H

#include "work.h"

/* The rights of a login in the database. */
void maria_add_rights(struct mysql_work *work, struct sql *sql, const char *login, bool read_only);
/* The expression that says whether a login may do more than it should, anywhere, so far as REVOKE can take it. */
void maria_add_excess(struct mysql_work *work, struct sql *sql, const char *login, bool read_only);
/* A SELECT of one row: the rights that the present account lacks, with commas between them, or NULL; that account. */
void maria_add_missing(struct mysql_work *work, struct sql *sql);
/* A sentence that names them and the exact GRANT, as a result of that name; nothing when row has none. */
void maria_tell_missing(struct mysql_work *work, MYSQL_ROW row, const char *result);

#endif
