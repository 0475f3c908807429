/* Proofs of who a broker is: signed, and checked. */
#include "relay/proving.h"

#include <string.h>

#define PARTS 3

static const char *const purposes[RELAY_LISTENERS] = {
    [RELAY_SERVICE] = "tsuru-broker: who listens for services",
    [RELAY_OPERATORS] = "tsuru-broker: who listens for operators",
};

static void fill_parts(const struct proving *proving, const char *ret_parts[PARTS])
{
	const char *const parts[PARTS] = {proving->name, proving->address, proving->id};

	memcpy(ret_parts, parts, sizeof(parts));
}

void proving_sign(const struct proving *proving, char ret_macs[KEYRING_MACS_SIZE])
{
	const char *parts[PARTS];

	fill_parts(proving, parts);
	keyring_sign(proving->keyring, purposes[proving->listener], parts, PARTS, ret_macs);
}

bool proving_check(const struct proving *proving, const char *macs)
{
	const char *parts[PARTS];

	fill_parts(proving, parts);
	return keyring_check(proving->keyring, purposes[proving->listener], parts, PARTS, macs);
}
