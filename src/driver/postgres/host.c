/* The parts of a host, made in the order in which they need each other. */
#include "host.h"

#include "driver/login.h"

static int open_target(const struct backend *backend, const struct server *server, struct pg_target *target,
                       struct error *error)
{
	struct logins *logins = backend->context->logins;
	int rc = target_init(target, server, error);

	if (rc != 0)
		return rc;
	target->logins = login_server_new(logins, backend->service->name, server->name, "the broker");
	target->app_logins = login_server_new(logins, backend->service->name, server->name, "an app");
	return target->logins != NULL && target->app_logins != NULL ? 0 : error_no_memory(error);
}

int pg_host_open(const struct backend *backend, const struct server *server, void *arg, struct error *error)
{
	struct pg_host *host = arg;
	const struct driver_context *context = backend->context;
	const struct pool_limits limits = {
	    .sessions = (size_t)options_number(&server->options, "connections"),
	    .idle = options_number(&server->options, "idle"),
	};
	int rc = open_target(backend, server, &host->target, error);

	if (rc != 0)
		return rc;
	roster_init(&host->roster, context, backend->service);
	target_set_roster(&host->target, &host->roster);
	host->target.takes_no_options = &host->takes_no_options;
	host->home = (struct home){.target = &host->target, .is_ready = &host->home_is_ready};
	rc = pool_new(context, &home_kind, &host->home, &limits, &host->pool, error);
	if (rc == 0)
		ender_open(&host->ender, context, host->pool, &host->roster);
	return rc;
}

void pg_host_close(void *arg)
{
	struct pg_host *host = arg;

	ender_close(&host->ender);
	pool_free(host->pool);
	target_release(&host->target);
}

size_t pg_host_connections(const void *arg)
{
	const struct pg_host *host = arg;

	return host->roster.count;
}
