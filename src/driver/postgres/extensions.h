/* A plan's extensions: in a schema of the broker's own, where no tenant can have put anything. */
#ifndef DRIVER_POSTGRES_EXTENSIONS_H
#define DRIVER_POSTGRES_EXTENSIONS_H

#include "work.h"

#define EXTENSIONS_SCHEMA "extensions"

/* Whether this call installs what is missing: the drift pass's never does. */
bool extensions_are_wanted(const struct pg_work *work);
/* Inside the database, in a transaction: installs those of the plan that are missing, or fails, and calls on_done. */
void extensions_install(struct pg_work *work, void (*on_done)(struct pg_work *work));

#endif
