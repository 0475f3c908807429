/* What the configuration says of a store that brokers share, as the store wants it. */
#ifndef CLI_SHARED_H
#define CLI_SHARED_H

#include "config/config.h"
#include "store/store.h"

/* name (STORE_NAME_MAX + 1 bytes) gets this broker's, the machine's where the configuration has none. What is filled
 * points to it and into config. */
void shared_fill(const struct shared_store *config, char *name, struct store_shared *ret_shared);

#endif
