/* The server: its listeners, its sites, and its life. */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "http/internal.h"

static void on_attach(int descriptor, short what, void *arg)
{
	(void)descriptor;
	(void)what;
	connection_attach_newborn(arg);
}

static bool has_tls(const struct http_options *options)
{
	for (size_t i = 0; i < options->address_count; i++) {
		if (options->addresses[i].tls)
			return true;
	}
	return false;
}

static int server_prepare(struct http_server *server, struct error *error)
{
	const struct http_options *options = &server->options;

	server->date_second = -1;
	server->lingering = (struct linger_list){.base = options->base, .timers = options->timers};
	server->attach_event = event_new(options->base, -1, 0, on_attach, server);
	server->listeners = calloc(options->address_count, sizeof(*server->listeners));
	server->sites = sites_new(options->sites, options->site_count, options->on_sites_unused, options->sites_arg);
	if (server->attach_event == NULL || server->listeners == NULL || server->sites == NULL)
		return error_no_memory(error);
	return has_tls(options) ? tls_new(options, &server->tls, error) : 0;
}

static int server_listen(struct http_server *server, struct error *error)
{
	int rc = 0;

	while (rc == 0 && server->listener_count < server->options.address_count) {
		const size_t i = server->listener_count++;

		rc = listener_open(&server->listeners[i], server, &server->options.addresses[i], error);
	}
	return rc;
}

int http_server_open(const struct http_options *options, struct http_server **ret_server, struct error *error)
{
	struct http_server *server = calloc(1, sizeof(*server));

	if (server == NULL)
		return error_no_memory(error);
	server->options = *options;
	int rc = server_prepare(server, error);
	if (rc == 0)
		rc = server_listen(server, error);
	if (rc < 0) {
		if (server->sites != NULL)
			server->sites->on_unused = NULL; /* they are the caller's still */
		http_server_close(server);
		return rc;
	}
	*ret_server = server;
	return 0;
}

int http_server_set_sites(struct http_server *server, const struct http_site *items, size_t count,
                          void (*on_unused)(void *arg), void *arg)
{
	struct sites *sites = sites_new(items, count, on_unused, arg);

	if (sites == NULL)
		return ERR_NO_MEMORY;
	sites_drop(server->sites);
	server->sites = sites;
	return 0;
}

void http_server_set_limits(struct http_server *server, const struct http_limits *limits)
{
	server->options.limits = *limits;
}

int http_server_reload_tls(struct http_server *server, const struct http_tls *tls, struct error *error)
{
	return tls_reload(server->tls, tls, error);
}

uint16_t http_server_port(const struct http_server *server, size_t i)
{
	return server->listeners[i].port;
}

void http_server_drain(struct http_server *server)
{
	server->draining = true;
	for (size_t i = 0; i < server->listener_count; i++)
		listener_drain(&server->listeners[i]);
}

size_t http_server_pending(const struct http_server *server)
{
	return server->pending;
}

void http_server_close(struct http_server *server)
{
	if (server == NULL)
		return;
	http_server_drain(server);
	connection_attach_newborn(server); /* so that each is told when evhttp frees its side */
	for (size_t i = 0; i < server->listener_count; i++)
		listener_close(&server->listeners[i]);
	linger_release(&server->lingering);
	if (server->attach_event != NULL)
		event_free(server->attach_event);
	sites_drop(server->sites);
	tls_free(server->tls);
	crowd_free(&server->crowd);
	throttle_free(&server->throttle);
	free(server->by_descriptor);
	free(server->listeners);
	free(server);
}
