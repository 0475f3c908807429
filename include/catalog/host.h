/* Services with their opened drivers and their servers: how many instances each holds, which one takes the next. */
#ifndef CATALOG_HOST_H
#define CATALOG_HOST_H

#include <sys/queue.h>

#include "driver/driver.h"
#include "records/records.h"

struct agreement;
struct generation;
struct host;
struct job;
struct observation;
struct turn;

TAILQ_HEAD(generation_list, generation);
TAILQ_HEAD(job_list, job);
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
struct session_census {
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
	struct session_census census;
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

/* NULL when the configuration has no such server. */
struct host *offering_host(struct offering *offering, const char *server);
/* Fills the offering's hosts from the configuration and the store's counters. */
int host_open_all(struct offering *offering, struct error *error);
/* How many instances are placed on the host, which has a server. */
int64_t host_placed(const struct host *host);
/* The host with the most room for a new instance among those of the cluster and pool (either may be NULL).
 * ERR_INVALID when no server serves them, ERR_FORBIDDEN with the numbers when all are full. */
int host_choose(struct offering *offering, const char *cluster, const char *pool, struct host **ret_host,
                struct error *error);
/* A drained server keeps what it has and takes nothing new; that is kept in the store. */
void host_read_drained(struct host *host);
void host_put_drained(const struct host *host, bool drained, struct batch *batch);
/* For messages: "server "main"", or the service when it has no servers. */
const char *host_name(const struct host *host);
/* Makes call, which is not under way, one of that kind on the host's server; timeout in ms. */
void host_prepare_call(const struct host *host, struct driver_call *call, enum call_kind kind, int64_t timeout,
                       void (*on_settled)(struct driver_call *call, int code, const struct error *error), void *arg);

#endif
