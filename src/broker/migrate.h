/* Stores that an earlier program wrote: what this one keeps beside is made up once, at the start. */
#ifndef BROKER_MIGRATE_H
#define BROKER_MIGRATE_H

#include "broker/internal.h"

int migrate(struct broker *broker, struct error *error);

#endif
