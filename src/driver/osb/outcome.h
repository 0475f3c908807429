/* What an answer of the upstream means: one table for the statuses of requests, one reading for last_operation.
 * Source: Open Service Broker API 2.17, the answers of each request and "Orphan Mitigation". */
#ifndef DRIVER_OSB_OUTCOME_H
#define DRIVER_OSB_OUTCOME_H

#include <stdbool.h>

#include "base/error.h"

struct cJSON;

#define OPERATION_MAX 10000 /* bytes of the upstream's name for an operation */

enum osb_verb {
	VERB_FETCH,  /* GET: the catalog, an instance, a binding */
	VERB_MAKE,   /* PUT: an instance or a binding; what fails may leave an orphan */
	VERB_CHANGE, /* PATCH: an instance */
	VERB_REMOVE, /* DELETE: an instance or a binding; what is gone is success */
};

const char *verb_method(enum osb_verb verb); /* "PUT" */

enum outcome_kind {
	OUTCOME_DONE,     /* answer holds what it gave */
	OUTCOME_ACCEPTED, /* last_operation says when it is done; operation names it */
	OUTCOME_FAILED,   /* error says why */
};

struct outcome {
	enum outcome_kind kind;
	struct cJSON *answer;  /* owned; NULL when there is none */
	const char *operation; /* in answer; NULL: it gave none */
	bool orphan;           /* failed, and what was asked for may exist */
	struct error error;    /* a part of a sentence: "it answered 500: out of disks" */
};

/* body may be any bytes without a NUL. */
void outcome_read(enum osb_verb verb, int status, const char *body, struct outcome *ret_outcome);
/* The same for an answer of last_operation: OUTCOME_ACCEPTED means that it goes on, which an answer that makes no sense
 * means, too. */
void outcome_read_progress(enum osb_verb verb, int status, const char *body, struct outcome *ret_outcome);
void outcome_release(struct outcome *outcome);
/* Frees an answer and wipes its texts: those about bindings hold passwords. Accepts NULL. */
void outcome_wipe(struct cJSON *answer);

#endif
