/* The one table of the operators' routes. */
#include "admin/internal.h"

#define INSTANCE  "/v1/instances/{id}"
#define OPERATION "/v1/operations/{id}"
#define SERVER    "/v1/servers/{service}/{server}"

const struct http_route admin_routes[] = {
    {"GET", "/health", admin_health, "health", false},
    {"GET", "/ready", admin_ready, "ready", false},
    {"GET", "/metrics", admin_metrics, "metrics", false},
    {"GET", "/v1/services", admin_services, "services", false},
    {"GET", "/v1/instances", admin_instances, "instances", false},
    {"POST", "/v1/instances", admin_adopt, "adopt", false},
    {"GET", INSTANCE, admin_instance, "instance", false},
    {"POST", INSTANCE "/undelete", admin_undelete, "undelete", false},
    {"POST", INSTANCE "/purge", admin_purge, "purge", false},
    {"POST", INSTANCE "/forget", admin_forget, "forget", false},
    {"POST", INSTANCE "/retry", admin_retry_instance, "retry-instance", false},
    {"POST", INSTANCE "/verify", admin_verify_instance, "verify-instance", false},
    {"GET", "/v1/operations", admin_operations, "operations", false},
    {"POST", OPERATION "/retry", admin_retry_operation, "retry", false},
    {"POST", OPERATION "/cancel", admin_cancel, "cancel", false},
    {"POST", SERVER "/claim", admin_claim, "claim", false},
    {"POST", SERVER "/drain", admin_drain, "drain", false},
    {"POST", SERVER "/undrain", admin_undrain, "undrain", false},
    {"GET", "/v1/audit", admin_audit, "audit", false},
    {"GET", "/v1/drift", admin_drift, "drift", false},
    {"POST", "/v1/verify", admin_verify, "verify", false},
    {"POST", "/v1/reload", admin_reload_program, "reload", false},
    {"POST", "/v1/rekey", admin_rekey, "rekey", false},
    {"GET", "/v1/rekey", admin_rekey_state, "rekey-state", false},
    {NULL, NULL, NULL, NULL, false},
};
