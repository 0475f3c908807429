/* Checks that several decisions share. Each returns 0, or a code whose sentence is in intent->error. */
#ifndef REQUESTS_ACCEPT_H
#define REQUESTS_ACCEPT_H

#include "requests/intent.h"

struct cJSON;

/* The instance is neither being removed (ERR_CANCELED: not gone yet, and it may stay) nor one whose create or removal
 * failed for good (ERR_REFUSED). */
int accept_living(struct intent *intent, const struct instance *instance);
/* The instance has room for another operation that has to wait (limits.pending); ERR_BUSY. */
int accept_work(struct intent *intent, const struct instance *instance);
/* The plan that the request names; fallback when it names none (NULL: the service's first). */
int accept_plan(struct intent *intent, const char *fallback, const struct plan **ret_plan);
/* The request's parameters fit the plan; those of an instance also in what they say for its binds. */
int accept_parameters(struct intent *intent, const struct plan *plan, bool is_bind);
/* Gives the bind, whose kind and name are set, the parameters that it was asked for with (NULL: none), and what those
 * of the instance say for it. */
int accept_bind_parameters(struct intent *intent, const struct cJSON *instance, const char *sent, struct bind *bind);
/* A place for the instance on the host: INTENT_COMMIT when it is taken, until the commit's outcome is known. */
enum intent_next accept_placed(struct intent *intent, const struct instance *instance, const struct host *host);
/* Likewise its places within the limits of its team and its wanted plan; what before (NULL: nothing) has already is its
 * own. */
enum intent_next accept_owned(struct intent *intent, const struct instance *before, const struct instance *instance);
/* ERR_FORBIDDEN, with the way out, for an instance that is protected; not when the caller's event made it, for then
 * tsuru takes its own create back. */
int accept_removal(struct intent *intent, const struct instance *instance);

#endif
