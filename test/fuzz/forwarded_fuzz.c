/* X-Forwarded-For and Forwarded: whatever they hold, the client is an address that stands there, or nobody. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/forwarded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A client that is found is the same with more in front of it, unless all are proxies: what a client writes moves
 * nothing. */
static void check_prefix(const struct http_proxies *proxies, const char *name, const char *value,
                         const struct network_address *found)
{
	const size_t size = strlen(value) + 32;
	char *longer = malloc(size);
	struct header header = {.name = name, .value = longer};
	const struct head head = {.headers = &header, .header_count = 1};
	struct network_address again;

	if (longer == NULL)
		return;
	strcpy(longer, strcmp(name, "Forwarded") == 0 ? "for=\"198.51.100.1," : "198.51.100.1, ");
	strcat(longer, value);
	if (!network_holds(proxies->networks, proxies->count, found) &&
	    (!forwarded_client(&head, proxies, &again) || memcmp(&again, found, sizeof(again)) != 0))
		abort();
	free(longer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct network network;
	const struct http_proxies proxies = {.networks = &network, .count = 1};
	char *value = malloc(size + 1), text[NETWORK_TEXT_MAX];
	struct header header = {.name = size > 0 && data[0] == 's' ? "Forwarded" : "X-Forwarded-For"};
	const struct head head = {.headers = &header, .header_count = 1};
	struct network_address client, parsed;

	if (value == NULL || network_parse("10.0.0.0/8", &network, NULL) != 0)
		abort();
	memcpy(value, data, size);
	value[size] = '\0';
	header.value = size > 0 ? value + 1 : value;
	if (forwarded_client(&head, &proxies, &client)) {
		network_format_address(&client, text);
		if (!network_parse_address(text, &parsed) || memcmp(&parsed, &client, sizeof(parsed)) != 0)
			abort();
		check_prefix(&proxies, header.name, header.value, &client);
	}
	free(value);
	return 0;
}
