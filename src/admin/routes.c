/* The one table of the operators' routes. Those that have a handler of their own, for probes and figures, are about
 * this process, too, and are passed on to nobody. */
#include "admin/internal.h"

#define INSTANCE  "/v1/instances/{id}"
#define OPERATION "/v1/operations/{id}"
#define SERVER    "/v1/servers/{service}/{server}"

/* clang-format off */
#define ROUTE(method, path, label, ...) \
	{method, path, call_serve, label, &(const struct admin_endpoint){__VA_ARGS__}}

const struct http_route admin_routes[] = {
    {"GET", "/health", admin_health, "health", NULL},
    {"GET", "/ready", admin_ready, "ready", NULL},
    {"GET", "/active", admin_active, "active", NULL},
    {"GET", "/metrics", admin_metrics, "metrics", NULL},
    ROUTE("GET", "/v1/services", "services", .view = view_list_services),
    ROUTE("GET", "/v1/instances", "instances", .list = view_list_instances),
    ROUTE("POST", "/v1/instances", "adopt", .read = read_adoption, .ask = &ask_adopt),
    ROUTE("GET", INSTANCE, "instance", .item = view_show_instance),
    ROUTE("POST", INSTANCE "/undelete", "undelete", .read = read_restored, .ask = &ask_restore),
    ROUTE("POST", INSTANCE "/purge", "purge", .read = read_instance, .ask = &ask_purge),
    ROUTE("POST", INSTANCE "/remove", "remove", .read = read_removal, .ask = &ask_end_instance),
    ROUTE("POST", INSTANCE "/unbind", "unbind", .read = read_bind, .ask = &ask_end_bind),
    ROUTE("POST", INSTANCE "/forget", "forget", .read = read_forgotten, .ask = &ask_forget),
    ROUTE("POST", INSTANCE "/retry", "retry-instance", .read = read_instance, .ask = &ask_retry),
    ROUTE("POST", INSTANCE "/verify", "verify-instance", .answer = answer_inspection),
    ROUTE("GET", "/v1/operations", "operations", .list = view_list_all_operations),
    ROUTE("POST", OPERATION "/retry", "retry", .act = act_hurry),
    ROUTE("POST", OPERATION "/cancel", "cancel", .answer = answer_cancel),
    ROUTE("POST", SERVER "/claim", "claim", .act = act_claim, .status = 202),
    ROUTE("POST", SERVER "/drain", "drain", .answer = answer_drain),
    ROUTE("POST", SERVER "/undrain", "undrain", .answer = answer_undrain),
    ROUTE("GET", "/v1/audit", "audit", .list = view_list_audit),
    ROUTE("GET", "/v1/drift", "drift", .view = view_list_drift, .is_of_active = true),
    ROUTE("POST", "/v1/verify", "verify", .act = act_verify, .status = 202),
    ROUTE("GET", "/v1/reconcile", "reconcile-state", .view = view_list_reconcile, .is_of_active = true),
    ROUTE("POST", "/v1/reconcile", "reconcile", .act = act_reconcile, .status = 202),
    ROUTE("POST", "/v1/reconcile/apply", "reconcile-apply", .act = act_reconcile_apply, .status = 202, .is_once = true),
    ROUTE("GET", "/v1/replicas", "replicas", .view = view_list_replicas, .is_own = true),
    ROUTE("POST", "/v1/step-down", "step-down", .read = read_force, .act = act_step_down, .status = 202, .is_once = true),
    ROUTE("POST", "/v1/reload", "reload", .act = act_reload, .is_own = true),
    ROUTE("POST", "/v1/rekey", "rekey", .act = act_rekey, .view = view_show_rekey, .status = 202),
    ROUTE("GET", "/v1/rekey", "rekey-state", .view = view_show_rekey, .is_of_active = true),
    {.method = NULL},
};
/* clang-format on */
