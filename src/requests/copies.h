/* Copies of one forwarded request that are here at once: while one is being committed, the others wait for the outcome,
 * which they then find in the store. Neighbour: repeat.h. */
#ifndef REQUESTS_COPIES_H
#define REQUESTS_COPIES_H

#include <stdbool.h>

#include "requests/requests.h"

struct copy {
	TAILQ_ENTRY(copy) entry;
	struct copy_list *list;              /* of struct requests: that it stands in; NULL: in none */
	const char *id;                      /* borrowed; NULL: it was not forwarded, and has no copies */
	void (*on_known)(struct copy *copy); /* it waits no longer */
};

/* Whether another one is being committed: this one waits then. */
bool copies_wait(struct requests *requests, struct copy *copy);
/* This one is being committed from now on. */
void copies_enter(struct requests *requests, struct copy *copy);
/* It waits no longer, or its outcome is known, so that those who waited for it go on. Harmless in neither case. */
void copies_leave(struct requests *requests, struct copy *copy);

#endif
