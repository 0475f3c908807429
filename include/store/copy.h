/* A store as a whole, from outside the process that has it open: copies and dumps of one consistent moment. Nothing of
 * the running broker waits for them. */
#ifndef STORE_COPY_H
#define STORE_COPY_H

#include "base/error.h"
#include "store/store.h"

/* Writes a compact copy of the store in directory to path, which must not exist; it is made 0600, and synced. */
int store_copy(const char *directory, const char *path, struct error *error);

/* Called for each record, keyspace by keyspace; a code ends the dump. What is given is borrowed for the call. */
typedef int store_dump_visit(void *arg, enum keyspace keyspace, const void *key, size_t key_length,
                             const struct store_value *value, struct error *error);
int store_dump(const char *directory, store_dump_visit *visit, void *arg, struct error *error);

/* "instances", and back (KEYSPACE_COUNT: there is none of that name). */
const char *store_keyspace_name(enum keyspace keyspace);
enum keyspace store_keyspace_find(const char *name);

#endif
