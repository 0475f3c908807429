/* The broker's own structures: the offerings and hosts that the configuration names, the lanes of pending operations,
 * and the intents of requests. Each file of this folder says in its header part what it owns of them. */
#ifndef BROKER_INTERNAL_H
#define BROKER_INTERNAL_H

#include <sys/queue.h>

/* Lack of memory while adding to a table clears the handle instead of ending the program. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/arena.h"
#include "broker/broker.h"

struct host;
struct job;
struct lane;
struct observation;
struct run;

TAILQ_HEAD(job_list, job);
TAILQ_HEAD(intent_list, intent);
TAILQ_HEAD(observation_list, observation);

/* A configured service with its opened driver and the servers it may use. */
struct offering {
	struct broker *broker;
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

/* A server as the queue sees it. */
struct host {
	struct offering *offering;
	const struct server *server; /* NULL: the driver has none */
	size_t parallel, running;    /* operations at once: limit and now */
	int64_t used;                /* instances placed on it, those being accepted included */
	struct job_list ready;       /* heads of lanes that wait for a place */
	enum host_health health;
	char reason[ERROR_TEXT_MAX];
	struct driver_call check;
	struct timer next_check;
	struct observation_list unobserved; /* instances that somebody asked about */
	size_t observing;
};

enum job_state {
	JOB_QUEUED,  /* behind others in its lane, or its service is not configured */
	JOB_READY,   /* head of its lane, waits for a place on its host */
	JOB_RUNNING, /* its call is under way */
	JOB_BACKOFF, /* failed in a way that may pass; timer runs */
	JOB_SAVING,  /* its outcome is being made durable */
};

/* An operation that has not finished. It exists from its acceptance to its durable end. */
struct job {
	TAILQ_ENTRY(job) in_lane;
	TAILQ_ENTRY(job) in_ready; /* of its host, in JOB_READY */
	struct broker *broker;
	struct lane *lane;
	struct host *host; /* NULL: its service or server is not configured now */
	enum job_state state;
	enum operation_kind kind;
	char id[OPERATION_ID_LENGTH + 1];
	char incarnation[INCARNATION_LENGTH + 1];
	bool cleaning; /* a create that failed for good: what it made is being removed */
	int64_t attempts;
	int64_t created_at; /* wall ms */
	struct error error; /* of the last attempt */
	struct timer timer;
	struct run *run;            /* from its start to its durable end; NULL otherwise */
	struct intent_list waiting; /* requests that wait for it */
};

/* The operations of one instance, in order of acceptance; only the first ever runs. */
struct lane {
	char incarnation[INCARNATION_LENGTH + 1];
	struct job_list jobs;
	UT_hash_handle hh;
};

struct broker {
	const struct config *config;
	struct store *store;
	struct keyring *keyring;
	struct timers *timers;
	const struct driver_context *context;
	const struct log *log;
	struct offering *offerings;
	size_t offering_count;
	struct lane *lanes;               /* table by incarnation */
	struct observation *observations; /* table by incarnation, least recently asked first */
	struct intent_list intents;       /* all that have not replied */
	struct broker_statistics statistics;
	int64_t last_wall; /* of the newest operation id */
	uint32_t sequence;
	struct timer sweep;
	char *swept; /* where the sweep goes on; NULL: from the beginning */
	size_t swept_length;
	bool sweep_unbound;
	bool closing; /* completions of the store do nothing any more */
};

/* broker.c */
struct offering *broker_offering(struct broker *broker, const char *service);
/* NULL when the configuration has no such server. */
struct host *offering_host(struct offering *offering, const char *server);

#endif
