/* The broker's own structures: the offerings and hosts that the configuration names, the lanes of pending operations,
 * and the intents of requests. Each file of this folder says in its header part what it owns of them. */
#ifndef BROKER_INTERNAL_H
#define BROKER_INTERNAL_H

#include <sys/queue.h>

/* Lack of memory while adding to a table clears the handle instead of ending the program. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/arena.h"
#include "base/metrics.h"
#include "broker/broker.h"
#include "records/mark.h"
#include "records/records.h"

struct agreement;
struct drift;
struct finding;
struct generation;
struct host;
struct job;
struct lane;
struct observation;
struct run;
struct suspect;
struct turn;

TAILQ_HEAD(generation_list, generation);
TAILQ_HEAD(job_list, job);
TAILQ_HEAD(errand_list, errand);
TAILQ_HEAD(inspection_list, inspection);
TAILQ_HEAD(intent_list, intent);
TAILQ_HEAD(observation_list, observation);
TAILQ_HEAD(turn_list, turn);

/* A configured service with its opened driver and the servers it may use. */
struct offering {
	struct generation *generation;
	const struct service *service;
	struct backend *backend;
	struct host *hosts; /* one a server; one without a server when the driver has none */
	size_t host_count;
};

enum host_health {
	HOST_UNKNOWN, /* not asked yet */
	HOST_UP,
	HOST_DOWN, /* reason says why */
};

/* Whether work may go to a server; see fence.h. */
enum fence {
	FENCE_ASKING, /* its mark has not been seen yet: work stands by */
	FENCE_OPEN,   /* it carries this store's mark, or its driver has none */
	FENCE_SHUT,   /* nothing is done there; the host's reason says why */
};

/* Heads of lanes that wait for a place, team by team; see places.h. */
struct waiting {
	struct turn *teams;      /* table by the team's name */
	struct turn_list turns;  /* the same, the next first */
	struct job_list nobodys; /* that memory was out for; they go first */
	size_t count;
};

/* How much may run on a host at once, and what waits for it; see places.h. */
struct places {
	size_t count, running;  /* operations at once: limit and now */
	size_t held_up_running; /* of them */
	struct waiting fresh, held_up;
	size_t passed;         /* fresh ones that went since a held-up one could have gone */
	int64_t resting_until; /* monotonic ms: until then no held-up one goes */
};

/* A driver's sessions on a server, at its last check. */
struct census {
	bool taken;            /* the driver tells */
	size_t server, broker; /* as each of the two counts them */
	size_t strays, looks;  /* that the driver does not know; checks in a row that saw some */
};

/* A server as the queue sees it. */
struct host {
	struct offering *offering;
	const struct server *server; /* NULL: the driver has none */
	bool drained;                /* takes no new instances */
	struct places places;
	struct timer turn; /* until what waits for a place is looked at */
	enum host_health health;
	char reason[ERROR_TEXT_MAX];
	char warning[ERROR_TEXT_MAX]; /* of the last check; "": none */
	struct census census;
	enum fence fence;
	bool remembered;         /* its mark was in order: the store says so from then on, or soon */
	int64_t claimed_until;   /* monotonic ms: until then it is taken over, whatever its mark says; 0: no */
	char mark[MARK_MAX + 1]; /* while it is being written */
	void (*on_fenced)(struct host *host, int code, const struct error *error); /* fence.h's */
	struct agreement *agreement; /* while its list is compared with the records; NULL: it is not */
	struct driver_call check;    /* and what the fence asks */
	struct timer next_check;     /* or what the fence waits for */
	bool checking;               /* from the check's begin to the fence's outcome */
	bool check_soon;             /* another one follows at once */
	int64_t checked_at;          /* monotonic ms, of the last begin */
	/* Instances that somebody asked about; those that were late the last time apart, one of them at once. */
	struct observation_list unobserved, unobserved_late;
	size_t observing, observing_late;
};

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
	struct generation *generation; /* the present one */
	struct generation_list old;    /* those that something still uses */
	struct store *store;
	struct records *records;
	struct keyring *keyring;
	struct timers *timers;
	struct driver_context context; /* the program's, with the store's id */
	const struct log *log;
	struct reservation *reservations; /* table by the counter's name */
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

/* generation.c: what the configuration says now. NULL when it has no such service. */
struct offering *broker_offering(struct broker *broker, const char *service);
const struct config *broker_config(const struct broker *broker);
/* NULL when the configuration has no such server. */
struct host *offering_host(struct offering *offering, const char *server);

#endif
