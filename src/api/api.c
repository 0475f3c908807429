/* The API as a whole: a site for each service, and the server that they share. */
#include "api/api.h"

#include <stdlib.h>
#include <string.h>

#include "api/access.h"
#include "api/astray.h"
#include "api/caller.h"
#include "api/exchange.h"
#include "api/handlers.h"
#include "relay/voucher.h"

struct api {
	struct exchange_tools tools; /* the first member */
	struct http_server *server;
	struct config *listening;  /* held: whose addresses are listened on */
	struct api_change *change; /* the last one; its certificate is served. NULL: none came yet */
	struct http_address addresses[CONFIG_LISTENERS_MAX];
	size_t address_count;
	struct http_tls tls;
	void (*on_certificate)(void *arg);
	void *arg;
};

/* The sites of one configuration: one for each service. */
struct api_served {
	struct config *config; /* held */
	struct http_site sites[];
};

struct api_change {
	struct config *config; /* held */
	struct api_served *served;
	struct http_tls tls;
	struct http_change *http;
	struct relay_trust *trust; /* NULL: it shares no store */
};

static struct http_limits limits_of(const struct config *config)
{
	const struct limits *limits = &config->limits;

	return (struct http_limits){
	    .header_bytes = limits->header_bytes,
	    .body_bytes = limits->body_bytes,
	    .request_timeout = limits->request_timeout,
	    .idle_timeout = limits->idle_timeout,
	    .connections = limits->connections,
	    .connections_per_address = limits->connections_per_address,
	    .strangers = limits->strangers,
	    .strangers_per_address = limits->strangers_per_address,
	    .requests = limits->requests,
	    .body_bytes_total = limits->body_bytes_total,
	};
}

static struct http_proxies proxies_of(const struct config *config)
{
	return (struct http_proxies){
	    .networks = config->proxies, .count = config->proxy_count, .sockets = config->trusts_sockets};
}

static struct http_tls tls_of(const struct config *config)
{
	const struct tls_files *files = config->tls;
	struct http_tls tls = {0};

	if (files != NULL) {
		tls.cert = files->cert;
		tls.key = files->key;
		tls.client_ca = files->client_ca;
	}
	return tls;
}

static void set_addresses(struct api *api, const struct config *config)
{
	api->address_count = config->listener_count;
	for (size_t i = 0; i < config->listener_count; i++) {
		const struct listener *listener = &config->listeners[i];

		api->addresses[i] = (struct http_address){
		    .host = listener->host,
		    .port = listener->port,
		    .path = listener->path,
		    .tls = config->tls != NULL && listener->path == NULL,
		};
	}
}

/* ---- with the brokers that share the store ---- */

static int open_standby(struct api *api, const struct api_options *given, struct error *error)
{
	const struct standby_options options = {
	    .base = given->base,
	    .timers = given->timers,
	    .listener = RELAY_SERVICE,
	    .name = given->name,
	    .addresses = given->addresses,
	    .store = given->store,
	    .keyring = given->keyring,
	    .measures = given->relay_measures,
	    .config = given->config,
	};

	return standby_open(&options, &api->tools.standby, error);
}

static bool vouch(void *arg, const char *method, const char *target, const char *value, struct arena *arena,
                  struct http_forwarded *ret_forwarded)
{
	const struct exchange_tools *tools = arg;

	return standby_vouch(&tools->standby, method, target, value, arena, ret_forwarded);
}

static bool prove(void *arg, struct http_request *request)
{
	const struct exchange_tools *tools = arg;

	return standby_prove(&tools->standby, request);
}

void api_rekey(struct api *api, const struct keyring *keyring)
{
	standby_use(&api->tools.standby, keyring, NULL);
}

void api_standing_changed(struct api *api)
{
	if (api != NULL)
		standby_set_active(&api->tools.standby, broker_has_begun(api->tools.broker, NULL) == 0);
}

/* Another certificate is there: it is what is shown from now on, too. */
static void renew_trust(struct api *api)
{
	const struct config *config = api->change != NULL ? api->change->config : api->listening;

	standby_renew_trust(&api->tools.standby, config);
	if (api->on_certificate != NULL)
		api->on_certificate(api->arg);
}

static void on_tls_notice(void *arg, bool failed, const char *text)
{
	const struct exchange_tools *tools = arg;
	struct log_line line;

	if (!failed)
		renew_trust(arg);

	log_begin(&line, tools->log, failed ? LOG_ERROR : LOG_INFO,
	          failed ? "certificate-not-good" : "certificate-replaced");
	log_text(&line, failed ? "error" : "file", text);
	log_end(&line);
}

static void served_free(void *arg)
{
	struct api_served *served = arg;

	config_free(served->config);
	free(served);
}

