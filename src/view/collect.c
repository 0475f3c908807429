/* Measures that are looked up when somebody asks. Those that are counted as things happen are in measure.c. */
#include <math.h>

#include "base/timer.h"
#include "catalog/host.h"
#include "queue/places.h"
#include "queue/queue.h"
#include "store/members.h"
#include "upkeep/drift.h"
#include "upkeep/inspect.h"
#include "upkeep/reconcile.h"
#include "view/logins.h"
#include "watch/measure.h"

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
	metric_set(measures[MEASURE_HELD_UP], 0, labels);
	metric_set(measures[MEASURE_READY], (double)places_waiting(&host->places), labels);
	metric_set(measures[MEASURE_SERVER_CONNECTIONS], (double)backend_connections(backend, host->server), labels);
	if (!host->census.taken)
		return;
	metric_set(measures[MEASURE_SERVER_SESSIONS], (double)host->census.server,
	           (const char *[]){labels[0], labels[1], "server"});
	metric_set(measures[MEASURE_SERVER_SESSIONS], (double)host->census.broker,
	           (const char *[]){labels[0], labels[1], "broker"});
}

/* What is counted one by one begins at 0, so that a service of which there is nothing is seen, too. */
static void collect_services(const struct view *view)
{
	struct metric *const *measures = view->measures->of;

	for (size_t i = 0; i < view->catalog->present->offering_count; i++) {
		const struct offering *offering = &view->catalog->present->offerings[i];
		const char *service = offering->service->name;

		metric_set(measures[MEASURE_PENDING], 0, (const char *[]){service});
		metric_set(measures[MEASURE_OLDEST], 0, (const char *[]){service});
		metric_set(measures[MEASURE_TO_END], 0, (const char *[]){service});
		metric_set(measures[MEASURE_DRIFTING], 0, (const char *[]){service, "instance"});
		metric_set(measures[MEASURE_DRIFTING], (double)drift_count_strays(view->upkeep, service),
		           (const char *[]){service, "stray"});
		for (size_t j = 0; j < offering->host_count; j++) {
			if (offering->hosts[j].server != NULL)
				collect_server(measures, &offering->hosts[j]);
		}
	}
}

/* A broker with a store of its own is always the active one. */
static void collect_standing(struct metric *const *measures, const struct store_standing *standing)
{
	const bool active = standing->role == STORE_ALONE || standing->role == STORE_ACTIVE;

	metric_set(measures[MEASURE_STORE_ACTIVE], active, NULL);
	metric_set(measures[MEASURE_STORE_EPOCH], (double)standing->epoch, NULL);
	metric_set(measures[MEASURE_STORE_LOSSES], (double)standing->losses, NULL);
}

/* Each role and warning is there from the beginning; those of a store that is not shared are not. */
static void collect_members(struct metric *const *measures, const struct store_members *members)
{
	for (enum store_role role = STORE_STANDBY; role <= STORE_DEPOSED; role++)
		metric_set(measures[MEASURE_STORE_REPLICAS], 0, (const char *[]){store_role_name(role)});
	for (size_t i = 0; i < members->count; i++)
		if (!members->items[i].is_gone)
			metric_add(measures[MEASURE_STORE_REPLICAS], 1,
			           (const char *[]){store_role_name(members->items[i].role)});
	for (enum store_warning warning = 0; warning < STORE_WARNING_COUNT; warning++)
		metric_set(measures[MEASURE_STORE_WARNING], members->warns[warning],
		           (const char *[]){store_warning_name(warning)});
}

/* Of one that never had all that there was, no time is long enough. */
static double seconds_behind(const struct store *store)
{
	const int64_t age = store_age(store);

	return age == STORE_NEVER ? INFINITY : (double)age / MEASURE_MS;
}

static void collect_lag(struct metric *const *measures, const struct store *store)
{
	const struct store_member *self = members_self(store_members(store));

	metric_set(measures[MEASURE_STORE_LAG], self != NULL ? (double)self->behind : 0, NULL);
	metric_set(measures[MEASURE_STORE_LAG_SECONDS], seconds_behind(store), NULL);
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
	collect_standing(measures, store_standing(view->catalog->store));
	if (store_standing(view->catalog->store)->role == STORE_ALONE)
		return;
	collect_members(measures, store_members(view->catalog->store));
	collect_lag(measures, view->catalog->store);
}

static void measure_difference(void *arg, const char *service, const char *kind, size_t count)
{
	metric_set(arg, (double)count, (const char *[]){service, kind});
}

static void collect_tsuru(const struct view *view)
{
	struct metric *const *measures = view->measures->of;
	const int64_t age = reconcile_age(view->upkeep);

	for (size_t i = 0; i < view->catalog->present->offering_count; i++)
		reconcile_count(view->upkeep, view->catalog->present->offerings[i].service->name, measure_difference,
		                measures[MEASURE_TSURU_DIFFERENCES]);
	if (age >= 0)
		metric_set(measures[MEASURE_TSURU_AGE], (double)age / MEASURE_MS, NULL);
}

static void count_login(void *arg, const struct instance *instance, const struct bind *bind)
{
	(void)bind;
	metric_add(arg, 1, (const char *[]){instance->service});
}

static void clear(struct metric *const *measures)
{
	static const enum measure counted[] = {MEASURE_PENDING,
	                                       MEASURE_OLDEST,
	                                       MEASURE_HELD_UP,
	                                       MEASURE_SERVER_UP,
	                                       MEASURE_SERVER_INSTANCES,
	                                       MEASURE_SERVER_CAPACITY,
	                                       MEASURE_SERVER_DRAINED,
	                                       MEASURE_RUNNING,
	                                       MEASURE_READY,
	                                       MEASURE_TO_END,
	                                       MEASURE_SERVER_CONNECTIONS,
	                                       MEASURE_SERVER_SESSIONS,
	                                       MEASURE_DRIFTING,
	                                       MEASURE_TSURU_DIFFERENCES,
	                                       MEASURE_TSURU_AGE};

	for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++)
		metric_clear(measures[counted[i]]);
}

void view_collect(void *arg)
{
	const struct view *view = arg;
	struct metric *const *measures = view->measures->of;

	clear(measures);
	collect_services(view);
	collect_queue(view);
	for (const struct finding *finding = view->upkeep->findings; finding != NULL; finding = finding->hh.next)
		metric_add(measures[MEASURE_DRIFTING], 1, (const char *[]){finding->service, "instance"});
	lingering_walk(view, count_login, measures[MEASURE_TO_END]);
	collect_tsuru(view);
	collect_store(view);
}
