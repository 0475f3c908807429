/* All that is measured, and what is counted as it happens. What is looked up when somebody asks is in collect.c. */
#include "watch/measure.h"

static const double doubling[STORE_BUCKETS - 1] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};
static const double doubling_ms[STORE_BUCKETS - 1] = {0.001, 0.002, 0.004, 0.008, 0.016, 0.032,
                                                      0.064, 0.128, 0.256, 0.512, 1.024};

#define COUNTER(field, text, ...)                                                                                      \
	{                                                                                                              \
		.name = "tsuru_broker_" field, .help = (text), .type = METRIC_COUNTER, .labels = { __VA_ARGS__ }       \
	}
#define GAUGE(field, text, ...)                                                                                        \
	{                                                                                                              \
		.name = "tsuru_broker_" field, .help = (text), .type = METRIC_GAUGE, .labels = { __VA_ARGS__ }         \
	}
#define HISTOGRAM(field, text, bound, count)                                                                           \
	.name = "tsuru_broker_" field, .help = (text), .type = METRIC_HISTOGRAM, .bounds = (bound),                    \
	.bound_count = (count)

static const struct metric_family families[MEASURE_COUNT] = {
    [MEASURE_OPERATIONS] = COUNTER("operations_total", "Operations that have ended.", "service", "kind", "outcome"),
    [MEASURE_DURATIONS] = {HISTOGRAM("operation_duration_seconds", "From an operation's acceptance to its durable end.",
                                     metric_seconds, METRIC_SECONDS_COUNT),
                           .labels = {"service", "kind"}},
    [MEASURE_ATTEMPTS] =
        COUNTER("attempts_total", "Attempts of operations on servers.", "service", "server", "outcome"),
    [MEASURE_PENDING] = GAUGE("operations_pending", "Operations that have not ended.", "service"),
    [MEASURE_OLDEST] =
        GAUGE("operations_oldest_age_seconds", "How long ago the oldest pending operation was accepted.", "service"),
    [MEASURE_RUNNING] = GAUGE("server_operations_running", "Operations under way on a server.", "service", "server"),
    [MEASURE_READY] =
        GAUGE("server_operations_waiting", "Operations that wait for a place on a server.", "service", "server"),
    [MEASURE_HELD_UP] =
        GAUGE("server_operations_held_up", "Operations that a lock or a deadline has held up.", "service", "server"),
    [MEASURE_WAITING] = GAUGE("requests_waiting", "Requests that wait for an operation.", NULL),
    [MEASURE_SERVER_UP] = GAUGE("server_up", "Whether the server answered its last check.", "service", "server"),
    [MEASURE_SERVER_INSTANCES] =
        GAUGE("server_instances", "Instances on the server, retained ones included.", "service", "server"),
    [MEASURE_SERVER_CAPACITY] =
        GAUGE("server_capacity", "Instances that the server may hold; none: no limit.", "service", "server"),
    [MEASURE_SERVER_DRAINED] =
        GAUGE("server_drained", "Whether the server takes no new instances.", "service", "server"),
    [MEASURE_SERVER_CONNECTIONS] =
        GAUGE("server_connections", "Connections that the broker has to the server.", "service", "server"),
    [MEASURE_SERVER_SESSIONS] =
        GAUGE("server_sessions", "The broker's sessions at the server's last check, as each side counts them.",
              "service", "server", "side"),
    [MEASURE_DRIFTS] =
        COUNTER("drift_found_total", "Differences that were found between servers and records.", "service", "kind"),
    [MEASURE_DRIFTING] =
        GAUGE("drift", "Instances that differ from their records, and names that nobody knows of.", "service", "kind"),
    [MEASURE_TO_END] = GAUGE(
        "logins_to_end", "Logins that should be dead and may live: pending or failed unbinds and removals.", "service"),
    [MEASURE_TSURU_DIFFERENCES] =
        GAUGE("tsuru_differences", "What tsuru's list and the records had without the other at the last comparison.",
              "service", "kind"),
    [MEASURE_TSURU_AGE] =
        GAUGE("tsuru_compared_age_seconds", "How long ago the records were last compared with tsuru's list.", NULL),
    [MEASURE_COMMITS] = COUNTER("store_commits_total", "Durable commits of the store.", NULL),
    [MEASURE_BATCHES] = COUNTER("store_batches_total", "Batches in those commits.", NULL),
    [MEASURE_COMMIT_SECONDS] = {HISTOGRAM("store_commit_duration_seconds", "How long a commit took, its sync included.",
                                          doubling_ms, STORE_BUCKETS - 1)},
    [MEASURE_COMMIT_BATCHES] = {HISTOGRAM("store_commit_batches", "Batches that shared a commit.", doubling,
                                          STORE_BUCKETS - 1)},
    [MEASURE_STORE_BYTES] = GAUGE("store_bytes", "Bytes in use by records.", NULL),
    [MEASURE_STORE_LIMIT] = GAUGE("store_limit_bytes", "Bytes the store may grow to.", NULL),
    [MEASURE_STORE_BROKEN] =
        GAUGE("store_broken", "Whether a failed write keeps the store from acknowledging anything.", NULL),
    [MEASURE_STORE_ACTIVE] =
        GAUGE("store_active", "Whether this broker is the active one of those that share the store.", NULL),
    [MEASURE_STORE_EPOCH] =
        GAUGE("store_epoch", "How often a broker has become the active one of a shared store.", NULL),
    [MEASURE_STORE_LAG] = GAUGE("store_lag_revisions",
                                "Revisions of a shared store that this broker's view lacked when it told last.", NULL),
    [MEASURE_STORE_LAG_SECONDS] =
        GAUGE("store_lag_seconds", "How long ago this broker's view had all that a shared store had.", NULL),
    [MEASURE_STORE_REPLICAS] = GAUGE("store_replicas", "Brokers that share the store, by their role.", "role"),
    [MEASURE_STORE_WARNING] =
        GAUGE("store_warning", "Whether something is amiss among the brokers that share the store.", "warning"),
    [MEASURE_STORE_LOSSES] =
        COUNTER("store_losses_total", "How often a shared store lacked commits that it had acknowledged.", NULL),
};

/* ---- as it happens ---- */

void measure_attempt(const struct measures *measures, const struct job *job, const char *outcome)
{
	metric_add(measures->of[MEASURE_ATTEMPTS], 1, (const char *[]){job->service, job->server, outcome});
}

void measure_operation(const struct measures *measures, const char *service, enum operation_kind kind, int64_t age,
                       const char *outcome)
{
	const char *name = operation_kind_name(kind);

	metric_add(measures->of[MEASURE_OPERATIONS], 1, (const char *[]){service, name, outcome});
	metric_observe(measures->of[MEASURE_DURATIONS], (double)age / MEASURE_MS, (const char *[]){service, name});
}

void measure_open(struct measures *measures, struct metrics *metrics, void (*collect)(void *arg), void *arg)
{
	measures->metrics = metrics;
	for (size_t i = 0; i < MEASURE_COUNT; i++)
		measures->of[i] = metrics_add(metrics, &families[i]);
	metrics_on_render(metrics, collect, arg);
}
