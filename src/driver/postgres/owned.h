/* Whose an object on the server is (names.h): the comments that say so, and the questions before anything is destroyed.
 */
#ifndef DRIVER_POSTGRES_OWNED_H
#define DRIVER_POSTGRES_OWNED_H

#include "work.h"

/* What the tags of the instance's logins end with; "": its roles bear none. */
const char *owned_incarnation(const struct pg_work *work);
/* The comments on the owner and the reader role. */
void owned_add_role_tags(struct sql *sql, const struct pg_work *work);
void owned_add_database_tag(struct sql *sql, const struct pg_work *work);
void owned_add_login_tag(struct sql *sql, const struct pg_work *work, const char *login);

/* Steps of whatever puts a living database away or drops it, behind step_look: fail when what is there is not as the
 * records say. */
void step_require_own_database(void *arg);
void step_require_own_retired(void *arg);
/* The same, for what needs the database: fails for good when it is gone. */
void step_require_database(void *arg);

#endif
