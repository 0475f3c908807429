/* The operators' server: one site with its own credentials, and what is open to probes. */
#include "admin/admin.h"

#include <stdlib.h>
#include <string.h>

#include "admin/internal.h"
#include "relay/voucher.h"

static const char *const open_to_probes[] = {"/health", "/ready", "/active", NULL};
static const char *const open_to_all[] = {"/health", "/ready", "/active", "/metrics", NULL};

/* One configuration's credentials. */
struct admin_served {
	struct config *config; /* held */
	struct http_site site;
};

static void served_free(void *arg)
{
	struct admin_served *served = arg;

	config_free(served->config);
	free(served);
}

static struct admin_served *served_new(struct config *config)
{
	const struct admin *admin = config->admin;
	struct admin_served *served = calloc(1, sizeof(*served));

	if (served == NULL)
		return NULL;
	served->config = config_hold(config);
	served->site = (struct http_site){
	    .path = "/",
	    .username = admin->password_count > 0 ? admin->username : NULL,
	    .passwords = admin->passwords,
	    .password_count = admin->password_count,
	    .open_paths = admin->open_metrics ? open_to_all : open_to_probes,
	    .realm = "tsuru-broker operators",
	};
	return served;
}

static void log_access(void *arg, const struct http_request *http)
{
	const struct admin_server *admin = arg;
	const struct admin_call *call = http_request_context(http);
	const int status = http_request_status(http);
	const bool is_broker = status == 204 && http_request_site(http) == NULL;
	const bool probe = is_broker || (status == 200 && strncmp(http_request_path(http), "/v1/", 4) != 0);
	struct log_line line;

	log_begin(&line, admin->options.log, probe || status == 429 ? LOG_DEBUG : LOG_INFO, "admin-request");
	log_text(&line, "method", http_request_method(http));
	log_text(&line, "route", http_request_label(http));
	log_number(&line, "status", http_request_status(http));
	log_number(&line, "duration_us", http_request_duration(http));
	log_text(&line, "peer", http_request_peer(http));
	if (http_request_forwarded(http) != NULL)
		log_text(&line, "forwarded_by", http_request_forwarded(http)->by);
	if (call != NULL) {
		log_text(&line, "request", call->ask.caller.request);
		passing_log(&call->passing, &line);
	}
	log_text(&line, "path", http_request_path(http));
	log_end_gathered(&line);
}

static struct http_limits limits_of(const struct config *config)
{
	return (struct http_limits){
	    .header_bytes = config->limits.header_bytes,
	    .body_bytes = config->limits.body_bytes,
	    .request_timeout = config->limits.request_timeout,
	    .idle_timeout = config->limits.idle_timeout,
	    .connections = config->limits.admin_connections,
	    .strangers = config->limits.strangers,
	    .strangers_per_address = config->limits.strangers_per_address,
	};
}

static struct http_proxies proxies_of(const struct config *config)
{
	return (struct http_proxies){
	    .networks = config->proxies, .count = config->proxy_count, .sockets = config->trusts_sockets};
}

/* ---- with the brokers that share the store ---- */

static int open_standby(struct admin_server *admin, struct error *error)
{
	const struct standby_options options = {
	    .base = admin->options.base,
	    .timers = admin->options.timers,
	    .listener = RELAY_OPERATORS,
	    .name = admin->options.name,
	    .addresses = admin->options.addresses,
	    .store = admin->options.store,
	    .keyring = admin->options.keyring,
	    .measures = admin->options.relay_measures,
	    .config = admin->options.config,
	};

	return standby_open(&options, &admin->standby, error);
}

static bool vouch(void *arg, const char *method, const char *target, const char *value, struct arena *arena,
                  struct http_forwarded *ret_forwarded)
{
	const struct admin_server *admin = arg;

	return standby_vouch(&admin->standby, method, target, value, arena, ret_forwarded);
}

static bool prove(void *arg, struct http_request *http)
{
	const struct admin_server *admin = arg;

	return standby_prove(&admin->standby, http);
}

void admin_rekey(struct admin_server *admin, const struct keyring *keyring)
{
	if (admin != NULL)
		standby_use(&admin->standby, keyring, NULL);
}

