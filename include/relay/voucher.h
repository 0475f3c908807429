/* The header by which a broker vouches for the client of a request that it passes on to another one of those that share
 * its store. It is signed with what only they have, the master key, for one kind of listener, and over the request's
 * method and target: whoever is let in by one broker cannot make up a peer or an id, nor put one request's on another,
 * nor one listener's on the other.
 *
 *   X-Tsuru-Broker-Forwarded: NAME ID PEER MAC[,MAC...]
 *
 * NAME and PEER are percent-encoded. There is a MAC for each master key of the sender, so that one that is being
 * changed is no matter. */
#ifndef RELAY_VOUCHER_H
#define RELAY_VOUCHER_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/secret.h"
#include "base/text.h"
#include "http/http.h"
#include "relay/address.h"

#define VOUCHER_HEADER   "X-Tsuru-Broker-Forwarded"
#define VOUCHER_ID_MAX   64   /* bytes of an id: visible ASCII */
#define VOUCHER_TEXT_MAX 2048 /* bytes of a header's value; a longer one is not good */

/* What it is good for; all is borrowed for the call. */
struct voucher_scope {
	const struct keyring *keyring;
	enum relay_listener listener; /* that the request was sent to */
	const char *method, *target;
};

/* Appends the header's value. */
void voucher_write(const struct voucher_scope *scope, const struct http_forwarded *forwarded, struct text *ret_value);
/* Whether value is one that a broker with one of the keyring's keys has written for the scope; what it says, as texts
 * of the arena. */
bool voucher_read(const struct voucher_scope *scope, const char *value, struct arena *arena,
                  struct http_forwarded *ret_forwarded);

#endif
