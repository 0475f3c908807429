/* Which driver made the instances of a service. */
#ifndef RECORDS_MAKER_H
#define RECORDS_MAKER_H

#include "config/config.h"
#include "store/store.h"

/* ERR_REFUSED when a service of next has instances that another driver made. */
int maker_check(struct store *store, const struct config *next, struct error *error);
/* Writes down what has changed, and waits until it is on the disk: before a first instance can be made. */
int maker_write(struct store *store, const struct config *next, struct error *error);
#endif
