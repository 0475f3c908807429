/* What the configuration says of a store that brokers share, as the store wants it. */
#include "cli/shared.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/address.h"

static bool is_any(const char *host)
{
	return strcmp(address_reachable(host), host) != 0;
}

/* One that listens everywhere is reached under the machine's name; one that has only socket files, or ports of the
 * system's choice, nowhere. */
static void find_address(const struct config *config, const char *machine, char *ret_address)
{
	char address[ADDRESS_MAX];

	for (size_t i = 0; i < config->listener_count; i++) {
		const struct listener *listener = &config->listeners[i];
		const char *scheme = config->tls != NULL ? "https" : "http";

		if (listener->path != NULL || listener->port == 0)
			continue;
		address_format(listener->host, listener->port, address, sizeof(address));
		if (is_any(listener->host))
			snprintf(ret_address, RELAY_ADDRESS_MAX + 1, "%s://%s:%u", scheme, machine, listener->port);
		else
			snprintf(ret_address, RELAY_ADDRESS_MAX + 1, "%s://%s", scheme, address);
		return;
	}
}

static void say_addresses(const struct config *config, const struct keyring *keyring, const char *machine,
                          struct shared_names *names)
{
	const struct shared_store *store = config->store;
	char found[RELAY_ADDRESS_MAX + 1] = "";

	if (store->address == NULL && machine[0] != '\0')
		find_address(config, machine, found);
	relay_join_addresses(keyring, names->name, store->address != NULL ? store->address : found,
	                     store->admin_address, names->address);
}

void shared_fill(const struct config *config, const struct keyring *keyring, struct shared_names *names,
                 struct store_shared *ret_shared)
{
	const struct shared_store *store = config->store;
	char machine[STORE_NAME_MAX + 1] = "";

	if (gethostname(machine, sizeof(machine) - 1) != 0)
		machine[0] = '\0';
	snprintf(names->name, sizeof(names->name), "%s", store->name != NULL ? store->name : machine);
	names->address[0] = '\0';
	if (keyring != NULL)
		say_addresses(config, keyring, machine, names);
	*ret_shared = (struct store_shared){
	    .url = store->postgres,
	    .password = store->password,
	    .name = names->name,
	    .version = BROKER_VERSION,
	    .address = names->address,
	    .lease = store->lease,
	    .notify = store->notify,
	};
}
