/* The broker's metrics. Label values come from the configuration and from fixed sets only. */
#ifndef WATCH_MEASURE_H
#define WATCH_MEASURE_H

#include "base/metrics.h"
#include "queue/job.h"

enum measure {
	MEASURE_OPERATIONS,
	MEASURE_DURATIONS,
	MEASURE_ATTEMPTS,
	MEASURE_PENDING,
	MEASURE_OLDEST,
	MEASURE_RUNNING,
	MEASURE_READY,
	MEASURE_HELD_UP,
	MEASURE_WAITING,
	MEASURE_SERVER_UP,
	MEASURE_SERVER_INSTANCES,
	MEASURE_SERVER_CAPACITY,
	MEASURE_SERVER_DRAINED,
	MEASURE_SERVER_CONNECTIONS,
	MEASURE_SERVER_SESSIONS,
	MEASURE_DRIFTS,
	MEASURE_DRIFTING,
	MEASURE_TO_END,
	MEASURE_TSURU_DIFFERENCES,
	MEASURE_TSURU_AGE,
	MEASURE_COMMITS,
	MEASURE_BATCHES,
	MEASURE_COMMIT_SECONDS,
	MEASURE_COMMIT_BATCHES,
	MEASURE_STORE_BYTES,
	MEASURE_STORE_LIMIT,
	MEASURE_STORE_BROKEN,
	MEASURE_STORE_ACTIVE,
	MEASURE_STORE_EPOCH,
	MEASURE_STORE_LOSSES,
	MEASURE_STORE_LAG,
	MEASURE_STORE_LAG_SECONDS,
	MEASURE_STORE_REPLICAS,
	MEASURE_STORE_WARNING,
	MEASURE_COUNT
};

struct measures {
	struct metrics *metrics; /* NULL: none */
	struct metric *of[MEASURE_COUNT];
};

#define MEASURE_MS 1000.0 /* in a second */

/* Adds all of them; metrics (borrowed) may be NULL. collect looks the others up, for arg, until metrics_forget. */
void measure_open(struct measures *measures, struct metrics *metrics, void (*collect)(void *arg), void *arg);
/* An attempt has ended: outcome is "done", "may-pass", "locked" or "refused". */
void measure_attempt(const struct measures *measures, const struct job *job, const char *outcome);
/* An operation has, age ms after its acceptance. */
void measure_operation(const struct measures *measures, const char *service, enum operation_kind kind, int64_t age,
                       const char *outcome);

#endif
