/* Where a broker is reached by the others, one address for each of its listeners, in one text of the store's:
 *
 *   SERVICE#OPERATORS#MAC[,MAC...]
 *
 * It is signed with what only the brokers have, the master key: requests are sent there with the passwords that came
 * with them, and whoever may write in the store's database must not say where that is. */
#ifndef RELAY_ADDRESS_H
#define RELAY_ADDRESS_H

#include <stddef.h>

#include "base/secret.h"

#define RELAY_ADDRESS_MAX   255                                             /* bytes of one */
#define RELAY_ADDRESSES_MAX (2 * RELAY_ADDRESS_MAX + 1 + KEYRING_MACS_SIZE) /* bytes of such a text */

enum relay_listener { RELAY_SERVICE, RELAY_OPERATORS, RELAY_LISTENERS };

/* "service" or "admin": as metrics call it. */
const char *relay_listener_name(enum relay_listener listener);
/* What the broker of that name says; NULL or "": it is not reached there. ret_text has RELAY_ADDRESSES_MAX + 1 bytes.
 */
void relay_join_addresses(const struct keyring *keyring, const char *name, const char *service, const char *operators,
                          char *ret_text);
/* What that broker says, if one of the keyring's keys has signed it; otherwise, and where there is none, "".
 * ret_address has RELAY_ADDRESS_MAX + 1 bytes. */
void relay_pick_address(const struct keyring *keyring, const char *name, const char *text, enum relay_listener listener,
                        char *ret_address);

#endif
