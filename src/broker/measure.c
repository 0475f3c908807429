/* What is counted as it happens, and what is looked up when somebody asks. */
#include "broker/measure.h"

#include "broker/drift.h"
#include "broker/inspect.h"
#include "broker/logins.h"
#include "catalog/generation.h"
#include "catalog/host.h"
#include "queue/places.h"
#include "queue/queue.h"

#define MS 1000.0

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
};

/* ---- as it happens ---- */

void measure_attempt(const struct job *job, const char *outcome)
{
	metric_add(job_broker(job)->measures[MEASURE_ATTEMPTS], 1,
	           (const char *[]){job->service, job->server, outcome});
}

void measure_operation(const struct broker *broker, const char *service, enum operation_kind kind, int64_t age,
                       const char *outcome)
{
	struct metric *const *measures = broker->measures;
	const char *name = operation_kind_name(kind);

	metric_add(measures[MEASURE_OPERATIONS], 1, (const char *[]){service, name, outcome});
	metric_observe(measures[MEASURE_DURATIONS], (double)age / MS, (const char *[]){service, name});
}

/* ---- when asked ---- */

static void start_held_up(struct metric *const *measures, const struct offering *offering)
{
	for (size_t i = 0; i < offering->host_count; i++) {
		const struct host *host = &offering->hosts[i];

		if (host->server != NULL)
			metric_set(measures[MEASURE_HELD_UP], 0,
			           (const char *[]){offering->service->name, host->server->name});
	}
}

static void count_held_up(struct metric *const *measures, const struct lane *lane)
{
	const struct job *head = TAILQ_FIRST(&lane->jobs);

	if (lane->held_up && head->host != NULL && head->host->server != NULL)
		metric_add(measures[MEASURE_HELD_UP], 1, (const char *[]){head->service, head->server});
}

static void collect_queue(struct broker *broker)
{
	struct metric *const *measures = broker->measures;
	struct lane *lane, *next;
	const struct job *job;

	metric_clear(measures[MEASURE_PENDING]);
	metric_clear(measures[MEASURE_OLDEST]);
	metric_clear(measures[MEASURE_HELD_UP]);
	for (size_t i = 0; i < broker->catalog.present->offering_count; i++) {
		const char *labels[] = {broker->catalog.present->offerings[i].service->name};

		metric_set(measures[MEASURE_PENDING], 0, labels);
		metric_set(measures[MEASURE_OLDEST], 0, labels);
		start_held_up(measures, &broker->catalog.present->offerings[i]);
	}
	HASH_ITER (hh, broker->queue.lanes, lane, next) {
		count_held_up(measures, lane);
		TAILQ_FOREACH (job, &lane->jobs, in_lane) {
			metric_add(measures[MEASURE_PENDING], 1, (const char *[]){job->service});
			metric_max(measures[MEASURE_OLDEST], (double)job_age(job) / MS, (const char *[]){job->service});
		}
	}
	metric_set(measures[MEASURE_WAITING], (double)broker->queue.waiting, NULL);
}

static void collect_server(struct metric *const *measures, const struct host *host)
{
	const struct backend *backend = host->offering->backend;
	const char *labels[] = {host->offering->service->name, host->server->name};

	metric_set(measures[MEASURE_SERVER_UP], host->health == HOST_UP, labels);
	metric_set(measures[MEASURE_SERVER_INSTANCES], (double)host_placed(host), labels);
	if (host->server->capacity > 0)
		metric_set(measures[MEASURE_SERVER_CAPACITY], (double)host->server->capacity, labels);
	metric_set(measures[MEASURE_SERVER_DRAINED], host->drained, labels);
	metric_set(measures[MEASURE_RUNNING], (double)host->places.running, labels);
	metric_set(measures[MEASURE_READY], (double)places_waiting(&host->places), labels);
	metric_set(measures[MEASURE_SERVER_CONNECTIONS],
	           (double)backend->driver->connections(backend->state, host->server), labels);
	if (!host->census.taken)
		return;
	metric_set(measures[MEASURE_SERVER_SESSIONS], (double)host->census.server,
	           (const char *[]){labels[0], labels[1], "server"});
	metric_set(measures[MEASURE_SERVER_SESSIONS], (double)host->census.broker,
	           (const char *[]){labels[0], labels[1], "broker"});
}

