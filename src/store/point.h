/* Up to where the records go: kept in LMDB, in the transaction that writes them. All return LMDB codes. */
#ifndef STORE_POINT_H
#define STORE_POINT_H

#include "journal.h"
#include "store_internal.h"

#define POINT_KEY "store.journal" /* in KEYSPACE_META: history and group; never in the journal itself */

/* The store-wide revision; 0 before the first batch. */
int revision_read(const struct store *store, MDB_txn *txn, uint64_t *ret_revision);
int revision_write(const struct store *store, MDB_txn *txn, uint64_t revision);
/* A view's place in its journal; all zeros when it has none yet. */
int point_read(const struct store *store, MDB_txn *txn, struct point *ret_point);
/* The revision, too. */
int point_write(const struct store *store, MDB_txn *txn, const struct point *point);
bool point_equal(const struct point *a, const struct point *b);

#endif
