/* Whether the keyring is the one that the store's secrets were sealed with: told at the start, not at the next bind. */
#ifndef RECORDS_KEYCHECK_H
#define RECORDS_KEYCHECK_H

#include "base/secret.h"
#include "store/store.h"

/* 0 also when the store bears no mark yet; ERR_CORRUPT: that of another key. directory: the store's, for the sentence.
 */
int keycheck_opens(struct store *store, const struct keyring *keyring, const char *directory, struct error *error);
/* The same, and marks a new store with the key. */
int keycheck(struct store *store, const struct keyring *keyring, const char *directory, struct error *error);
/* Whether the store belongs to a master key already: a new one would not open it. */
bool keycheck_has_mark(struct store *store);
/* Seals the mark with the present key, in the batch; false when it is so already. */
bool keycheck_reseal(struct store *store, const struct keyring *keyring, struct batch *batch);

#endif
