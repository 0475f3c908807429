/* The vtable, the configuration's keys, and the service's servers opened and closed. */
#include "rabbitmq.h"

#include "driver/drivers.h"
#include "driver/keys.h"
#include "work.h"

#define LIMIT_MAX 1000000

/* ---- keys ---- */

static const struct config_key server_keys[] = {
    {.name = "url",
     .required = true,
     .check = client_check_url,
     .help = "the management API, as the broker reaches it: https://rabbit.example.com:15671"},
    {.name = "username", .required = true, .min = 1, .max = 255, .help = "the administrator that the broker is"},
    {.name = "password", .required = true, .min = 1, .max = 1024, .secret = true, .help = "that goes with it"},
    {.name = "ca_file", .min = 1, .max = 3000, .help = "the certificates that https trusts; default: the system's"},
    {.name = "amqp_host",
     .min = 1,
     .max = 255,
     .check = rabbitmq_target_check_host,
     .help = "the host that apps are told; default: the url's"},
    {.name = "amqp_port",
     .type = KEY_NUMBER,
     .min = 1,
     .max = 65535,
     .help = "the port that apps are told; default: 5672, or 5671 with amqp_tls"},
    {.name = "amqp_tls", .type = KEY_BOOL, .fallback = "false", .help = "whether apps connect by amqps://"},
    SERVER_KEY_CONNECTIONS("requests at once"),
    SERVER_KEY_CONNECT_TIMEOUT("how long a connection may take"),
    {.name = NULL},
};

static const struct config_key plan_keys[] = {
    {.name = "max_connections",
     .type = KEY_NUMBER,
     .min = 1,
     .max = LIMIT_MAX,
     .help = "connections to the vhost; default: no limit"},
    {.name = "max_queues",
     .type = KEY_NUMBER,
     .min = 1,
     .max = LIMIT_MAX,
     .help = "queues in the vhost; default: no limit"},
    {.name = "max_user_connections",
     .type = KEY_NUMBER,
     .min = 1,
     .max = LIMIT_MAX,
     .help = "connections of each login; default: no limit"},
    {.name = "max_user_channels",
     .type = KEY_NUMBER,
     .min = 1,
     .max = LIMIT_MAX,
     .help = "channels of each login; default: no limit"},
    {.name = NULL},
};

/* ---- open and close ---- */

static void close_host(void *arg)
{
	struct rabbit_host *host = arg;

	rabbitmq_sweep_release(&host->sweeps);
	client_free(host->client);
	rabbitmq_target_release(&host->target);
}

static int open_host(const struct backend *backend, const struct server *server, void *arg, struct error *error)
{
	struct rabbit_host *host = arg;
	const struct options *given = &server->options;
	const struct client_options options = {
	    .url = options_text(given, "url"),
	    .username = options_text(given, "username"),
	    .password = options_text(given, "password"),
	    .ca_file = options_text(given, "ca_file"),
	    .connections = (size_t)options_number(given, "connections"),
	    .connect_timeout = options_number(given, "connect_timeout"),
	};
	int rc;

	LIST_INIT(&host->sweeps);
	host->username = options.username;
	rc = rabbitmq_target_init(&host->target, given, error);
	return rc != 0 ? rc : client_new(backend->context, &options, &host->client, error);
}

static size_t connections(const void *arg)
{
	const struct rabbit_host *host = arg;

	return client_connections(host->client);
}

/* ---- the vtable ---- */

static const char *const variables[] = {"url", "host", "port", "vhost", "user", "password", NULL};
static const struct pair environment[] = {
    {"AMQP_URL", "{url}"},
    {"RABBITMQ_HOST", "{host}"},
    {"RABBITMQ_PORT", "{port}"},
    {"RABBITMQ_VHOST", "{vhost}"},
    {"RABBITMQ_USER", "{user}"},
    {"RABBITMQ_PASSWORD", "{password}"},
    {NULL, NULL},
};
const struct driver driver_rabbitmq = {
    .name = "rabbitmq",
    .server_keys = server_keys,
    .plan_keys = plan_keys,
    .instance_name_max = BACKEND_NAME_MAX,
    .login_name_max = BACKEND_NAME_MAX,
    .variables = variables,
    .environment = environment,
    .instance_parameters = driver_read_only_parameters,
    .bind_parameters = driver_read_only_parameters,
    .read_only = true,
    .hands_down_read_only = true,
    .retires = true,
    .marks = true,
    .retain = (int64_t)24 * 3600 * 1000,
    .validate = driver_validate_read_only,
    .host_size = sizeof(struct rabbit_host),
    .open_host = open_host,
    .close_host = close_host,
    .connections = connections,
    .work_size = sizeof(struct rabbit_work),
    .begin = rabbitmq_begin,
    .end = rabbitmq_end,
    .renew_steps = rabbitmq_renew_steps,
    .steps =
        {
            [CALL_PROVISION] = rabbitmq_provision_steps,
            [CALL_UPDATE] = rabbitmq_update_steps,
            [CALL_DEPROVISION] = rabbitmq_deprovision_steps,
            [CALL_BIND] = rabbitmq_bind_steps,
            [CALL_UNBIND] = rabbitmq_unbind_steps,
            [CALL_CHECK] = rabbitmq_check_steps,
            [CALL_OBSERVE] = rabbitmq_observe_steps,
            [CALL_RETIRE] = rabbitmq_retire_steps,
            [CALL_RESTORE] = rabbitmq_restore_steps,
            [CALL_INSPECT] = rabbitmq_inspect_steps,
            [CALL_LIST] = rabbitmq_list_steps,
            [CALL_ADOPT] = rabbitmq_adopt_steps,
            [CALL_READ_MARK] = rabbitmq_read_mark_steps,
            [CALL_WRITE_MARK] = rabbitmq_write_mark_steps,
        },
};
