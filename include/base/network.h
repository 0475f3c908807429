/* Internet addresses and networks of them, by number. */
#ifndef BASE_NETWORK_H
#define BASE_NETWORK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define NETWORK_TEXT_MAX 48 /* bytes of an address as text, the end included */

/* IPv6, or IPv4 as ::ffff:a.b.c.d, so that a listener for both sees each client as one. */
struct network_address {
	unsigned char bytes[16];
};

/* The addresses whose first bits are those of address. */
struct network {
	struct network_address address;
	unsigned bits;
};

/* "10.0.0.1" or "fd00::1"; false when text is no address. */
bool network_parse_address(const char *text, struct network_address *ret_address);
/* IPv4 in its own form. ret_text holds NETWORK_TEXT_MAX bytes. */
void network_format_address(const struct network_address *address, char *ret_text);
/* "10.0.0.0/8", "fd00::/8", or one address. ERR_INVALID when it is neither, has bits behind its length, or holds all
 * that there are of IPv4; error says what is allowed. */
int network_parse(const char *text, struct network *ret_network, struct error *error);
bool network_holds(const struct network *networks, size_t count, const struct network_address *address);
/* What counts as one source: an address of IPv4, and of IPv6 the /64 that a single host may choose from. */
void network_source(const struct network_address *address, struct network_address *ret_source);

#endif
