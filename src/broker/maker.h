/* Which driver made the instances of a service, and what instances the configuration has no place for. */
#ifndef BROKER_MAKER_H
#define BROKER_MAKER_H

#include "broker/internal.h"

/* ERR_REFUSED when a service of next has instances that another driver made. */
int maker_check(struct broker *broker, const struct config *next, struct error *error);
/* Writes down what has changed, and waits until it is on the disk: before a first instance can be made. */
int maker_write(struct broker *broker, const struct config *next, struct error *error);
/* Logs each server that has instances and is not in the present configuration. */
void maker_tell_missing(struct broker *broker);

#endif
