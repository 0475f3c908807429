/* Addresses: joined and signed, and picked. */
#include "relay/address.h"

#include <stdio.h>
#include <string.h>

#define MARK    '#'
#define PURPOSE "tsuru-broker: addresses"
#define PARTS   3

const char *relay_listener_name(enum relay_listener listener)
{
	static const char *const names[RELAY_LISTENERS] = {[RELAY_SERVICE] = "service", [RELAY_OPERATORS] = "admin"};

	return names[listener];
}

void relay_join_addresses(const struct keyring *keyring, const char *name, const char *service, const char *operators,
                          char *ret_text)
{
	const char *const parts[PARTS] = {name, service != NULL ? service : "", operators != NULL ? operators : ""};
	char macs[KEYRING_MACS_SIZE];

	keyring_sign(keyring, PURPOSE, parts, PARTS, macs);
	snprintf(ret_text, RELAY_ADDRESSES_MAX + 1, "%s%c%s%c%s", parts[1], MARK, parts[2], MARK, macs);
}

/* Up to the next mark; NULL: there is none, or it is too long. */
static const char *take(const char *text, char ret_address[RELAY_ADDRESS_MAX + 1])
{
	const char *mark = strchr(text, MARK);

	if (mark == NULL || mark - text > RELAY_ADDRESS_MAX)
		return NULL;
	memcpy(ret_address, text, (size_t)(mark - text));
	ret_address[mark - text] = '\0';
	return mark + 1;
}

void relay_pick_address(const struct keyring *keyring, const char *name, const char *text, enum relay_listener listener,
                        char *ret_address)
{
	char addresses[RELAY_LISTENERS][RELAY_ADDRESS_MAX + 1];
	const char *const parts[PARTS] = {name, addresses[RELAY_SERVICE], addresses[RELAY_OPERATORS]};
	const char *rest = take(text, addresses[RELAY_SERVICE]);

	if (rest != NULL)
		rest = take(rest, addresses[RELAY_OPERATORS]);
	ret_address[0] = '\0';
	if (rest != NULL && keyring_check(keyring, PURPOSE, parts, PARTS, rest))
		strcpy(ret_address, addresses[listener]);
}
