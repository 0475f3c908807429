/* The vtable, the configuration's keys, and the service's servers opened and closed. */
#include "redis.h"

#include "driver/drivers.h"
#include "driver/keys.h"
#include "pool.h"
#include "rules.h"
#include "work.h"

/* ---- keys ---- */

static const struct config_key server_keys[] = {
    {.name = "url",
     .required = true,
     .check = redis_target_check_url,
     .secret = true,
     .help = "how the broker reaches it: redis://user:password@host:6379, or rediss:// with TLS"},
    SERVER_KEY_PUBLIC_HOST("the host that apps are told; default: the url's, or the master's"),
    SERVER_KEY_PUBLIC_PORT("the port that apps are told"),
    {.name = "ca_file", .help = "the certificates that rediss:// trusts; default: the system's"},
    {.name = "tls_name", .max = 255, .help = "the name that its certificate must carry; default: the url's host"},
    {.name = "sentinels",
     .type = KEY_LIST,
     .max = URL_PLACES_MAX,
     .check = redis_target_check_sentinel,
     .help = "the sentinels that know the master: [one:26379, two:26379]"},
    {.name = "master", .max = 255, .help = "the name that the sentinels know it by"},
    {.name = "sentinel_user", .max = 255, .help = "that the broker logs in to the sentinels with"},
    {.name = "sentinel_password", .max = 1024, .secret = true, .help = "that goes with it"},
    {.name = "redis_cluster", .type = KEY_BOOL, .fallback = "false", .help = "whether it is a Redis Cluster"},
    SERVER_KEY_CONNECTIONS("calls that work on it at once"),
    SERVER_KEY_CONNECT_TIMEOUT("how long one address may take to connect"),
    SERVER_KEY_IDLE,
    {.name = NULL},
};

static const struct config_key plan_keys[] = {
    {.name = "dedicated",
     .type = KEY_BOOL,
     .fallback = "false",
     .help = "whether an instance is a whole server; its servers have a capacity of 1"},
    {.name = "commands",
     .type = KEY_LIST,
     .max = 100,
     .check = rules_check_form,
     .help = "rules of Redis's ACL on top of the broker's: [+sort, -@geo]"},
    {.name = NULL},
};

/* ---- open and close ---- */

static void close_host(void *arg)
{
	struct redis_host *host = arg;

	redis_pool_free(host->pool);
	progresses_release(&host->progresses);
	redis_target_release(&host->target);
}

static bool is_dedicated(const struct plan *plan)
{
	return options_flag(&plan->options, "dedicated");
}

/* What an instance is has to be the same for all of a service: a server is given whole or shared. */
static int check_plans(const struct service *service, struct error *error)
{
	const bool dedicated = is_dedicated(&service->plans[0]);

	for (size_t i = 1; i < service->plan_count; i++) {
		if (is_dedicated(&service->plans[i]) != dedicated)
			return error_set(error, ERR_INVALID,
			                 "its plans are partly dedicated: make two services of them");
	}
	for (size_t i = 0; dedicated && i < service->server_count; i++) {
		if (service->servers[i].capacity != 1)
			return error_set(error, ERR_INVALID,
			                 "it has dedicated plans: its server \"%s\" needs \"capacity: 1\"",
			                 service->servers[i].name);
	}
	return 0;
}

static int check_commands(const struct plan *plan, struct error *error)
{
	const struct option *own = options_find(&plan->options, "commands");
	struct error reason;

	for (size_t i = 0; own->set && i < own->value.list.count; i++)
		if (rules_check(own->value.list.items[i], is_dedicated(plan), &reason) != 0)
			return error_set(error, ERR_INVALID, "\"commands\" of the plan \"%s\": %s", plan->name,
			                 reason.text);
	return 0;
}

static int check_service(const struct service *service, struct error *error)
{
	int rc = check_plans(service, error);

	for (size_t i = 0; rc == 0 && i < service->plan_count; i++)
		rc = check_commands(&service->plans[i], error);
	return rc;
}

static int open_host(const struct backend *backend, const struct server *server, void *arg, struct error *error)
{
	struct redis_host *host = arg;
	const struct redis_pool_limits limits = {
	    .seats = (size_t)options_number(&server->options, "connections"),
	    .idle = options_number(&server->options, "idle"),
	};
	int rc = redis_target_init(&host->target, server, error);

	host->dedicated = is_dedicated(&backend->service->plans[0]);
	progresses_init(&host->progresses);
	return rc != 0 ? rc : redis_pool_new(backend->context, &limits, &host->pool, error);
}

static size_t connections(const void *arg)
{
	const struct redis_host *host = arg;

	return redis_pool_size(host->pool);
}

/* ---- the vtable ---- */

static const char *const variables[] = {"url",    "host",  "port",      "user",   "password",
                                        "prefix", "hosts", "sentinels", "master", NULL};
static const struct pair environment[] = {
    {"REDIS_URL", "{url}"},           {"REDIS_HOST", "{host}"},
    {"REDIS_PORT", "{port}"},         {"REDIS_USER", "{user}"},
    {"REDIS_PASSWORD", "{password}"}, {"REDIS_PREFIX", "{prefix}"},
    {"REDIS_HOSTS", "{hosts}"},       {"SENTINEL_HOSTS", "{sentinels}"},
    {"REDIS_MASTER", "{master}"},     {NULL, NULL},
};
const struct driver driver_redis = {
    .name = "redis",
    .server_keys = server_keys,
    .plan_keys = plan_keys,
    .instance_name_max = INSTANCE_MAX,
    .login_name_max = LOGIN_MAX,
    .variables = variables,
    .environment = environment,
    .instance_parameters = driver_read_only_parameters,
    .bind_parameters = driver_read_only_parameters,
    .read_only = true,
    .hands_down_read_only = true,
    .retires = true,
    .marks = true,
    .check_service = check_service,
    .validate = driver_validate_read_only,
    .host_size = sizeof(struct redis_host),
    .open_host = open_host,
    .close_host = close_host,
    .connections = connections,
    .work_size = sizeof(struct redis_work),
    .begin = redis_work_begin,
    .end = redis_work_end,
    .steps =
        {
            [CALL_PROVISION] = redis_provision_steps,
            [CALL_UPDATE] = redis_update_steps,
            [CALL_DEPROVISION] = redis_deprovision_steps,
            [CALL_BIND] = redis_bind_steps,
            [CALL_UNBIND] = redis_unbind_steps,
            [CALL_CHECK] = redis_check_steps,
            [CALL_OBSERVE] = redis_observe_steps,
            [CALL_RETIRE] = redis_retire_steps,
            [CALL_RESTORE] = redis_restore_steps,
            [CALL_INSPECT] = redis_inspect_steps,
            [CALL_LIST] = redis_list_steps,
            [CALL_READ_MARK] = redis_read_mark_steps,
            [CALL_WRITE_MARK] = redis_write_mark_steps,
        },
};
