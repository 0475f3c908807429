/* The API as a whole: a site for each service, and the server that they share. */
#include "api/api.h"

#include <stdlib.h>

#include "api/access.h"
#include "api/exchange.h"
#include "api/handlers.h"

/* The sites of one configuration: one for each service. */
struct served {
	struct config *config; /* held */
	struct http_site sites[];
};

static void served_free(void *arg)
{
	struct served *served = arg;

	config_free(served->config);
	free(served);
}

static struct served *served_new(struct config *config)
{
	struct served *served = calloc(1, sizeof(*served) + config->service_count * sizeof(served->sites[0]));

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
		    .owner = (void *)(uintptr_t)service,
		};
	}
	return served;
}

static int open_server(struct api *api, struct served *served, struct error *error)
{
	const struct config *config = api->options.config;
	const struct http_options options = {
	    .base = api->options.base,
	    .timers = api->options.timers,
	    .host = config->listen.host,
	    .port = config->listen.port,
	    .header_bytes = config->limits.header_bytes,
	    .body_bytes = config->limits.body_bytes,
	    .request_timeout = config->limits.request_timeout,
	    .idle_timeout = config->limits.idle_timeout,
	    .routes = api_routes,
	    .sites = served->sites,
	    .site_count = config->service_count,
	    .on_sites_unused = served_free,
	    .sites_arg = served,
	    .name = "service",
	    .measures = api->options.measures,
	    .arg = api,
	    .on_access = access_log,
	};

	return http_server_open(&options, &api->server, error);
}

int api_open(const struct api_options *options, struct api **ret_api, struct error *error)
{
	struct api *api = calloc(1, sizeof(*api));
	struct served *served = served_new(options->config);
	int rc;

	if (api == NULL || served == NULL) {
		rc = error_no_memory(error);
		goto failed;
	}
	api->options = *options;
	rc = open_server(api, served, error);
	if (rc != 0)
		goto failed;
	*ret_api = api;
	return 0;
failed:
	if (served != NULL)
		served_free(served);
	free(api);
	return rc;
}

int api_reload(struct api *api, struct config *config, struct error *error)
{
	const struct limits *limits = &config->limits;
	struct served *served = served_new(config);

	if (served == NULL)
		return error_no_memory(error);
	if (http_server_set_sites(api->server, served->sites, config->service_count, served_free, served) != 0) {
		served_free(served);
		return error_no_memory(error);
	}
	http_server_set_limits(api->server, limits->header_bytes, limits->body_bytes, limits->request_timeout,
	                       limits->idle_timeout);
	return 0;
}

uint16_t api_port(const struct api *api)
{
	return http_server_port(api->server);
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
	http_server_close(api->server);
	free(api);
}
