/* One request on its way: decided against the store, committed, and, when it asks for an operation, waiting for it. */
#ifndef REQUESTS_INTENT_H
#define REQUESTS_INTENT_H

#include "base/arena.h"
#include "records/reserve.h"
#include "requests/copies.h"
#include "requests/requests.h"

/* What a decision comes to. */
enum intent_next {
	INTENT_ANSWER,       /* reply success at once; nothing is written */
	INTENT_REFUSE,       /* reply the error, which is in the intent; nothing is written */
	INTENT_COMMIT,       /* commit the changes, then wait for the last new operation, or reply when there is none */
	INTENT_COMMIT_AGAIN, /* commit the changes, then decide again */
	INTENT_NOTE_REFUSAL, /* the same as INTENT_REFUSE, once the changes, without a new operation, are committed */
	INTENT_JOIN,         /* wait for intent->join; nothing is written */
	INTENT_AGAIN,        /* the store is ahead of the loop: decide again in a moment */
};

struct intent;

/* A kind of request: how it is decided, and what its answer waits for. */
struct asked {
	/* Reads, checks, and fills the intent's changes, or its error; called again when the records changed meanwhile.
	 */
	enum intent_next (*decide)(struct intent *intent);
	unsigned flags;
};
#define INTENT_NO_WAIT      1u /* reply as soon as the work is durable */
#define INTENT_NEEDS_ANSWER 2u /* a bind: only the end of the operation can answer it */

struct intent {
	TAILQ_ENTRY(intent) in_requests;
	struct waiter waiter; /* while it waits for join */
	struct requests *requests;
	const struct asked *what;
	const struct broker_request *request; /* borrowed until the reply */
	struct offering *offering; /* of the present generation when it began; NULL: its service is not configured */
	broker_done *on_done;
	void *arg;
	struct arena arena;     /* emptied before each decision */
	struct changes changes; /* of the decision under way */
	bool again;             /* what is committed is not all: decide again */
	int rounds;
	struct copy copy;                   /* of a forwarded request */
	const struct operation *repeated;   /* while it decides: done, what it was accepted for before; NULL: none */
	struct taken *taken;                /* places, until the commit's outcome is known */
	struct job_list jobs;               /* new, not yet in their lanes */
	struct job *join;                   /* what it waits, or will wait, for */
	int64_t wait_until;                 /* monotonic ms: no longer than that */
	const struct operation *ended;      /* in the arena: what the commit begins and ends; NULL: nothing */
	const struct instance *ended_about; /* in the arena, too */
	int64_t ended_since;                /* monotonic ms */
	struct timer timer;
	struct error error;
};

/* What decisions use returns 0, or an error, which intent->error then is. */

/* A new operation on the instance, added to the intent and its changes. ret_id, when not NULL, is its
 * id, in the intent's arena. model says kind, bind, unit, renew. */
int intent_add_operation(struct intent *intent, const struct instance *instance, const struct operation *model,
                         const char **ret_id);
/* An operation that needs nothing from a server, so that its end is durable with its beginning. instance
 * is as it will be put. */
int intent_add_ended(struct intent *intent, const struct instance *instance, enum operation_kind kind);
/* Wait for the operation of this id, or the newest one of kind (id NULL); INTENT_AGAIN when its job has
 * not come yet. */
enum intent_next intent_join(struct intent *intent, const char *incarnation, const char *id, enum operation_kind kind);

/* find.c */
/* The request's instance; ERR_NOT_FOUND with a sentence. */
int intent_find_instance(struct intent *intent, struct held_instance *ret_instance);
/* The request's bind of it, in BINDS or UNBOUND; ERR_NOT_FOUND without one. */
int intent_find_bind(struct intent *intent, enum keyspace keyspace, const char *incarnation,
                     struct held_bind *ret_bind);

#endif
