/* The broker's own structures. Each file of this folder says in its header part what it owns of them. */
#ifndef BROKER_INTERNAL_H
#define BROKER_INTERNAL_H

#include <sys/queue.h>

#include "base/arena.h"
#include "base/metrics.h"
#include "broker/broker.h"
#include "catalog/generation.h"
#include "queue/job.h"
#include "records/mark.h"
#include "records/records.h"

struct drift;
struct finding;

TAILQ_HEAD(errand_list, errand);
TAILQ_HEAD(inspection_list, inspection);
TAILQ_HEAD(intent_list, intent);

/* See rekey.h. */
struct rekey {
	bool running;
	bool unbound; /* the second keyspace of the pass */
	bool again;   /* another pass has to follow */
	size_t sealed, failed;
	char position[STORE_KEY_MAX];
	size_t position_length;
	struct timer timer;
};

/* See measure.h. */
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
	MEASURE_COMMITS,
	MEASURE_BATCHES,
	MEASURE_COMMIT_SECONDS,
	MEASURE_COMMIT_BATCHES,
	MEASURE_STORE_BYTES,
	MEASURE_STORE_LIMIT,
	MEASURE_STORE_BROKEN,
	MEASURE_COUNT
};

struct broker {
	struct catalog catalog;
	struct queue queue;
	struct store *store;
	struct records *records;
	struct keyring *keyring;
	struct timers *timers;
	const struct log *log;
	struct observation *observations; /* table by incarnation, least recently asked first */
	struct intent_list intents;       /* all that have not replied */
	struct errand_list errands;       /* requests of the broker itself */
	struct inspection_list inspections;
	size_t inspecting;
	struct finding *findings; /* table by incarnation, the first found first */
	size_t differing;         /* instances that were found to differ since the last pass began */
	struct drift *drift;      /* NULL: memory was out */
	struct rekey rekey;
	struct mark mark;
	struct metrics *metrics; /* NULL: none */
	struct metric *measures[MEASURE_COUNT];
	struct timer retention;
	struct timer sweep;
	size_t chore; /* of the sweep: which is next */
	char *swept;  /* where it goes on; NULL: from the beginning */
	size_t swept_length;
	/* For those above: an operation's outcome is on the disk, and its run still there; a server answers again. */
	void (*on_saved)(const struct job *job);
	void (*on_up)(struct broker *broker);
	bool closing; /* completions of the store do nothing any more */
};

static inline struct broker *broker_of(const struct host *host)
{
	return host->offering->generation->catalog->owner;
}

static inline struct broker *job_broker(const struct job *job)
{
	return job->queue->owner;
}

#endif
