/* Whether the keyring is the one that the store's secrets were sealed with: told at the start, not at the next bind. */
#ifndef BROKER_KEYCHECK_H
#define BROKER_KEYCHECK_H

#include "broker/internal.h"

/* Marks a new store with the key; refuses one that bears the mark of another (ERR_CORRUPT). */
int keycheck(struct broker *broker, struct error *error);

#endif
