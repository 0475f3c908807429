/* The one table of routes, and that of the commands which tsuru passes through. */
#include "api/handlers.h"

#include "api/api.h"

#define INSTANCE "/resources/{name}"

const struct http_route api_routes[] = {
    {"GET", "/resources/plans", handle_plans, "plans", false},
    {"POST", "/resources", handle_create, "create", false},
    {"GET", INSTANCE, handle_info, "info", false},
    {"PUT", INSTANCE, handle_update, "update", false},
    {"DELETE", INSTANCE, handle_remove, "remove", false},
    {"GET", INSTANCE "/status", handle_status, "status", false},
    {"POST", INSTANCE "/bind-app", handle_bind_app, "bind-app", false},
    {"DELETE", INSTANCE "/bind-app", handle_unbind_app, "unbind-app", false},
    {"POST", INSTANCE "/bind", handle_bind, "bind", false},
    {"DELETE", INSTANCE "/bind", handle_unbind, "unbind", false},
    {"PUT", INSTANCE "/binds/jobs/{job}", handle_bind_job, "bind-job", false},
    {"DELETE", INSTANCE "/binds/jobs/{job}", handle_unbind_job, "unbind-job", false},
    {"GET", INSTANCE "/binds", handle_binds, "binds", false},
    {"GET", INSTANCE "/operations", handle_operations, "operations", false},
    {"POST", INSTANCE "/operations/retry", handle_retry, "retry", false},
    {"POST", INSTANCE "/rotate", handle_rotate, "rotate", false},
    {"POST", INSTANCE "/actions/{action}", handle_act, "action", false},
    {NULL, NULL, NULL, NULL, false},
};

static const struct api_command commands[] = {
    {"GET", "/binds", "binds.view"},
    {"GET", "/operations", "operations.view"},
    {"POST", "/operations/retry", "operations.retry"},
    {"POST", "/rotate", "binds.rotate"},
};

const struct api_command *api_command_at(size_t i)
{
	return i < sizeof(commands) / sizeof(*commands) ? &commands[i] : NULL;
}
