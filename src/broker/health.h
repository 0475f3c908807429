/* What is known of servers and instances without asking them now: checks in the background, answers from memory. */
#ifndef BROKER_HEALTH_H
#define BROKER_HEALTH_H

#include "broker/internal.h"

#define OBSERVATIONS_MAX 4096 /* instances whose state is kept in memory; the one not asked about longest goes */

/* What was last seen of an instance. Borrowed until the next turn of the loop. */
struct observation {
	char incarnation[INCARNATION_LENGTH + 1];
	struct host *host;
	bool seen;            /* code and results are of some observation */
	struct error outcome; /* code 0: usable; otherwise why it is not */
	struct pair *results; /* label and value */
	size_t result_count;
	int64_t seen_at; /* monotonic ms */
	/* health.c's own */
	struct arena arena; /* of results */
	bool wanted;        /* in one of the host's lists */
	bool late;          /* the last one met a lock or its deadline: it waits among those */
	struct observing *observing;
	TAILQ_ENTRY(observation) in_host;
	UT_hash_handle hh;
};

/* Nothing is known of the host yet. */
void health_open_host(struct host *host);
/* Begins the checks of every server. */
void health_open(struct broker *broker);
/* Cancels what runs and frees. */
void health_close(struct broker *broker);

/* The next check comes at once: something waits for its outcome. */
void health_check_soon(struct host *host);

/* Before the next configuration becomes the present one: what is known of servers that are in both. */
void health_inherit(struct broker *broker, struct generation *next);

/* What is known of the instance; NULL when nothing yet. Asks in the background when that is old. */
const struct observation *health_observe(struct broker *broker, const struct instance *instance);
/* Something about the instance changed: if it is kept in memory, it is asked about anew. */
void health_renew(struct broker *broker, const char *incarnation);
/* The instance is gone. */
void health_forget(struct broker *broker, const char *incarnation);

#endif
