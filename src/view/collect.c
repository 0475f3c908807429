/* Measures that are looked up when somebody asks. Those that are counted as things happen are in measure.c. */
#include "catalog/host.h"
#include "queue/places.h"
#include "queue/queue.h"
#include "upkeep/drift.h"
#include "upkeep/inspect.h"
#include "view/logins.h"
#include "watch/measure.h"

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

static void collect_queue(const struct view *view)
{
	struct metric *const *measures = view->measures->of;
	struct lane *lane, *next;
	const struct job *job;

	metric_clear(measures[MEASURE_PENDING]);
	metric_clear(measures[MEASURE_OLDEST]);
	metric_clear(measures[MEASURE_HELD_UP]);
	for (size_t i = 0; i < view->catalog->present->offering_count; i++) {
		const char *labels[] = {view->catalog->present->offerings[i].service->name};

		metric_set(measures[MEASURE_PENDING], 0, labels);
		metric_set(measures[MEASURE_OLDEST], 0, labels);
		start_held_up(measures, &view->catalog->present->offerings[i]);
	}
	HASH_ITER (hh, view->queue->lanes, lane, next) {
		count_held_up(measures, lane);
		TAILQ_FOREACH (job, &lane->jobs, in_lane) {
			metric_add(measures[MEASURE_PENDING], 1, (const char *[]){job->service});
			metric_max(measures[MEASURE_OLDEST], (double)job_age(job) / MEASURE_MS,
			           (const char *[]){job->service});
		}
	}
	metric_set(measures[MEASURE_WAITING], (double)view->queue->waiting, NULL);
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
	metric_set(measures[MEASURE_SERVER_CONNECTIONS], (double)backend_connections(backend, host->server), labels);
	if (!host->census.taken)
		return;
	metric_set(measures[MEASURE_SERVER_SESSIONS], (double)host->census.server,
	           (const char *[]){labels[0], labels[1], "server"});
	metric_set(measures[MEASURE_SERVER_SESSIONS], (double)host->census.broker,
	           (const char *[]){labels[0], labels[1], "broker"});
}

static void collect_servers(const struct view *view)
{
	struct metric *const *measures = view->measures->of;
	struct metric *const cleared[] = {
	    measures[MEASURE_SERVER_UP],          measures[MEASURE_SERVER_INSTANCES], measures[MEASURE_SERVER_CAPACITY],
	    measures[MEASURE_SERVER_DRAINED],     measures[MEASURE_RUNNING],          measures[MEASURE_READY],
	    measures[MEASURE_SERVER_CONNECTIONS], measures[MEASURE_SERVER_SESSIONS]};

	for (size_t i = 0; i < sizeof(cleared) / sizeof(cleared[0]); i++)
		metric_clear(cleared[i]);
	for (size_t i = 0; i < view->catalog->present->offering_count; i++) {
		const struct offering *offering = &view->catalog->present->offerings[i];

		for (size_t j = 0; j < offering->host_count; j++) {
			if (offering->hosts[j].server != NULL)
				collect_server(measures, &offering->hosts[j]);
		}
	}
}

static void collect_store(const struct view *view)
{
	struct metric *const *measures = view->measures->of;
	struct store_statistics statistics;

	store_statistics(view->catalog->store, &statistics);
	metric_set(measures[MEASURE_COMMITS], (double)statistics.commits, NULL);
	metric_set(measures[MEASURE_BATCHES], (double)statistics.batches, NULL);
	metric_set_histogram(measures[MEASURE_COMMIT_SECONDS], statistics.sync_counts,
	                     (double)statistics.sync_us_sum / (MEASURE_MS * MEASURE_MS), NULL);
	metric_set_histogram(measures[MEASURE_COMMIT_BATCHES], statistics.batch_counts, (double)statistics.batches,
	                     NULL);
	metric_set(measures[MEASURE_STORE_BYTES], (double)statistics.bytes, NULL);
	metric_set(measures[MEASURE_STORE_LIMIT], (double)catalog_config(view->catalog)->limits.store_bytes, NULL);
	metric_set(measures[MEASURE_STORE_BROKEN], store_broken(view->catalog->store), NULL);
}

static void collect_drift(const struct view *view)
{
	struct metric *const *measures = view->measures->of;

	metric_clear(measures[MEASURE_DRIFTING]);
	for (size_t i = 0; i < view->catalog->present->offering_count; i++) {
		const char *service = view->catalog->present->offerings[i].service->name;

		metric_set(measures[MEASURE_DRIFTING], 0, (const char *[]){service, "instance"});
		metric_set(measures[MEASURE_DRIFTING], (double)drift_count_strays(view->upkeep, service),
		           (const char *[]){service, "stray"});
	}
	for (const struct finding *finding = view->upkeep->findings; finding != NULL; finding = finding->hh.next)
		metric_add(measures[MEASURE_DRIFTING], 1, (const char *[]){finding->service, "instance"});
}

static void count_login(void *arg, const struct instance *instance, const struct bind *bind)
{
	(void)bind;
	metric_add(arg, 1, (const char *[]){instance->service});
}

static void collect_logins(const struct view *view)
{
	struct metric *to_end = view->measures->of[MEASURE_TO_END];

	metric_clear(to_end);
	for (size_t i = 0; i < view->catalog->present->offering_count; i++)
		metric_set(to_end, 0, (const char *[]){view->catalog->present->offerings[i].service->name});
	lingering_walk(view, count_login, to_end);
}

void view_collect(void *arg)
{
	const struct view *view = arg;

	collect_queue(view);
	collect_servers(view);
	collect_drift(view);
	collect_logins(view);
	collect_store(view);
}
