/* The work of one call: its steps, and the one request that is under way. A step asks by osb_ask and goes on in the
 * function it gave; asking includes the polling of last_operation. Any failure ends the call, but for 404 where the
 * asker wants to know. */
#ifndef DRIVER_OSB_WORK_H
#define DRIVER_OSB_WORK_H

#include <stdbool.h>

#include "base/text.h"
#include "osb.h"
#include "request.h"

struct osb_work;

/* answer is NULL after polling and for 404; borrowed. */
typedef void osb_done(struct osb_work *work, const struct cJSON *answer);

struct osb_work {
	struct driver_call *call;
	struct upstream *upstream;
	struct client_exchange *exchange;
	struct timer pause;
	struct osb_catalog *catalog; /* held: the offers borrow from it */
	struct offer offer;          /* of the plan that the instance has or gets */
	struct offer previous;       /* update: of the one it has */
	int64_t patience;            /* monotonic ms: it waits for no operation beyond that */
	char instance_id[ID_SIZE];

	/* the request under way */
	struct text path; /* of the object, without a query */
	struct text url;  /* with one */
	struct text body, identity;
	enum osb_verb verb;
	char id[ID_SIZE];           /* of the object; "" for the catalog */
	bool polling;               /* it is last_operation that is asked */
	int status;                 /* of the answer to what was asked last, polling aside */
	bool finds;                 /* 404 is an answer */
	bool remade;                /* a binding whose credentials nobody knows was removed, and is made once more */
	const struct offer *polled; /* whose plan last_operation is asked with */
	osb_done *on_done;

	/* where a walk through bindings is */
	size_t bind_index;
	int64_t version;
};

/* What the core begins and ends a work with. */
int osb_begin(void *arg, struct error *error);
void osb_end(void *arg, bool given_up);

/* Chooses what the next request is about: the instance (bind NULL) or a version of a bind. */
void osb_choose(struct osb_work *work, const struct bind *bind, int64_t version);
/* Sends a request about it, with work->body. Polls when the upstream says so, or when an earlier attempt's operation
 * still goes on. */
void osb_ask(struct osb_work *work, enum osb_verb verb, osb_done *on_done);
/* An osb_done that goes on with the next step. */
void osb_go_on(struct osb_work *work, const struct cJSON *answer);
/* A GET that takes 404 for an answer. */
void osb_find(struct osb_work *work, osb_done *on_done);
/* Whether what was chosen may be there by a request that failed. */
bool osb_is_orphan(const struct osb_work *work);
/* For catalogs: sends work->url by the method. Otherwise osb_ask does it. */
void osb_send(struct osb_work *work, const char *method, client_done *on_answered);

#endif
