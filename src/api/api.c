/* The API as a whole: a site for each service, and the server that they share. */
#include "api/api.h"

#include <stdlib.h>

#include "api/access.h"
#include "api/exchange.h"
#include "api/handlers.h"

static int make_sites(struct api *api, struct error *error)
{
	const struct config *config = api->options.config;

	api->sites = calloc(config->service_count, sizeof(*api->sites));
	if (api->sites == NULL)
		return error_no_memory(error);
	for (size_t i = 0; i < config->service_count; i++) {
		const struct service *service = &config->services[i];

		api->sites[i] = (struct http_site){
		    .path = service->path,
		    .username = service->username,
		    .passwords = service->passwords,
		    .password_count = service->password_count,
		    .realm = service->name,
		    .owner = (void *)(uintptr_t)service,
		};
	}
	return 0;
}

static int open_server(struct api *api, struct error *error)
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
	    .sites = api->sites,
	    .site_count = config->service_count,
	    .arg = api,
	    .on_access = access_log,
	};

	return http_server_open(&options, &api->server, error);
}

int api_open(const struct api_options *options, struct api **ret_api, struct error *error)
{
	struct api *api = calloc(1, sizeof(*api));
	int rc;

	if (api == NULL)
		return error_no_memory(error);
	api->options = *options;
	rc = make_sites(api, error);
	if (rc == 0)
		rc = open_server(api, error);
	if (rc != 0) {
		api_close(api);
		return rc;
	}
	*ret_api = api;
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
	free(api->sites);
	free(api);
}
