/* The vtable and the configuration's keys. */
#include "postgres.h"

#include <ctype.h>
#include <strings.h>

#include "driver/drivers.h"
#include "driver/keys.h"
#include "host.h"
#include "names.h"
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
    SERVER_KEY_PUBLIC_PORT("the port that apps are told; default: the url's"),
    {.name = "sslrootcert", .type = KEY_TEXT, .help = "the certificates that sslmode=verify-ca and verify-full trust"},
    SERVER_KEY_CONNECTIONS("calls that work on it at once, with a connection each"),
    SERVER_KEY_CONNECT_TIMEOUT("how long one address may take to connect"),
    SERVER_KEY_IDLE,
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

/* ---- the vtable ---- */

/* PostgreSQL's own roles, and those of who runs it for others. */
static const char *const reserved_names[] = {"pg_", "rds", "azure", "cloudsql", "alloydb", "aiven", NULL};
static const char *const variables[] = {"url", "host", "port", "database", "user", "password", NULL};
static const struct pair environment[] = {
    {"DATABASE_URL", "{url}"}, {"PG_HOST", "{host}"},         {"PG_PORT", "{port}"}, {"PG_DATABASE", "{database}"},
    {"PG_USER", "{user}"},     {"PG_PASSWORD", "{password}"}, {NULL, NULL},
};
const struct driver driver_postgres = {
    .name = "postgres",
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
    .validate = driver_validate_read_only,
    .host_size = sizeof(struct pg_host),
    .open_host = pg_host_open,
    .close_host = pg_host_close,
    .connections = pg_host_connections,
    .work_size = sizeof(struct pg_work),
    .begin = work_begin,
    .again = work_again,
    .end = work_end,
    .retired_steps = postgres_deprovision_retired_steps,
    .steps =
        {
            [CALL_PROVISION] = postgres_provision_steps,
            [CALL_UPDATE] = postgres_update_steps,
            [CALL_DEPROVISION] = postgres_deprovision_steps,
            [CALL_BIND] = postgres_bind_steps,
            [CALL_UNBIND] = postgres_unbind_steps,
            [CALL_CHECK] = postgres_check_steps,
            [CALL_OBSERVE] = postgres_observe_steps,
            [CALL_RETIRE] = postgres_retire_steps,
            [CALL_RESTORE] = postgres_restore_steps,
            [CALL_INSPECT] = postgres_inspect_steps,
            [CALL_LIST] = postgres_list_steps,
            [CALL_ADOPT] = postgres_adopt_steps,
            [CALL_READ_MARK] = postgres_read_mark_steps,
            [CALL_WRITE_MARK] = postgres_write_mark_steps,
        },
};
