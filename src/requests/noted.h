/* What operators do that is no operation of an instance: committed with its entry of the audit, and told once that is
 * durable. */
#ifndef REQUESTS_NOTED_H
#define REQUESTS_NOTED_H

#include "requests/operator.h"

/* As many may be waited for at once; their clients may have gone meanwhile, and come again. */
#define NOTED_MAX 1000

/* ERR_UNAVAILABLE: as many are. */
int noted_find_room(const struct requests *requests, struct error *error);
/* How it ends. */
struct noted_told {
	operator_done *on_done; /* NULL: nobody waits */
	void *arg;
	const struct host *host; /* whose `drained` is what is written from then on, in the configuration that there is;
	                          * NULL: none's */
};

/* Commits the changes with the entry, whose action, outcome and what it is about are filled in. 0: on_done
 * will fire. ERR_NO_MEMORY: it will not. */
int noted_commit(struct requests *requests, struct changes *changes, const struct caller *caller, struct audit *audit,
                 const struct noted_told *told, struct error *error);
/* Once the store has given back all that it had: tells all how it ended. */
void noted_tell_all(struct requests *requests);
/* Likewise, in silence. */
void noted_drop_all(struct requests *requests);

#endif
