/* What is known of servers and instances without asking them now: checks in the background, answers from memory. */
#ifndef WATCH_WATCH_H
#define WATCH_WATCH_H

#include "base/log.h"
#include "catalog/generation.h"
#include "queue/queue.h"
#include "records/mark.h"

#define OBSERVATIONS_MAX 4096 /* instances whose state is kept in memory; the one not asked about longest goes */

/* All but the table is borrowed, and set before the first server is looked at. */
struct watch {
	struct catalog *catalog;
	struct queue *queue;
	struct mark *mark;
	const struct log *log;
	struct observation *observations; /* table by incarnation, least recently asked first */
	void (*on_up)(void *arg);         /* for those above: a server answers again */
	void *arg;
};

static inline struct watch *watch_of(const struct host *host)
{
	return host->offering->generation->catalog->watch;
}

/* What was last seen of an instance. Borrowed until the next turn of the loop. */
struct observation {
	char incarnation[INCARNATION_LENGTH + 1];
	struct host *host;
	bool seen;            /* code and results are of some observation */
	struct error outcome; /* code 0: usable; otherwise why it is not */
	struct pair *results; /* label and value */
	size_t result_count;
	int64_t results_at; /* monotonic ms: when they were seen; the last look may have failed since */
	int64_t seen_at;    /* monotonic ms, of the last look */
	/* watch.c's own */
	struct arena arena; /* of results */
	bool wanted;        /* in one of the host's lists */
	bool late;          /* the last one met a lock or its deadline: it waits among those */
	struct observing *observing;
	TAILQ_ENTRY(observation) in_host;
	UT_hash_handle hh;
};

/* Nothing is known of the host yet. */
void watch_open_host(struct host *host);
/* Begins the checks of every server. */
void watch_open(struct watch *watch);
/* Cancels what runs and frees. */
void watch_close(struct watch *watch);

/* The next check comes at once: something waits for its outcome. */
void watch_check_soon(struct host *host);
/* The server belongs to this store, whatever its mark says, if it answers within a minute: a check begins at once.
 * ERR_INVALID when its driver has no marks. */
int watch_claim(struct host *host, struct error *error);

/* Before the next configuration becomes the present one: what is known of servers that are in both. */
void watch_inherit(struct watch *watch, struct generation *next);

/* What is known of the instance; NULL when nothing yet. Asks in the background when that is old. */
const struct observation *watch_observe(struct watch *watch, const struct instance *instance);
/* Something about the instance changed: if it is kept in memory, it is asked about anew. */
void watch_renew(struct watch *watch, const char *incarnation);
/* The instance is gone. */
void watch_forget(struct watch *watch, const char *incarnation);

#endif
