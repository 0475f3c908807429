/* The one table of routes, with the commands which tsuru passes through. */
#include "api/handlers.h"

#include <string.h>

#include "api/api.h"

#define INSTANCE "/resources/{name}"

/* clang-format off */
#define ROUTE(method, path, label, ...) \
	{method, path, exchange_serve, label, &(const struct endpoint){__VA_ARGS__}}

#define RETRIED "{\"message\":\"what waits or has failed is being tried again\"}"
#define ROTATED "{\"message\":\"new passwords are being set; an app has its own once it is bound again\"}"
#define BEGUN   "{\"message\":\"the action is on its way; the operations say how it ends\"}"

const struct http_route api_routes[] = {
    ROUTE("GET", "/resources/plans", "plans", .read = read_place, .answer = answer_plans),
    ROUTE("POST", "/resources", "create", .read = read_create, .ask = &ask_create, .status = 201),
    ROUTE("GET", INSTANCE, "info", .view = view_describe),
    ROUTE("PUT", INSTANCE, "update",
          .bodiless = answer_unchanged, .read = read_wanted, .ask = &ask_update, .status = 200),
    ROUTE("DELETE", INSTANCE, "remove", .ask = &ask_remove, .status = 200),
    ROUTE("GET", INSTANCE "/status", "status", .answer = answer_status),
    ROUTE("POST", INSTANCE "/bind-app", "bind-app",
          .read = read_app_to_bind, .ask = &ask_bind, .status = 201, .environment = true),
    ROUTE("DELETE", INSTANCE "/bind-app", "unbind-app", .read = read_app, .ask = &ask_unbind, .status = 200),
    ROUTE("POST", INSTANCE "/bind", "bind",
          .read = read_unit_or_app_to_bind, .ask = &ask_bind, .status = 201, .environment = true,
          .ask_for_unit = &ask_allow_unit),
    ROUTE("DELETE", INSTANCE "/bind", "unbind",
          .read = read_unit_or_app, .ask = &ask_unbind, .status = 200,
          .ask_for_unit = &ask_deny_unit),
    ROUTE("PUT", INSTANCE "/binds/jobs/{job}", "bind-job",
          .read = read_job_to_bind, .ask = &ask_bind, .status = 201, .environment = true),
    ROUTE("DELETE", INSTANCE "/binds/jobs/{job}", "unbind-job", .read = read_job, .ask = &ask_unbind, .status = 200),
    ROUTE("GET", INSTANCE "/binds", "binds", .view = view_list_binds, .permission = "binds.view"),
    ROUTE("GET", INSTANCE "/operations", "operations",
          .view = view_list_operations, .permission = "operations.view"),
    ROUTE("POST", INSTANCE "/operations/retry", "retry",
          .ask = &ask_retry, .status = 202, .json = RETRIED, .permission = "operations.retry"),
    ROUTE("POST", INSTANCE "/rotate", "rotate",
          .read = read_rotate, .ask = &ask_rotate, .status = 202, .json = ROTATED, .permission = "binds.rotate"),
    ROUTE("POST", INSTANCE "/actions/{action}", "action",
          .read = read_action, .ask = &ask_act, .status = 202, .json = BEGUN),
    ROUTE("GET", OPEN_TO_USERS "/plans", "open-plans", .answer = answer_all_plans),
    {.method = NULL},
};
/* clang-format on */

bool api_command_at(size_t i, struct api_command *ret_command)
{
	for (const struct http_route *route = api_routes; route->method != NULL; route++) {
		const struct endpoint *endpoint = route->serves;

		if (endpoint->permission == NULL || i-- > 0)
			continue;
		*ret_command = (struct api_command){
		    .method = route->method,
		    .path = route->pattern + strlen(INSTANCE),
		    .action = endpoint->permission,
		};
		return true;
	}
	return false;
}
