/* What the broker sets up inside an instance's database. */
#ifndef DRIVER_POSTGRES_INSIDE_H
#define DRIVER_POSTGRES_INSIDE_H

#include "work.h"

/* The reader role may read all that the owner has now. */
void inside_add_grants(struct sql *sql, const struct pg_work *work);
/* And all that it will make. */
void inside_add_default_grants(struct sql *sql, const struct pg_work *work);

#endif
