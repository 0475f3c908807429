/* Checks that several decisions share. */
#ifndef REQUESTS_ACCEPT_H
#define REQUESTS_ACCEPT_H

#include "requests/intent.h"

/* The instance is neither being removed (ERR_NOT_FOUND) nor one whose create or removal failed for good (ERR_REFUSED).
 */
int accept_living(const struct instance *instance, struct error *error);
/* The instance has room for another operation that has to wait (limits.pending); ERR_BUSY. */
int accept_work(const struct intent *intent, const struct instance *instance, struct error *error);
/* The plan that the request names; fallback when it names none (NULL: the service's first). */
int accept_plan(const struct intent *intent, const char *fallback, const struct plan **ret_plan, struct error *error);
/* The request's parameters fit the plan. */
int accept_parameters(const struct intent *intent, const struct plan *plan, bool is_bind, struct error *error);
/* A place for the instance on the host. */
int accept_placed(struct intent *intent, const struct instance *instance, const struct host *host,
                  enum intent_next *ret_next, struct error *error);
/* A place for it within the limits of its team and its wanted plan; what before (NULL: nothing) has already is its own.
 */
int accept_owned(struct intent *intent, const struct instance *before, const struct instance *instance,
                 enum intent_next *ret_next, struct error *error);
/* The instance parameter that every driver has: the removal is refused as long as it is set. */
#define ACCEPT_PROTECTION "deletion_protection"

/* ERR_FORBIDDEN, with the way out, for an instance that is protected; not when the caller's event made it, for then
 * tsuru takes its own create back. */
int accept_removal(const struct intent *intent, const struct instance *instance, struct error *error);

#endif
