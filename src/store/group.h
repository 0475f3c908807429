/* What a group of batches has changed. */
#ifndef STORE_GROUP_H
#define STORE_GROUP_H

#include "journal.h"
#include "store_internal.h"

/* The keys that the batches from first up to, not including, end have written in txn. Freed by the caller; what they
 * point to lives until the next write in txn. A batch with an error has written nothing. An LMDB code or ENOMEM. */
int group_collect(const struct store *store, MDB_txn *txn, struct batch *first, const struct batch *end,
                  struct key_change **ret_changes, size_t *ret_count);

#endif
