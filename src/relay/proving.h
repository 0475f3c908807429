/* How a broker shows to another one, which is about to send it requests with the passwords in them, that it is the one
 * of that name, and at that address, now: whoever writes in the store's database may put back what a broker had said
 * when it had another address, which may be anybody's by now.
 *
 * The other one asks GET PROVING_TARGET, with a voucher whose id is a new random one, and is answered 204 with
 *
 *   X-Tsuru-Broker-Proof: MAC[,MAC...]
 *
 * over the broker's name, its address, and that id, for the one listener. */
#ifndef RELAY_PROVING_H
#define RELAY_PROVING_H

#include <stdbool.h>

#include "base/secret.h"
#include "relay/address.h"

#define PROVING_TARGET "/tsuru-broker-proof"
#define PROVING_HEADER "X-Tsuru-Broker-Proof"
#define PROOF_ID_BYTES 16 /* random ones, in hex */

/* All is borrowed for the call. */
struct proving {
	const struct keyring *keyring;
	enum relay_listener listener;
	const char *name, *address; /* of who proves it */
	const char *id;             /* of who asks */
};

void proving_sign(const struct proving *proving, char ret_macs[KEYRING_MACS_SIZE]);
/* macs is anybody's text. */
bool proving_check(const struct proving *proving, const char *macs);

#endif
