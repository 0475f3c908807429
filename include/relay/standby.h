/* What a listener has where its broker shares a store: the relay that takes its requests while the broker stands by,
 * and the keys by which the brokers vouch for clients to each other. */
#ifndef RELAY_STANDBY_H
#define RELAY_STANDBY_H

#include <stdbool.h>

#include "config/config.h"
#include "relay/address.h"
#include "relay/relay.h"
#include "store/store.h"

/* What it points to is borrowed until standby_close. */
struct standby {
	struct relay *relay; /* NULL: the broker shares no store */
	enum relay_listener listener;
	const char *name; /* this broker's */
	struct store *store;
	const struct keyring *keyring;
	char address[RELAY_ADDRESS_MAX + 1]; /* where it is reached for that listener, as it says; "": it is not */
};

/* Copied; what it points to is borrowed until standby_close. */
struct standby_options {
	struct event_base *base;
	struct timers *timers;
	enum relay_listener listener;
	const char *name;      /* this broker's; NULL: it shares no store, and there is no relay */
	const char *addresses; /* where it is reached, as it says in the store */
	struct store *store;
	const struct keyring *keyring;
	const struct relay_measures *measures; /* NULL: nothing is measured */
	const struct config *config;           /* for the call */
};

int standby_open(const struct standby_options *options, struct standby *ret_standby, struct error *error);
/* Drops what is held and under way in silence. */
void standby_close(struct standby *standby);

/* By what the others are known, and what is shown to them, as the configuration says: the certificate of `tls` where
 * that demands one of clients. *ret_trust NULL: no store is shared. ERR_INVALID for a file that cannot be used. */
int standby_read_trust(const struct config *config, struct relay_trust **ret_trust, struct error *error);
/* Others in their place. NULL stays as it is. trust is the relay's from here. */
void standby_use(struct standby *standby, const struct keyring *keyring, struct relay_trust *trust);
/* The certificate's files hold another one: that is shown from here on. One that cannot be read changes nothing. */
void standby_renew_trust(struct standby *standby, const struct config *config);

/* has_begun: this broker does what the active one has to; the rest is the store's to tell. What waits goes to where it
 * can be answered. */
void standby_set_active(struct standby *standby, bool has_begun);
/* Where the active one is reached for that listener; "": it has not said so, or has signed it by a key that the keyring
 * has not. ret_address has RELAY_ADDRESS_MAX + 1 bytes. */
void standby_find_address(const struct standby *standby, enum relay_listener listener, char *ret_address);
/* Whether another broker is the active one, and has not said, signed by a key of the keyring, where it is reached for
 * this listener. */
bool standby_lacks_address(const struct standby *standby);

/* For a server's options.vouch: a header that was made for another listener is not good. */
bool standby_vouch(const struct standby *standby, const char *method, const char *target, const char *value,
                   struct arena *arena, struct http_forwarded *ret_forwarded);

/* For a server's options.on_broker: shows to another broker, which has vouched for itself, that this is the one that it
 * takes it for. */
bool standby_prove(const struct standby *standby, struct http_request *http);

#endif
