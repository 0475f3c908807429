/* The vtable, the configuration's keys, and the service's servers opened and closed. */
#include "rabbitmq.h"

#include <stdlib.h>

#include "driver/drivers.h"
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
    {.name = "connections", .type = KEY_NUMBER, .fallback = "8", .min = 1, .max = 100, .help = "requests at once"},
    {.name = "connect_timeout",
     .type = KEY_DURATION,
     .fallback = "10s",
     .min = 100,
     .max = 300000,
     .help = "how long a connection may take"},
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

static void rabbitmq_close(void *state)
{
	struct rabbitmq *rabbitmq = state;

	for (size_t i = 0; i < rabbitmq->host_count; i++) {
		rabbitmq_sweep_release(&rabbitmq->hosts[i].sweeps);
		client_free(rabbitmq->hosts[i].client);
		rabbitmq_target_release(&rabbitmq->hosts[i].target);
	}
	free(rabbitmq);
}

static int open_host(const struct driver_context *context, const struct server *server, struct host *host,
                     struct error *error)
{
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

	host->server = server;
	LIST_INIT(&host->sweeps);
	host->username = options.username;
	rc = rabbitmq_target_init(&host->target, given, error);
	if (rc != 0)
		return rc;
	rc = client_new(context, &options, &host->client, error);
	if (rc != 0)
		rabbitmq_target_release(&host->target);
	return rc;
}

static int rabbitmq_open(const struct driver_context *context, const struct service *service, void **ret_state,
                         struct error *error)
{
	struct rabbitmq *rabbitmq = calloc(1, sizeof(*rabbitmq) + service->server_count * sizeof(rabbitmq->hosts[0]));
	int rc = 0;

	if (rabbitmq == NULL)
		return error_no_memory(error);
	rabbitmq->context = context;
	rabbitmq->service = service;
	for (; rc == 0 && rabbitmq->host_count < service->server_count; rabbitmq->host_count += rc == 0)
		rc = open_host(context, &service->servers[rabbitmq->host_count], &rabbitmq->hosts[rabbitmq->host_count],
		               error);
	if (rc != 0)
		rabbitmq_close(rabbitmq);
	else
		*ret_state = rabbitmq;
	return rc;
}

static size_t rabbitmq_connections(void *state, const struct server *server)
{
	const struct rabbitmq *rabbitmq = state;

	return client_connections(rabbitmq->hosts[server - rabbitmq->service->servers].client);
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
static const char *const instance_parameters[] = {NULL};
static const char *const bind_parameters[] = {"read_only", NULL};

const struct driver driver_rabbitmq = {
    .name = "rabbitmq",
    .server_keys = server_keys,
    .plan_keys = plan_keys,
    .instance_name_max = BACKEND_NAME_MAX,
    .login_name_max = BACKEND_NAME_MAX,
    .variables = variables,
    .environment = environment,
    .instance_parameters = instance_parameters,
    .bind_parameters = bind_parameters,
    .retires = true,
    .marks = true,
    .retain = (int64_t)24 * 3600 * 1000,
    .open = rabbitmq_open,
    .close = rabbitmq_close,
    .validate = driver_validate_read_only,
    .provision = rabbitmq_provision,
    .update = rabbitmq_update,
    .deprovision = rabbitmq_deprovision,
    .bind = rabbitmq_bind,
    .unbind = rabbitmq_unbind,
    .check = rabbitmq_check,
    .observe = rabbitmq_observe,
    .retire = rabbitmq_retire,
    .restore = rabbitmq_restore,
    .inspect = rabbitmq_inspect,
    .list = rabbitmq_list,
    .adopt = rabbitmq_adopt,
    .act = driver_refuse,
    .allow_unit = driver_settle_done,
    .deny_unit = driver_settle_done,
    .read_mark = rabbitmq_read_mark,
    .write_mark = rabbitmq_write_mark,
    .count_connections = rabbitmq_connections,
    .cancel = rabbitmq_cancel,
};
