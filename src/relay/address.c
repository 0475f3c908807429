/* Addresses: joined and picked. */
#include "relay/address.h"

#include <stdio.h>
#include <string.h>

#define MARK '#'

const char *relay_listener_name(enum relay_listener listener)
{
	static const char *const names[RELAY_LISTENERS] = {[RELAY_SERVICE] = "service", [RELAY_OPERATORS] = "admin"};

	return names[listener];
}

void relay_join_addresses(const char *service, const char *operators, char *ret_text, size_t size)
{
	if (service == NULL)
		service = "";
	if (operators == NULL || operators[0] == '\0')
		snprintf(ret_text, size, "%s", service);
	else
		snprintf(ret_text, size, "%s%c%s", service, MARK, operators);
}

void relay_pick_address(const char *text, enum relay_listener listener, char *ret_address)
{
	const char *mark = strchr(text, MARK);
	size_t length = mark != NULL ? (size_t)(mark - text) : strlen(text);

	if (listener == RELAY_OPERATORS) {
		text = mark != NULL ? mark + 1 : "";
		length = strlen(text);
	}
	if (length > RELAY_ADDRESS_MAX)
		length = 0;
	memcpy(ret_address, text, length);
	ret_address[length] = '\0';
}
