/* Transactions that were prepared (PREPARE TRANSACTION): they hold their locks, and their database, without a session.
 */
#ifndef DRIVER_POSTGRES_PREPARED_H
#define DRIVER_POSTGRES_PREPARED_H

#include "work.h"

/* Adds the condition on x, a row of pg_prepared_xacts; none that cannot be rolled back in this round. */
void prepared_add_condition(struct sql *sql, const struct pg_work *work, enum prepared_which which);
/* Rolls them back, one after another, and calls on_ended after a pause, whatever came of it. */
void prepared_end(struct pg_work *work, enum prepared_which which, void (*on_ended)(void *work));

#endif
