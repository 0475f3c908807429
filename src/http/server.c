/* The server: its listeners, its sites, and its life. */
#include <event2/event.h>
#include <stdlib.h>

#include "http/connection.h"
#include "http/handshake.h"
#include "http/internal.h"
#include "http/listener.h"
#include "http/tls.h"

static void on_attach(int descriptor, short what, void *arg)
{
	struct http_server *server = arg;

	(void)descriptor;
	(void)what;
	connection_attach_newborn(server);
	for (size_t i = 0; i < server->listener_count; i++)
		listener_turn(&server->listeners[i]);
}

static bool has_tls(const struct http_options *options)
{
	for (size_t i = 0; i < options->address_count; i++) {
		if (options->addresses[i].tls)
			return true;
	}
	return false;
}

/* Who was let in by what counts no more does not stay. */
static void on_clients(void *arg)
{
	connection_retire_all(arg);
}

static int server_prepare(struct http_server *server, struct error *error)
{
	const struct http_options *options = &server->options;

	server->on_head = dispatch_head;
	server->may_send = dispatch_may_send;
	server->on_request = dispatch_request;
	server->on_resume = dispatch_resume;
	server->date_second = -1;
	server->newborn_end = &server->newborn;
	crowd_init(&server->crowd);
	heads_init(&server->heads);
	timer_init(&server->leave_timer, connection_on_leave_timer, server);
	linger_init(&server->lingering, options->base, options->timers);
	server->attach_event = event_new(options->base, -1, 0, on_attach, server);
	server->listeners = calloc(options->address_count, sizeof(*server->listeners));
	server->sites = sites_new(options->sites, options->site_count, options->on_sites_unused, options->sites_arg);
	if (handshakes_init(&server->handshakes, options->base) != 0 ||
	    turns_init(&server->turns, options->base, CROWD_REQUESTS, TURN_STRANGERS, connection_go_on) != 0 ||
	    server->attach_event == NULL || server->listeners == NULL || server->sites == NULL)
		return error_no_memory(error);
	return has_tls(options) ? tls_new(options, on_clients, server, &server->tls, error) : 0;
}

static void collect(void *arg)
{
	const struct http_server *server = arg;
	const struct http_measures *measures = server->options.measures;
	const char *const labels[] = {server->options.name};

	metric_set(measures->strangers, (double)(server->crowd.stranger_count + server->crowd.leaving_count), labels);
	metric_set(measures->waiting, (double)server->waiting, labels);
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
	if (options->measures != NULL)
		metrics_on_render(options->measures->metrics, collect, server);
	*ret_server = server;
	return 0;
}

/* ---- another configuration ---- */

struct http_change {
	struct sites *sites;
	struct http_limits limits;
	struct http_proxies proxies;
	const struct http_tls *files; /* NULL: TLS stays */
	struct ssl_ctx_st *context;
};

int http_server_prepare(const struct http_options *next, struct http_change **ret_change, struct error *error)
{
	struct http_change *change = calloc(1, sizeof(*change));
	int rc = 0;

	if (change == NULL)
		return error_no_memory(error);
	change->limits = next->limits;
	change->proxies = next->proxies;
	change->files = next->tls;
	change->sites = sites_new(next->sites, next->site_count, next->on_sites_unused, next->sites_arg);
	if (change->sites == NULL)
		rc = error_no_memory(error);
	else if (next->tls != NULL)
		rc = tls_prepare(next->tls, &change->context, error);
	if (rc == 0)
		*ret_change = change;
	else
		http_change_free(change);
	return rc;
}

void http_change_free(struct http_change *change)
{
	if (change == NULL)
		return;
	if (change->sites != NULL)
		change->sites->on_unused = NULL;
	sites_drop(change->sites);
	tls_discard(change->context);
	free(change);
}

static void enter_tls(struct http_server *server, const struct http_change *change)
{
	tls_enter(server->tls, change->files, change->context);
	server->options.tls = change->files;
}

void http_server_enter(struct http_server *server, struct http_change *change)
{
	sites_drop(server->sites);
	server->sites = change->sites;
	server->options.limits = change->limits;
	server->options.proxies = change->proxies;
	if (change->files != NULL && server->tls != NULL)
		enter_tls(server, change);
	else
		tls_discard(change->context);
	free(change);
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
	if (server->options.measures != NULL)
		metrics_forget(server->options.measures->metrics, server);
	http_server_drain(server);
	connection_attach_newborn(server); /* so that each is told when evhttp frees its side */
	for (size_t i = 0; i < server->listener_count; i++)
		listener_close(&server->listeners[i]);
	timer_stop(server->options.timers, &server->leave_timer);
	linger_release(&server->lingering);
	handshakes_release(&server->handshakes);
	turns_release(&server->turns);
	if (server->attach_event != NULL)
		event_free(server->attach_event);
	sites_drop(server->sites);
	tls_free(server->tls);
	throttle_free(&server->throttle);
	free(server->by_descriptor);
	free(server->listeners);
	free(server);
}
