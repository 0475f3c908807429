/* Counters of instances: those of the store, and what requests under way are about to add to them. */
#ifndef BROKER_QUOTA_H
#define BROKER_QUOTA_H

#include "broker/intent.h"

/* How many there are by the counter, those being accepted included. */
int64_t quota_used(const struct broker *broker, const char *counter);
/* For decisions: takes one place. ERR_FORBIDDEN with what and the numbers when limit (0: none) is reached; sets
 * ret_next to INTENT_AGAIN instead, and returns ERR_BUSY, while requests under way may make the difference. */
int quota_take(struct intent *intent, const char *counter, int64_t limit, const char *what, enum intent_next *ret_next,
               struct error *error);
/* The intent's places are in the store by now, or not wanted any more. */
void quota_give_back(struct intent *intent);

#endif
