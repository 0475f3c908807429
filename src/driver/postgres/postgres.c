/* The vtable, the configuration's keys, and the service's servers opened and closed. */
#include "postgres.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "driver/drivers.h"
#include "driver/login.h"
#include "work.h"

#define RETAIN (24 * 3600 * 1000) /* ms */

/* ---- keys ---- */

/* What the broker sets itself, or what would keep the login from acting as the owner. */
static const char *const reserved_settings[] = {"role", "session_authorization", "statement_timeout",
                                                "default_transaction_read_only", NULL};

static int check_setting(const char *name, const char *value, struct error *error)
{
	(void)value;
	for (size_t i = 0; reserved_settings[i] != NULL; i++)
		if (strcasecmp(reserved_settings[i], name) == 0)
			return error_set(error, ERR_INVALID, "the broker itself sets \"%s\"", name);
	for (const char *c = name; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && *c != '_' && *c != '.')
			return error_set(error, ERR_INVALID, "\"%s\" is no name of a PostgreSQL setting", name);
	return 0;
}

static const struct config_key server_keys[] = {
    {.name = "url",
     .type = KEY_TEXT,
     .required = true,
     .check = target_check_url,
     .secret = true,
     .help = "how the broker reaches it: postgres://user:password@host:5432/postgres?sslmode=prefer"},
    {.name = "public_host", .type = KEY_TEXT, .max = 255, .help = "the host that apps are told; default: the url's"},
    {.name = "public_port",
     .type = KEY_NUMBER,
     .min = 1,
     .max = 65535,
     .help = "the port that apps are told; default: the url's"},
    {.name = "sslrootcert", .type = KEY_TEXT, .help = "the certificates that sslmode=verify-ca and verify-full trust"},
    {.name = "connections",
     .type = KEY_NUMBER,
     .fallback = "8",
     .min = 1,
     .max = 100,
     .help = "calls that work on it at once, with a connection each"},
    {.name = "connect_timeout",
     .type = KEY_DURATION,
     .fallback = "10s",
     .min = 100,
     .max = 300000,
     .help = "how long one address may take to connect"},
    {.name = "idle",
     .type = KEY_DURATION,
     .fallback = "5m",
     .min = 1000,
     .max = 86400000,
     .help = "how long an unused connection is kept"},
    {.name = NULL},
};

static const struct config_key plan_keys[] = {
    {.name = "connection_limit",
     .type = KEY_NUMBER,
     .fallback = "-1",
     .min = -1,
     .max = 262143,
     .help = "connections to the database, and of each app; -1: no limit"},
    {.name = "statement_timeout",
     .type = KEY_DURATION,
     .max = 2147483647,
     .help = "how long one statement of an app may take"},
    {.name = "extensions", .type = KEY_LIST, .max = 100, .help = "installed in every database"},
    {.name = "locale", .type = KEY_TEXT, .max = 100, .help = "of new databases; they are then made from template0"},
    {.name = "template", .type = KEY_TEXT, .max = 63, .help = "the database that new ones are copies of"},
    {.name = "settings",
     .type = KEY_MAP,
     .max = 100,
     .check = check_setting,
     .help = "PostgreSQL's settings for the apps' sessions: {work_mem: 8MB}"},
    {.name = NULL},
};

/* ---- open and close ---- */

static void postgres_close(void *state)
{
	struct postgres *postgres = state;

	for (size_t i = 0; i < postgres->host_count; i++) {
		ender_close(&postgres->hosts[i].ender);
		pool_free(postgres->hosts[i].pool);
		target_release(&postgres->hosts[i].target);
	}
	free(postgres);
}

static int init_target(const struct driver_context *context, const struct service *service, const struct server *server,
                       struct target *target, struct error *error)
{
	int rc = target_init(target, server, error);

	if (rc != 0)
		return rc;
	target->logins = login_server_new(context->logins, service->name, server->name, "the broker");
	target->app_logins = login_server_new(context->logins, service->name, server->name, "an app");
	if (target->logins != NULL && target->app_logins != NULL)
		return 0;
	target_release(target);
	return error_no_memory(error);
}

static int open_host(const struct driver_context *context, const struct service *service, const struct server *server,
                     struct host *host, struct error *error)
{
	const struct pool_limits limits = {
	    .sessions = (size_t)options_number(&server->options, "connections"),
	    .idle = options_number(&server->options, "idle"),
	};
	int rc = init_target(context, service, server, &host->target, error);

	if (rc != 0)
		return rc;
	roster_init(&host->roster, context, service);
	target_set_roster(&host->target, &host->roster);
	host->home = (struct home){.target = &host->target, .is_ready = &host->home_is_ready};
	rc = pool_new(context, &home_kind, &host->home, &limits, &host->pool, error);
	if (rc == 0)
		ender_open(&host->ender, context, host->pool, &host->roster);
	else
		target_release(&host->target);
	return rc;
}

static int postgres_open(const struct driver_context *context, const struct service *service, void **ret_state,
                         struct error *error)
{
	struct postgres *postgres;

	if (service->server_count == 0)
		return error_set(error, ERR_INVALID, "it needs \"servers\"");
	postgres = calloc(1, sizeof(*postgres) + service->server_count * sizeof(postgres->hosts[0]));
	if (postgres == NULL)
		return error_no_memory(error);
	postgres->context = context;
	postgres->service = service;
	for (; postgres->host_count < service->server_count; postgres->host_count++) {
		const size_t i = postgres->host_count;
		int rc = open_host(context, service, &service->servers[i], &postgres->hosts[i], error);

		if (rc != 0) {
			postgres_close(postgres);
			return rc;
		}
	}
	*ret_state = postgres;
	return 0;
}

static size_t postgres_connections(void *state, const struct server *server)
{
	const struct postgres *postgres = state;

	return postgres->hosts[server - postgres->service->servers].roster.count;
}

/* ---- the vtable ---- */

static const char *const variables[] = {"url", "host", "port", "database", "user", "password", NULL};
static const struct pair environment[] = {
    {"DATABASE_URL", "{url}"}, {"PG_HOST", "{host}"},         {"PG_PORT", "{port}"}, {"PG_DATABASE", "{database}"},
    {"PG_USER", "{user}"},     {"PG_PASSWORD", "{password}"}, {NULL, NULL},
};
static const char *const instance_parameters[] = {NULL};
static const char *const bind_parameters[] = {"read_only", NULL};

const struct driver driver_postgres = {
    .name = "postgres",
    .server_keys = server_keys,
    .plan_keys = plan_keys,
    .instance_name_max = INSTANCE_MAX,
    .login_name_max = LOGIN_MAX,
    .variables = variables,
    .environment = environment,
    .instance_parameters = instance_parameters,
    .bind_parameters = bind_parameters,
    .units = false,
    .retires = true,
    .marks = true,
    .retain = RETAIN,
    .open = postgres_open,
    .close = postgres_close,
    .validate = driver_validate_read_only,
    .provision = postgres_provision,
    .update = postgres_update,
    .deprovision = postgres_deprovision,
    .bind = postgres_bind,
    .unbind = postgres_unbind,
    .check = postgres_check,
    .observe = postgres_observe,
    .retire = postgres_retire,
    .restore = postgres_restore,
    .inspect = postgres_inspect,
    .list = postgres_list,
    .adopt = postgres_adopt,
    .act = driver_refuse,
    .allow_unit = driver_settle_done,
    .deny_unit = driver_settle_done,
    .read_mark = postgres_read_mark,
    .write_mark = postgres_write_mark,
    .count_connections = postgres_connections,
    .cancel = work_cancel,
};
