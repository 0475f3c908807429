/* Steps that several tables share: each makes sure of its part, and leaves what is so already. */
#ifndef DRIVER_POSTGRES_SETUP_H
#define DRIVER_POSTGRES_SETUP_H

#include "work.h"

/* The statements of the two steps below, for those that need them in a transaction of their own. */
void setup_add_roles(struct sql *sql, const struct pg_work *work);
void setup_add_opening(struct sql *sql, const struct pg_work *work);

/* The owner and the reader role. */
void step_create_roles(void *arg);
/* The database takes connections, but not the public's, with the plan's limit; the owner carries the plan's settings.
 */
void step_open_database(void *arg);
/* Inside it: the plan's extensions, and what readers may read. */
void step_prepare_database(void *arg);

#endif
