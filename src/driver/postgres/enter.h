/* Enters a database that somebody else owns. */
#ifndef DRIVER_POSTGRES_ENTER_H
#define DRIVER_POSTGRES_ENTER_H

#include "work.h"

/* Connects to database (borrowed until then) and calls on_entered. What the database is set to for every session
 * (ALTER DATABASE ... SET) does not count for this one: it begins with the values that the home session has. What
 * work_forgive said is for all of it. */
void work_enter(struct pg_work *work, const char *database, void (*on_entered)(struct pg_work *work));

#endif
