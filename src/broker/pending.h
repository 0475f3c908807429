/* Operations with their progress. */
#ifndef BROKER_PENDING_H
#define BROKER_PENDING_H

#include "broker/internal.h"

/* An object: what only memory knows of an operation under way is added to its record. */
void pending_show(struct broker *broker, struct text *json, const struct operation *operation);

#endif
