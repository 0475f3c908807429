/* The broker's own structures: the lanes of pending operations, and the intents of requests. Each file of this folder
 * says in its header part what it owns of them. */
#ifndef BROKER_INTERNAL_H
#define BROKER_INTERNAL_H

#include <sys/queue.h>

/* Lack of memory while adding to a table clears the handle instead of ending the program. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/arena.h"
#include "base/metrics.h"
#include "broker/broker.h"
#include "catalog/generation.h"
#include "records/mark.h"
#include "records/records.h"

struct drift;
struct finding;
struct job;
struct lane;
struct run;
struct suspect;

TAILQ_HEAD(errand_list, errand);
TAILQ_HEAD(inspection_list, inspection);
TAILQ_HEAD(intent_list, intent);

enum job_state {
	JOB_QUEUED,  /* behind others in its lane, or its service is not configured */
	JOB_READY,   /* head of its lane, waits for a place on its host */
	JOB_RUNNING, /* its call is under way */
	JOB_BACKOFF, /* failed in a way that may pass; timer runs */
	JOB_SAVING,  /* its outcome is being made durable */
};

#define TURN_NAME_MAX 63 /* bytes of a team's name that are looked at */

/* An operation that has not finished. It exists from its acceptance to its durable end. */
struct job {
	TAILQ_ENTRY(job) in_lane;
	/* while it is JOB_READY */
	TAILQ_ENTRY(job) in_turn;
	struct waiting *waiting_in; /* of its host; NULL: it is not */
	struct turn *turn;          /* its team's; NULL: memory was out */
	struct broker *broker;
	struct lane *lane;
	struct host *host; /* NULL: its service or server is not configured now */
	enum job_state state;
	enum operation_kind kind;
	char id[OPERATION_ID_LENGTH + 1];
	char incarnation[INCARNATION_LENGTH + 1];
	char service[SERVICE_NAME_MAX + 1], server[SERVER_NAME_MAX + 1]; /* where it has to run */
	char team[TURN_NAME_MAX + 1]; /* that it takes turns with others for; cut, "" for none */
	int64_t placed_at;            /* monotonic ms: since when it has, or had, its place */
	bool held_up;                 /* which is one of those for what is held up */
	bool given_up; /* an operator wants no further attempt: the next one, or its end, fails for good */
	bool cleaning; /* a create that failed for good: what it made is being removed */
	int64_t attempts;
	int64_t locked;     /* of them, those that a lock was in the way of */
	int64_t created_at; /* wall ms */
	int64_t accepted;   /* monotonic ms; before the start of the program by what the wall clock says */
	struct error error; /* of the last attempt */
	struct timer timer;
	struct run *run;            /* from its start to its durable end; NULL otherwise */
	struct intent_list waiting; /* requests that wait for it */
};

/* The operations of one instance, in order of acceptance; only the first ever runs. */
struct lane {
	char incarnation[INCARNATION_LENGTH + 1];
	struct job_list jobs;
	bool held_up; /* by what somebody else holds: the last attempt was, or another one lately */
	UT_hash_handle hh;
};

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
struct measures {
	struct metric *operations, *durations, *attempts;
	struct metric *pending, *oldest, *running, *ready, *held_up, *waiting;
	struct metric *server_up, *server_instances, *server_capacity, *server_drained, *server_connections;
	struct metric *server_sessions;
	struct metric *drifts, *drifting, *to_end;
	struct metric *commits, *batches, *commit_seconds, *commit_batches, *store_bytes, *store_limit, *store_broken;
};

struct broker {
	struct catalog catalog;
	struct store *store;
	struct records *records;
	struct keyring *keyring;
	struct timers *timers;
	const struct log *log;
	struct lane *lanes;               /* table by incarnation */
	struct suspect *held_up;          /* table by incarnation; see held_up.h */
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
	struct measures measures;
	struct broker_statistics statistics;
	struct timer retention;
	struct timer sweep;
	size_t chore; /* of the sweep: which is next */
	char *swept;  /* where it goes on; NULL: from the beginning */
	size_t swept_length;
	bool closing; /* completions of the store do nothing any more */
};

static inline struct broker *broker_of(const struct host *host)
{
	return host->offering->generation->catalog->owner;
}

#endif
