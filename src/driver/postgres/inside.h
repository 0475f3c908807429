/* What the broker sets up inside an instance's database. */
#ifndef DRIVER_POSTGRES_INSIDE_H
#define DRIVER_POSTGRES_INSIDE_H

#include "work.h"

/* Of the plan; installed as the broker's user, so that the apps cannot drop them. */
void inside_add_extensions(struct sql *sql, const struct plan *plan);
/* The reader role may read all that the owner has now. */
void inside_add_grants(struct sql *sql, const struct work *work);
/* And all that it will make. */
void inside_add_default_grants(struct sql *sql, const struct work *work);

#endif