static void collect_servers(struct broker *broker)
{
	struct metric *const *measures = broker->measures;
	struct metric *const cleared[] = {
	    measures[MEASURE_SERVER_UP],          measures[MEASURE_SERVER_INSTANCES], measures[MEASURE_SERVER_CAPACITY],
	    measures[MEASURE_SERVER_DRAINED],     measures[MEASURE_RUNNING],          measures[MEASURE_READY],
	    measures[MEASURE_SERVER_CONNECTIONS], measures[MEASURE_SERVER_SESSIONS]};

	for (size_t i = 0; i < sizeof(cleared) / sizeof(cleared[0]); i++)
		metric_clear(cleared[i]);
	for (size_t i = 0; i < broker->catalog.present->offering_count; i++) {
		const struct offering *offering = &broker->catalog.present->offerings[i];

		for (size_t j = 0; j < offering->host_count; j++) {
			if (offering->hosts[j].server != NULL)
				collect_server(measures, &offering->hosts[j]);
		}
	}
}

static void collect_store(struct broker *broker)
{
	struct metric *const *measures = broker->measures;
	struct store_statistics statistics;

	store_statistics(broker->store, &statistics);
	metric_set(measures[MEASURE_COMMITS], (double)statistics.commits, NULL);
	metric_set(measures[MEASURE_BATCHES], (double)statistics.batches, NULL);
	metric_set_histogram(measures[MEASURE_COMMIT_SECONDS], statistics.sync_counts,
	                     (double)statistics.sync_us_sum / (MS * MS), NULL);
	metric_set_histogram(measures[MEASURE_COMMIT_BATCHES], statistics.batch_counts, (double)statistics.batches,
	                     NULL);
	metric_set(measures[MEASURE_STORE_BYTES], (double)statistics.bytes, NULL);
	metric_set(measures[MEASURE_STORE_LIMIT], (double)catalog_config(&broker->catalog)->limits.store_bytes, NULL);
	metric_set(measures[MEASURE_STORE_BROKEN], store_broken(broker->store), NULL);
}

static void collect_drift(struct broker *broker)
{
	struct metric *const *measures = broker->measures;

	metric_clear(measures[MEASURE_DRIFTING]);
	for (size_t i = 0; i < broker->catalog.present->offering_count; i++) {
		const char *service = broker->catalog.present->offerings[i].service->name;

		metric_set(measures[MEASURE_DRIFTING], 0, (const char *[]){service, "instance"});
		metric_set(measures[MEASURE_DRIFTING], (double)drift_count_strays(broker, service),
		           (const char *[]){service, "stray"});
	}
	for (const struct finding *finding = broker->findings; finding != NULL; finding = finding->hh.next)
		metric_add(measures[MEASURE_DRIFTING], 1, (const char *[]){finding->service, "instance"});
}

static void count_login(void *arg, const struct instance *instance, const struct bind *bind)
{
	const struct broker *broker = arg;

	(void)bind;
	metric_add(broker->measures[MEASURE_TO_END], 1, (const char *[]){instance->service});
}

static void collect_logins(struct broker *broker)
{
	metric_clear(broker->measures[MEASURE_TO_END]);
	for (size_t i = 0; i < broker->catalog.present->offering_count; i++)
		metric_set(broker->measures[MEASURE_TO_END], 0,
		           (const char *[]){broker->catalog.present->offerings[i].service->name});
	lingering_walk(broker, count_login, broker);
}

static void collect(void *arg)
{
	struct broker *broker = arg;

	collect_queue(broker);
	collect_servers(broker);
	collect_drift(broker);
	collect_logins(broker);
	collect_store(broker);
}

void measure_open(struct broker *broker, struct metrics *metrics)
{
	broker->metrics = metrics;
	for (size_t i = 0; i < MEASURE_COUNT; i++)
		broker->measures[i] = metrics_add(metrics, &families[i]);
	metrics_on_render(metrics, collect, broker);
}

void measure_close(struct broker *broker)
{
	metrics_forget(broker->metrics, broker);
}
