/* The vtable, the configuration's keys, and the service's servers opened and closed. */
#include <ctype.h>
#include <stdlib.h>

#include "driver/drivers.h"
#include "driver/login.h"
#include "reaper.h"
#include "session.h"
#include "work.h"

#define RETAIN (24 * 3600 * 1000) /* ms */

/* ---- keys ---- */

static const struct config_key server_keys[] = {
    {.name = "url",
     .required = true,
     .check = maria_target_check_url,
     .secret = true,
     .help = "how the broker reaches it: mysql://user:password@host:3306"},
    {.name = "tls", .type = KEY_BOOL, .fallback = "false", .help = "whether the broker demands TLS, and verifies it"},
    {.name = "ca_file", .help = "the certificates that are trusted; default: the system's"},
    {.name = "tls_name", .max = 255, .help = "the name that its certificate must carry; default: the url's host"},
    {.name = "app_host",
     .fallback = "%",
     .check = maria_target_check_app_host,
     .help = "the host of the accounts: where apps may log in from"},
    {.name = "public_host", .max = 255, .help = "the host that apps are told; default: the url's"},
    {.name = "public_port",
     .type = KEY_NUMBER,
     .min = 1,
     .max = 65535,
     .help = "the port that apps are told; default: the url's"},
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

static int check_word(const char *name, const char *value, struct error *error)
{
	(void)name;
	for (const char *c = value; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && *c != '_')
			return error_set(error, ERR_INVALID, "it is no name like utf8mb4 or utf8mb4_unicode_ci");
	return 0;
}

static const struct config_key plan_keys[] = {
    {.name = "connection_limit",
     .type = KEY_NUMBER,
     .fallback = "0",
     .max = 100000,
     .help = "connections of each app (MAX_USER_CONNECTIONS); 0: the server's limit"},
    {.name = "queries_per_hour",
     .type = KEY_NUMBER,
     .fallback = "0",
     .max = 4294967295,
     .help = "statements of each app (MAX_QUERIES_PER_HOUR); 0: no limit"},
    {.name = "updates_per_hour",
     .type = KEY_NUMBER,
     .fallback = "0",
     .max = 4294967295,
     .help = "statements that change something (MAX_UPDATES_PER_HOUR); 0: no limit"},
    {.name = "statement_timeout",
     .type = KEY_DURATION,
     .fallback = "0",
     .max = 31536000000,
     .help = "how long one statement of an app may take (MAX_STATEMENT_TIME), on MariaDB; 0: no limit"},
    {.name = "require_tls",
     .type = KEY_BOOL,
     .fallback = "false",
     .help = "whether apps have to use TLS (REQUIRE SSL)"},
    {.name = "charset",
     .fallback = "utf8mb4",
     .min = 1,
     .max = 32,
     .check = check_word,
     .help = "the character set of new databases"},
    {.name = "collation",
     .min = 1,
     .max = 64,
     .check = check_word,
     .help = "their collation; default: the character set's"},
    {.name = NULL},
};

/* ---- open and close ---- */

static void maria_close(void *state)
{
	struct maria *maria = state;

	for (size_t i = 0; i < maria->host_count; i++) {
		reaper_free(maria->hosts[i].reaper);
		pool_free(maria->hosts[i].pool);
		maria_target_release(&maria->hosts[i].target);
	}
	free(maria);
}

static int init_target(const struct driver_context *context, const struct service *service, const struct server *server,
                       struct target *target, struct error *error)
{
	int rc = maria_target_init(target, server, error);

	if (rc != 0)
		return rc;
	target->logins = login_server_new(context->logins, service->name, server->name, "the broker");
	if (target->logins != NULL)
		return 0;
	maria_target_release(target);
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
	rc = pool_new(context, &maria_session_kind, &host->target, &limits, &host->pool, error);
	if (rc == 0 && (host->reaper = reaper_new(context, &host->target)) == NULL) {
		pool_free(host->pool);
		rc = error_no_memory(error);
	}
	if (rc != 0)
		maria_target_release(&host->target);
	return rc;
}

static int maria_open(const struct driver_context *context, const struct service *service, void **ret_state,
                      struct error *error)
{
	struct maria *maria;
	int rc = 0;

	if (service->server_count == 0)
		return error_set(error, ERR_INVALID, "it needs \"servers\"");
	maria = calloc(1, sizeof(*maria) + service->server_count * sizeof(maria->hosts[0]));
	if (maria == NULL || mysql_library_init(0, NULL, NULL) != 0) {
		free(maria);
		return error_no_memory(error);
	}
	maria->context = context;
	maria->service = service;
	for (; rc == 0 && maria->host_count < service->server_count; maria->host_count += rc == 0)
		rc = open_host(context, service, &service->servers[maria->host_count], &maria->hosts[maria->host_count],
		               error);
	if (rc != 0)
		maria_close(maria);
	else
		*ret_state = maria;
	return rc;
}

static size_t maria_connections(void *state, const struct server *server)
{
	const struct maria *maria = state;
	const struct host *host = &maria->hosts[server - maria->service->servers];

	return pool_size(host->pool) + reaper_is_busy(host->reaper);
}

/* ---- the vtable ---- */

static const char *const variables[] = {"url", "host", "port", "database", "user", "password", NULL};
static const struct pair environment[] = {
    {"DATABASE_URL", "{url}"},
    {"MYSQL_HOST", "{host}"},
    {"MYSQL_PORT", "{port}"},
    {"MYSQL_DATABASE_NAME", "{database}"},
    {"MYSQL_USER", "{user}"},
    {"MYSQL_PASSWORD", "{password}"},
    {NULL, NULL},
};
static const char *const instance_parameters[] = {NULL};
static const char *const bind_parameters[] = {"read_only", NULL};

const struct driver driver_mysql = {
    .name = "mysql",
    .server_keys = server_keys,
    .plan_keys = plan_keys,
    .instance_name_max = INSTANCE_MAX,
    .login_name_max = LOGIN_MAX,
    .variables = variables,
    .environment = environment,
    .instance_parameters = instance_parameters,
    .bind_parameters = bind_parameters,
    .retires = true,
    .marks = true,
    .retain = RETAIN,
    .open = maria_open,
    .close = maria_close,
    .validate = driver_validate_read_only,
    .provision = maria_provision,
    .update = maria_update,
    .deprovision = maria_deprovision,
    .bind = maria_bind,
    .unbind = maria_unbind,
    .check = maria_check,
    .observe = maria_observe,
    .retire = maria_retire,
    .restore = maria_restore,
    .inspect = maria_inspect,
    .list = maria_list,
    .adopt = maria_adopt,
    .act = driver_refuse,
    .allow_unit = driver_settle_done,
    .deny_unit = driver_settle_done,
    .read_mark = maria_read_mark,
    .write_mark = maria_write_mark,
    .count_connections = maria_connections,
    .cancel = maria_cancel,
};
