/* What the configuration says of a store that brokers share, as the store wants it. */
#ifndef CLI_SHARED_H
#define CLI_SHARED_H

#include "config/config.h"
#include "relay/address.h"
#include "store/store.h"

/* How this broker is called and reached: as the configuration says, or by the machine's name and the first listener
 * that is no socket file; operators' calls only where it says so. */
struct shared_names {
	char name[STORE_NAME_MAX + 1];
	char address[RELAY_ADDRESSES_MAX + 1]; /* of both listeners */
};

/* config->store is not NULL. keyring signs the addresses; NULL: nothing is served, and there are none. What is filled
 * points to names and into config. */
void shared_fill(const struct config *config, const struct keyring *keyring, struct shared_names *names,
                 struct store_shared *ret_shared);

#endif
