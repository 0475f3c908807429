/* tsuru's own list of instances with the apps and jobs that are bound to them: `GET /1.0/services/instances`, read as
 * it arrives. What is kept are the names of the services that the configuration has; other brokers' are passed over.
 * Anything that tsuru would not have sent makes the whole of it worthless: who compares with it ends logins. */
#ifndef TSURU_LISTING_H
#define TSURU_LISTING_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#define HASH_NONFATAL_OOM 1 /* an element that finds no memory is not added, and its table pointer stays NULL */
#include <uthash.h>

#define LISTING_MAX       ((size_t)500000)           /* names that are kept; 160 bytes each */
#define LISTING_BYTES_MAX ((size_t)64 * 1024 * 1024) /* of those names */

enum listed_kind {
	LISTED_SERVICE = 's',
	LISTED_INSTANCE = 'i',
	LISTED_APP = 'a',
	LISTED_JOB = 'j',
};

struct listed {
	UT_hash_handle hh; /* in the order in which they came: an instance, then what is bound to it */
	enum listed_kind kind;
	const char *service, *instance, *name; /* "" where the kind has none */
	bool tells_jobs;                       /* of an instance: which jobs are bound to it is said */
	bool known;                            /* for who compares: there is a record of it */
	bool compared;                         /* likewise, of an instance: so were its binds */
};

struct listing;

/* config is held until listing_free. NULL: memory is out. */
struct listing *listing_new(struct config *config);
/* Reads on; false: nothing of it is of use. */
bool listing_read(struct listing *listing, const char *bytes, size_t length);
/* All came: 0, or ERR_ANSWER (ERR_NO_MEMORY) with a sentence that says what is odd about it. */
int listing_end(struct listing *listing, struct error *error);
/* NULL: tsuru has none. */
struct listed *listing_find(const struct listing *listing, enum listed_kind kind, const char *service,
                            const char *instance, const char *name);
/* The first of all; hh.next leads on. */
struct listed *listing_first(const struct listing *listing);
/* Accepts NULL. */
void listing_free(struct listing *listing);

#endif