static struct api_served *served_new(struct config *config)
{
	struct api_served *served = calloc(1, sizeof(*served) + config->service_count * sizeof(served->sites[0]));

	if (served == NULL)
		return NULL;
	served->config = config_hold(config);
	for (size_t i = 0; i < config->service_count; i++) {
		const struct service *service = &config->services[i];

		served->sites[i] = (struct http_site){
		    .path = service->path,
		    .username = service->username,
		    .passwords = service->passwords,
		    .password_count = service->password_count,
		    .realm = service->name,
		    .owner = service,
		};
	}
	return served;
}

static int open_server(struct api *api, const struct api_options *given, struct api_served *served, struct error *error)
{
	const struct config *config = given->config;
	const struct http_options options = {
	    .base = given->base,
	    .timers = given->timers,
	    .addresses = api->addresses,
	    .address_count = api->address_count,
	    .tls = &api->tls,
	    .limits = limits_of(config),
	    .proxies = proxies_of(config),
	    .routes = api_routes,
	    .known_fields_only = true,
	    .forwarded_header = given->name != NULL ? VOUCHER_HEADER : NULL,
	    .vouch = vouch,
	    .on_broker = prove,
	    .on_missing = astray_explain,
	    .on_wrong_login = caller_explain_wrong_login,
	    .sites = served->sites,
	    .site_count = config->service_count,
	    .on_sites_unused = served_free,
	    .sites_arg = served,
	    .name = "service",
	    .measures = given->measures,
	    .arg = &api->tools,
	    .on_tls_notice = on_tls_notice,
	    .on_access = access_log,
	};

	return http_server_open(&options, &api->server, error);
}

int api_open(const struct api_options *options, struct api **ret_api, struct error *error)
{
	struct api *api = calloc(1, sizeof(*api));
	struct api_served *served = served_new(options->config);
	int rc;

	if (api == NULL || served == NULL) {
		rc = error_no_memory(error);
		goto failed;
	}
	api->tools.broker = options->broker;
	api->tools.log = options->log;
	api->on_certificate = options->on_certificate;
	api->arg = options->arg;
	secret_ids_init(&api->tools.ids);
	api->listening = config_hold(options->config);
	set_addresses(api, options->config);
	api->tls = tls_of(options->config);
	rc = open_standby(api, options, error);
	if (rc == 0)
		rc = open_server(api, options, served, error);
	if (rc != 0)
		goto failed;
	*ret_api = api;
	api_standing_changed(api);
	return 0;
failed:
	if (served != NULL)
		served_free(served);
	if (api != NULL) {
		standby_close(&api->tools.standby);
		config_free(api->listening);
	}
	free(api);
	return rc;
}

/* ---- another configuration ---- */

int api_prepare(struct config *config, struct api_change **ret_change, struct error *error)
{
	struct api_change *change = calloc(1, sizeof(*change));
	int rc;

	if (change == NULL)
		return error_no_memory(error);
	change->config = config_hold(config);
	change->tls = tls_of(config);
	change->served = served_new(config);
	if (change->served == NULL) {
		api_change_free(change);
		return error_no_memory(error);
	}
	rc = standby_read_trust(config, &change->trust, error);
	if (rc == 0)
		rc = http_server_prepare(
		    &(struct http_options){
		        .sites = change->served->sites,
		        .site_count = config->service_count,
		        .on_sites_unused = served_free,
		        .sites_arg = change->served,
		        .tls = config->tls != NULL ? &change->tls : NULL,
		        .limits = limits_of(config),
		        .proxies = proxies_of(config),
		    },
		    &change->http, error);
	if (rc == 0)
		*ret_change = change;
	else
		api_change_free(change);
	return rc;
}

/* The change stays, for the names of the certificate's files, which are watched. */
void api_enter(struct api *api, struct api_change *change)
{
	struct api_change *before = api->change;

	http_server_enter(api->server, change->http);
	standby_use(&api->tools.standby, NULL, change->trust);
	change->http = NULL;
	change->served = NULL;
	change->trust = NULL;
	api->change = change;
	api_change_free(before);
}

void api_change_free(struct api_change *change)
{
	if (change == NULL)
		return;
	http_change_free(change->http);
	relay_trust_free(change->trust);
	if (change->served != NULL)
		served_free(change->served);
	config_free(change->config);
	free(change);
}

uint16_t api_port(const struct api *api, size_t i)
{
	return http_server_port(api->server, i);
}

void api_drain(struct api *api)
{
	http_server_drain(api->server);
}

size_t api_pending(const struct api *api)
{
	return http_server_pending(api->server);
}

void api_close(struct api *api)
{
	if (api == NULL)
		return;
	standby_close(&api->tools.standby);
	http_server_close(api->server);
	api_change_free(api->change);
	config_free(api->listening);
	free(api);
}
