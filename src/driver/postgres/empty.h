/* The way to a database that nobody is in, and nothing holds: before it is renamed or dropped. */
#ifndef DRIVER_POSTGRES_EMPTY_H
#define DRIVER_POSTGRES_EMPTY_H

#include "work.h"

/* The database that goes: under the retired name when the records say so; NULL: it is not there. */
const char *empty_database(const struct pg_work *work);

/* It takes no connections, and is no template, any more. */
void step_close_database(void *arg);
/* Ends the sessions in it, whosever they are. Where it cannot, and when a transaction that was prepared in it stays,
 * the call fails with what an operator can do, and is tried again. */
void step_empty_database(void *arg);
/* Drops the replication slots of it, for which the server would keep its log. */
void step_drop_slots(void *arg);

#endif
