/* Whether the records of a whole store can be read and lead to each other: names to instances, binds, operations and
 * what is retained to theirs, and operations that have not ended to the list of the pending ones. */
#ifndef RECORDS_CHECK_H
#define RECORDS_CHECK_H

#include "store/store.h"

struct records_check;

/* A sentence about what is not as it has to be; borrowed for the call. */
typedef void records_report(void *arg, const char *finding);

int records_check_new(records_report *report, void *arg, struct records_check **ret_check, struct error *error);
/* Accepts NULL. */
void records_check_free(struct records_check *check);
/* Takes each record once, in any order. */
int records_check_take(struct records_check *check, enum keyspace keyspace, const void *key, size_t key_length,
                       const struct store_value *value, struct error *error);
/* All were taken: reports what does not lead anywhere. */
void records_check_end(struct records_check *check);

#endif
