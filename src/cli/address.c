/* Numeric addresses to text. */
#include "cli/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void address_format(const char *host, uint16_t port, char *ret_address, size_t size)
{
	bool is_v6 = strchr(host, ':') != NULL;

	snprintf(ret_address, size, is_v6 ? "[%s]:%u" : "%s:%u", host, (unsigned)port);
}

const char *address_reachable(const char *host)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (inet_pton(AF_INET, host, &v4) == 1 && v4.s_addr == htonl(INADDR_ANY))
		return "127.0.0.1";
	if (inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_UNSPECIFIED(&v6))
		return "::1";
	return host;
}
