/* Listeners of a broker that shares its store. */
#include "relay/standby.h"

#include <string.h>

#include "relay/proving.h"
#include "relay/voucher.h"

int standby_read_trust(const struct config *config, struct relay_trust **ret_trust, struct error *error)
{
	const struct tls_files *tls = config->tls;
	const bool shows = tls != NULL && tls->client_ca != NULL;

	*ret_trust = NULL;
	if (config->store == NULL)
		return 0;
	return relay_read_trust(&(struct relay_files){.authorities = config->store->peer_ca_file,
	                                              .cert = shows ? tls->cert : NULL,
	                                              .key = shows ? tls->key : NULL},
	                        ret_trust, error);
}

int standby_open(const struct standby_options *options, struct standby *ret_standby, struct error *error)
{
	const struct relay_options relay = {
	    .base = options->base,
	    .timers = options->timers,
	    .listener = options->listener,
	    .name = options->name,
	    .keyring = options->keyring,
	    .measures = options->measures,
	};
	struct standby standby = {
	    .listener = options->listener, .name = options->name, .store = options->store, .keyring = options->keyring};
	struct relay_trust *trust = NULL;
	int rc = 0;

	if (options->name != NULL)
		rc = standby_read_trust(options->config, &trust, error);
	if (rc == 0 && options->name != NULL)
		rc = relay_open(&relay, trust, &standby.relay, error);
	if (options->addresses != NULL)
		relay_pick_address(options->keyring, options->name, options->addresses, options->listener,
		                   standby.address);
	if (rc == 0)
		*ret_standby = standby;
	return rc;
}

void standby_close(struct standby *standby)
{
	relay_close(standby->relay);
	standby->relay = NULL;
}

void standby_use(struct standby *standby, const struct keyring *keyring, struct relay_trust *trust)
{
	if (keyring != NULL)
		standby->keyring = keyring;
	if (standby->relay != NULL)
		relay_use(standby->relay, keyring, trust);
	else
		relay_trust_free(trust);
}

void standby_renew_trust(struct standby *standby, const struct config *config)
{
	struct relay_trust *trust = NULL;

	if (standby->relay != NULL && standby_read_trust(config, &trust, NULL) == 0)
		relay_use(standby->relay, NULL, trust);
}

void standby_find_address(const struct standby *standby, enum relay_listener listener, char *ret_address)
{
	const struct store_standing *standing = store_standing(standby->store);

	relay_pick_address(standby->keyring, standing->active, standing->address, listener, ret_address);
}

/* Where the active one is said to be this broker, which is not, it was that before. */
void standby_set_active(struct standby *standby, bool has_begun)
{
	const struct store_standing *standing;
	char address[RELAY_ADDRESS_MAX + 1] = "";

	if (standby->relay == NULL)
		return;
	standing = store_standing(standby->store);
	if (strcmp(standing->active, standby->name) != 0)
		standby_find_address(standby, standby->listener, address);
	relay_set_active(standby->relay, &(struct relay_active){
	                                     .is_self = has_begun,
	                                     .name = standing->active,
	                                     .address = address,
	                                     .epoch = standing->epoch,
	                                 });
}

bool standby_lacks_address(const struct standby *standby)
{
	const struct store_standing *standing = store_standing(standby->store);
	char address[RELAY_ADDRESS_MAX + 1];

	standby_find_address(standby, standby->listener, address);
	return standing->active[0] != '\0' && strcmp(standing->active, standby->name) != 0 && address[0] == '\0';
}

bool standby_vouch(const struct standby *standby, const char *method, const char *target, const char *value,
                   struct arena *arena, struct http_forwarded *ret_forwarded)
{
	const struct voucher_scope scope = {
	    .keyring = standby->keyring, .listener = standby->listener, .method = method, .target = target};

	return voucher_read(&scope, value, arena, ret_forwarded);
}

bool standby_prove(const struct standby *standby, struct http_request *http)
{
	char macs[KEYRING_MACS_SIZE];

	if (strcmp(http_request_target(http), PROVING_TARGET) != 0)
		return false;
	proving_sign(&(struct proving){.keyring = standby->keyring,
	                               .listener = standby->listener,
	                               .name = standby->name,
	                               .address = standby->address,
	                               .id = http_request_forwarded(http)->id},
	             macs);
	http_reply_header(http, PROVING_HEADER, macs);
	http_reply_empty(http, 204);
	return true;
}