void admin_renew_trust(struct admin_server *admin, const struct config *config)
{
	if (admin != NULL)
		standby_renew_trust(&admin->standby, config);
}

void admin_standing_changed(struct admin_server *admin)
{
	if (admin != NULL)
		standby_set_active(&admin->standby, broker_has_begun(admin->options.broker, NULL) == 0);
}

/* ---- life ---- */

static int open_server(struct admin_server *admin, struct admin_served *served, struct error *error)
{
	const struct config *config = admin->options.config;

	admin->address = (struct http_address){
	    .host = config->admin->listen.host, .port = config->admin->listen.port, .path = config->admin->listen.path};
	const struct http_options options = {
	    .base = admin->options.base,
	    .timers = admin->options.timers,
	    .addresses = &admin->address,
	    .address_count = 1,
	    .limits = limits_of(config),
	    .proxies = proxies_of(config),
	    .routes = admin_routes,
	    .forwarded_header = admin->options.name != NULL ? VOUCHER_HEADER : NULL,
	    .vouch = vouch,
	    .on_broker = prove,
	    .sites = &served->site,
	    .site_count = 1,
	    .on_sites_unused = served_free,
	    .sites_arg = served,
	    .same_origin = true,
	    .no_store = true,
	    .name = "admin",
	    .measures = admin->options.measures,
	    .arg = admin,
	    .on_access = log_access,
	};

	return http_server_open(&options, &admin->server, error);
}

int admin_open(const struct admin_options *options, struct admin_server **ret_admin, struct error *error)
{
	struct admin_server *admin = calloc(1, sizeof(*admin));
	struct admin_served *served = served_new(options->config);
	int rc;

	if (admin == NULL || served == NULL) {
		rc = error_no_memory(error);
		goto failed;
	}
	admin->options = *options;
	secret_ids_init(&admin->ids);
	admin->listening = config_hold(options->config);
	rc = open_standby(admin, error);
	if (rc == 0)
		rc = open_server(admin, served, error);
	if (rc != 0)
		goto failed;
	*ret_admin = admin;
	admin_standing_changed(admin);
	return 0;
failed:
	if (served != NULL)
		served_free(served);
	if (admin != NULL) {
		standby_close(&admin->standby);
		config_free(admin->listening);
	}
	free(admin);
	return rc;
}

/* ---- other credentials ---- */

struct admin_change {
	struct admin_served *served;
	struct relay_trust *trust; /* NULL: it shares no store */
	struct http_change *http;
};

int admin_prepare(struct config *config, struct admin_change **ret_change, struct error *error)
{
	struct admin_change *change = calloc(1, sizeof(*change));
	int rc = 0;

	if (change == NULL)
		return error_no_memory(error);
	change->served = served_new(config);
	if (change->served == NULL)
		rc = error_no_memory(error);
	if (rc == 0)
		rc = standby_read_trust(config, &change->trust, error);
	if (rc == 0)
		rc = http_server_prepare(
		    &(struct http_options){
		        .sites = &change->served->site,
		        .site_count = 1,
		        .on_sites_unused = served_free,
		        .sites_arg = change->served,
		        .limits = limits_of(config),
		        .proxies = proxies_of(config),
		    },
		    &change->http, error);
	if (rc == 0)
		*ret_change = change;
	else
		admin_change_free(change);
	return rc;
}

void admin_enter(struct admin_server *admin, struct admin_change *change)
{
	http_server_enter(admin->server, change->http);
	standby_use(&admin->standby, NULL, change->trust);
	free(change);
}

void admin_change_free(struct admin_change *change)
{
	if (change == NULL)
		return;
	http_change_free(change->http);
	relay_trust_free(change->trust);
	if (change->served != NULL)
		served_free(change->served);
	free(change);
}

uint16_t admin_port(const struct admin_server *admin)
{
	return http_server_port(admin->server, 0);
}

size_t admin_pending(const struct admin_server *admin)
{
	return admin != NULL ? http_server_pending(admin->server) : 0;
}

void admin_close(struct admin_server *admin)
{
	if (admin == NULL)
		return;
	standby_close(&admin->standby);
	http_server_close(admin->server);
	open_answer_release(&admin->ready);
	open_answer_release(&admin->metrics);
	config_free(admin->listening);
	free(admin);
}
