/* The vtable, the configuration's keys, and the service's servers opened and closed. */
#include <ctype.h>

#include "driver/drivers.h"
#include "driver/keys.h"
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
    SERVER_KEY_PUBLIC_HOST("the host that apps are told; default: the url's"),
    SERVER_KEY_PUBLIC_PORT("the port that apps are told; default: the url's"),
    SERVER_KEY_CONNECTIONS("calls that work on it at once, with a connection each"),
    SERVER_KEY_CONNECT_TIMEOUT("how long one address may take to connect"),
    SERVER_KEY_IDLE,
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

static int check_service(const struct service *service, struct error *error)
{
	(void)service;
	return mysql_library_init(0, NULL, NULL) == 0 ? 0 : error_no_memory(error);
}

static void close_host(void *arg)
{
	struct mysql_host *host = arg;

	reaper_free(host->reaper);
	pool_free(host->pool);
	maria_target_release(&host->target);
}

static int open_host(const struct backend *backend, const struct server *server, void *arg, struct error *error)
{
	struct mysql_host *host = arg;
	const struct driver_context *context = backend->context;
	const struct pool_limits limits = {
	    .sessions = (size_t)options_number(&server->options, "connections"),
	    .idle = options_number(&server->options, "idle"),
	};
	int rc = maria_target_init(&host->target, server, error);

	if (rc != 0)
		return rc;
	host->target.logins = login_server_new(context->logins, backend->service->name, server->name, "the broker");
	if (host->target.logins == NULL)
		return error_no_memory(error);
	rc = pool_new(context, &maria_session_kind, &host->target, &limits, &host->pool, error);
	if (rc != 0)
		return rc;
	host->reaper = reaper_new(context, &host->target);
	return host->reaper != NULL ? 0 : error_no_memory(error);
}

static size_t connections(const void *arg)
{
	const struct mysql_host *host = arg;

	return pool_size(host->pool) + reaper_is_busy(host->reaper);
}

/* ---- the vtable ---- */

/* Of who runs the server for others. What it reserves itself are whole words, like mysql and mariadb.sys. */
static const char *const reserved_names[] = {"rds", "azure", "cloudsql", NULL};
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
const struct driver driver_mysql = {
    .name = "mysql",
    .server_keys = server_keys,
    .plan_keys = plan_keys,
    .instance_name_max = INSTANCE_MAX,
    .login_name_max = LOGIN_MAX,
    .reserved_names = reserved_names,
    .variables = variables,
    .environment = environment,
    .instance_parameters = driver_read_only_parameters,
    .bind_parameters = driver_read_only_parameters,
    .read_only = true,
    .hands_down_read_only = true,
    .retires = true,
    .marks = true,
    .retain = RETAIN,
    .check_service = check_service,
    .validate = driver_validate_read_only,
    .host_size = sizeof(struct mysql_host),
    .open_host = open_host,
    .close_host = close_host,
    .connections = connections,
    .work_size = sizeof(struct mysql_work),
    .begin = maria_begin,
    .again = maria_again,
    .end = maria_end,
    .retired_steps = maria_deprovision_retired_steps,
    .steps =
        {
            [CALL_PROVISION] = maria_provision_steps,
            [CALL_UPDATE] = maria_update_steps,
            [CALL_DEPROVISION] = maria_deprovision_steps,
            [CALL_BIND] = maria_bind_steps,
            [CALL_UNBIND] = maria_unbind_steps,
            [CALL_CHECK] = maria_check_steps,
            [CALL_OBSERVE] = maria_observe_steps,
            [CALL_RETIRE] = maria_retire_steps,
            [CALL_RESTORE] = maria_restore_steps,
            [CALL_INSPECT] = maria_inspect_steps,
            [CALL_LIST] = maria_list_steps,
            [CALL_ADOPT] = maria_adopt_steps,
            [CALL_READ_MARK] = maria_read_mark_steps,
            [CALL_WRITE_MARK] = maria_write_mark_steps,
        },
};
