/* Where a broker is reached by the others, one address for each of its listeners, in one text of the store's:
 *
 *   SERVICE[#OPERATORS]
 *
 * A program that knows of one address alone takes what follows it for a fragment, which no request has. */
#ifndef RELAY_ADDRESS_H
#define RELAY_ADDRESS_H

#include <stddef.h>

#define RELAY_ADDRESS_MAX 255 /* bytes of one */

enum relay_listener { RELAY_SERVICE, RELAY_OPERATORS, RELAY_LISTENERS };

/* "service" or "admin": as metrics call it. */
const char *relay_listener_name(enum relay_listener listener);
/* "" or NULL: it is not reached there. Of ret_text size bytes are written, 2 * RELAY_ADDRESS_MAX + 2 at the most. */
void relay_join_addresses(const char *service, const char *operators, char *ret_text, size_t size);
/* "" where there is none, or one that is too long; RELAY_ADDRESS_MAX + 1 bytes at the most. */
void relay_pick_address(const char *text, enum relay_listener listener, char *ret_address);

#endif
