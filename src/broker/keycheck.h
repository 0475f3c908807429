/* Whether the keyring is the one that the store's secrets were sealed with: told at the start, not at the next bind. */
#ifndef BROKER_KEYCHECK_H
#define BROKER_KEYCHECK_H

#include "broker/internal.h"

/* Marks a new store with the key; refuses one that bears the mark of another (ERR_CORRUPT). */
int keycheck(struct broker *broker, const struct keyring *keyring, struct error *error);
/* Seals the mark with the present key, in the batch; false when it is so already. */
bool keycheck_reseal(struct broker *broker, struct batch *batch);

#endif
