/* The vtable, the configuration's keys, and the service's upstream brokers opened and closed. */
#include "osb.h"

#include <string.h>

#include "base/json.h"
#include "driver/drivers.h"
#include "driver/keys.h"
#include "work.h"

/* ---- keys ---- */

/* An object or a list is read and written again, where a NUL would end a name. */
static int check_parameter(const char *name, const char *value, struct error *error)
{
	const bool holds = value != NULL && strchr("{[", value[strspn(value, " \t\r\n")]) != NULL &&
	                   json_has_nul(value, strlen(value));

	return holds ? error_set(error, ERR_INVALID, "\"%s\" holds a NUL, which cannot be passed on", name) : 0;
}

static const struct config_key server_keys[] = {
    {.name = "url",
     .type = KEY_TEXT,
     .required = true,
     .check = client_check_url,
     .help = "the upstream broker, without /v2: https://broker.example.com"},
    {.name = "username", .type = KEY_TEXT, .min = 1, .max = 255, .help = "for Basic authentication"},
    {.name = "password", .type = KEY_TEXT, .min = 1, .max = 1024, .secret = true, .help = "for Basic authentication"},
    {.name = "token", .type = KEY_TEXT, .min = 1, .max = 8192, .secret = true, .help = "for Bearer authentication"},
    {.name = "ca_file",
     .type = KEY_TEXT,
     .min = 1,
     .max = 3000,
     .help = "the certificates that https trusts; default: the system's"},
    {.name = "service",
     .type = KEY_TEXT,
     .required = true,
     .min = 1,
     .max = 255,
     .help = "the name or id of the service in its catalog"},
    {.name = "catalog_refresh",
     .type = KEY_DURATION,
     .fallback = "10m",
     .min = 1000,
     .max = 86400000,
     .help = "how long a catalog is used before it is read anew"},
    SERVER_KEY_CONNECT_TIMEOUT("how long a connection may take"),
    SERVER_KEY_CONNECTIONS("requests at once"),
    {.name = "polling_interval",
     .type = KEY_DURATION,
     .fallback = "5s",
     .min = 50,
     .max = 3600000,
     .help = "between two questions about work that goes on, when the upstream does not say"},
    {.name = "maximum_polling",
     .type = KEY_DURATION,
     .min = 1000,
     .max = 604800000,
     .help = "how long work may go on; default: the catalog's maximum_polling_duration, or 1h"},
    {.name = NULL},
};

static const struct config_key plan_keys[] = {
    {.name = "upstream_plan",
     .type = KEY_TEXT,
     .min = 1,
     .max = 255,
     .help = "the name or id of the plan in the catalog; default: the plan's own name"},
    {.name = "parameters",
     .type = KEY_MAP,
     .max = 100,
     .check = check_parameter,
     .help = "given when an instance is made; JSON or text"},
    {.name = NULL},
};

/* ---- open and close ---- */

static void close_upstream(void *arg)
{
	struct upstream *upstream = arg;

	client_free(upstream->client);
	catalog_drop(upstream->catalog);
	pendings_release(&upstream->pendings);
}

static int check_authentication(const struct server *server, const struct client_options *options, struct error *error)
{
	if ((options->username == NULL) != (options->password == NULL))
		return error_set(error, ERR_INVALID,
		                 "the server \"%s\" must have \"username\" and \"password\" or neither", server->name);
	if (options->username != NULL && options->token != NULL)
		return error_set(error, ERR_INVALID,
		                 "the server \"%s\" has a \"token\" beside \"username\"; one is enough", server->name);
	return 0;
}

static int open_upstream(const struct backend *backend, const struct server *server, void *arg, struct error *error)
{
	struct upstream *upstream = arg;
	const struct options *given = &server->options;
	const struct client_options options = {
	    .url = options_text(given, "url"),
	    .username = options_text(given, "username"),
	    .password = options_text(given, "password"),
	    .token = options_text(given, "token"),
	    .ca_file = options_text(given, "ca_file"),
	    .connections = (size_t)options_number(given, "connections"),
	    .connect_timeout = options_number(given, "connect_timeout"),
	};
	int rc = check_authentication(server, &options, error);

	if (rc != 0)
		return rc;
	upstream->service = options_text(given, "service");
	upstream->catalog_refresh = options_number(given, "catalog_refresh");
	upstream->polling_interval = options_number(given, "polling_interval");
	upstream->maximum_polling = options_number(given, "maximum_polling");
	LIST_INIT(&upstream->pendings);
	return client_new(backend->context, &options, &upstream->client, error);
}

static size_t connections(const void *arg)
{
	const struct upstream *upstream = arg;

	return client_connections(upstream->client);
}

/* ---- the vtable ---- */

static const struct pair environment[] = {{NULL, NULL}};

const struct driver driver_osb = {
    .name = "osb",
    .server_keys = server_keys,
    .plan_keys = plan_keys,
    .instance_name_max = BACKEND_NAME_MAX,
    .login_name_max = BACKEND_NAME_MAX,
    .variables = NULL,
    .environment = environment,
    .instance_parameters = NULL,
    .bind_parameters = NULL,
    .validate = driver_validate_nothing,
    .server_word = "broker",
    .host_size = sizeof(struct upstream),
    .open_host = open_upstream,
    .close_host = close_upstream,
    .connections = connections,
    .work_size = sizeof(struct osb_work),
    .begin = osb_begin,
    .end = osb_end,
    .steps =
        {
            [CALL_PROVISION] = osb_provision_steps,
            [CALL_UPDATE] = osb_update_steps,
            [CALL_DEPROVISION] = osb_deprovision_steps,
            [CALL_BIND] = osb_bind_steps,
            [CALL_UNBIND] = osb_unbind_steps,
            [CALL_CHECK] = osb_check_steps,
            [CALL_OBSERVE] = osb_observe_steps,
            [CALL_INSPECT] = osb_inspect_steps,
        },
};
