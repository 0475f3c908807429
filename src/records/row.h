/* What each keyspace holds. Nothing else encodes, decodes or makes keys. */
#ifndef RECORDS_ROW_H
#define RECORDS_ROW_H

#include "base/text.h"
#include "store/store.h"

/* The key of what the keyspace holds about an instance, a bind or an operation, by its own fields; of the audit: about
 * an id. Initializes ret_key. */
void row_key(enum keyspace keyspace, const void *about, struct text *ret_key);
/* The value. Initializes ret_value. */
int row_encode(enum keyspace keyspace, const void *record, struct text *ret_value, struct error *error);
/* Into a held_instance, a held_bind, a held_operation or a held_tombstone; the record then borrows from the value. */
int row_decode(enum keyspace keyspace, const struct store_value *value, void *ret_held, struct error *error);
/* The size of that structure. */
size_t row_size(enum keyspace keyspace);

#endif
