/* How what one role owns in a database becomes another's. */
#ifndef DRIVER_POSTGRES_HANDOVER_H
#define DRIVER_POSTGRES_HANDOVER_H

#include "work.h"

/* Adds statements, run inside the database, that give all that from owns there to the instance's owner, who owns the
 * database and has those roles as members that made anything in it. */
void handover_add(struct sql *sql, const struct pg_work *work, const char *from);
/* Adds those that come after what others have granted to from was taken back, in the same transaction. */
void handover_add_end(struct sql *sql, const struct pg_work *work);

#endif
