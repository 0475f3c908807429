/* Addresses as they are written: where the broker listens, and how it is reached from its own machine. */
#ifndef CLI_ADDRESS_H
#define CLI_ADDRESS_H

#include <stddef.h>
#include <stdint.h>

#define ADDRESS_MAX 80 /* bytes, with the NUL */

/* "IP:PORT"; an IPv6 address goes into brackets. */
void address_format(const char *host, uint16_t port, char *ret_address, size_t size);
/* host, or the loopback address of its family when host is a wildcard. */
const char *address_reachable(const char *host);

#endif
