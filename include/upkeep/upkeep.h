/* What is done without being asked: what has its time goes, servers are compared with the records, secrets are sealed
 * anew. */
#ifndef UPKEEP_UPKEEP_H
#define UPKEEP_UPKEEP_H

#include "requests/requests.h"

struct drift;
struct finding;
struct reconcile;

TAILQ_HEAD(errand_list, errand);
TAILQ_HEAD(inspection_list, inspection);

/* See rekey.h. */
struct rekey {
	bool running;
	bool unbound;       /* the second keyspace of the pass */
	bool again;         /* another pass has to follow */
	int64_t began_wall; /* ms since 1970; 0: not since this broker is the active one */
	size_t sealed, failed;
	char position[STORE_KEY_MAX];
	size_t position_length;
	struct timer timer;
};

/* Those up to requests are borrowed, and set before it is opened. */
struct upkeep {
	struct catalog *catalog;
	struct queue *queue;
	struct life *life;
	struct requests *requests;
	struct errand_list errands; /* requests of the broker itself */
	struct inspection_list inspections;
	size_t inspecting;           /* of them */
	struct finding *findings;    /* table by incarnation, the first found first */
	size_t differing;            /* instances that were found to differ since the last pass began */
	struct drift *drift;         /* NULL: memory was out */
	struct reconcile *reconcile; /* NULL: memory was out */
	struct rekey rekey;
	struct timer retention;
	struct timer sweep;
	size_t chore; /* of the sweep: which is next */
	char *swept;  /* where it goes on; NULL: from the beginning */
	size_t swept_length;
};

#endif
