/* What operators do that is no operation of an instance. */
#ifndef REQUESTS_OPERATOR_H
#define REQUESTS_OPERATOR_H

#include "requests/requests.h"

/* The service of that name in the present configuration, for requests; NULL: none. */
const struct service *operator_service(struct requests *requests, const char *name);
/* The service of the instance, likewise; NULL in *ret_service when the configuration has it no more. */
int operator_find_service(struct requests *requests, const char *incarnation, const struct service **ret_service,
                          struct error *error);
/* What was done is in the audit, and durable: code 0. Otherwise it is not known whether it will be, and may be
 * repeated; text is a sentence, borrowed. Fires once, from the loop, never inside the function that it was given to. */
typedef void operator_done(void *arg, int code, const char *text);

/* The operation is tried no more: it fails for good, or, when an attempt is under way and succeeds, it is done.
 * 0: on_done will fire. ERR_NOT_FOUND when it is not pending, ERR_INVALID when it cannot be given up, ERR_UNAVAILABLE
 * while too many wait for the store, ERR_NO_MEMORY. */
int operator_cancel(struct requests *requests, const struct caller *caller, const char *operation,
                    operator_done *on_done, void *arg, struct error *error);
/* Tries it now. ERR_NOT_FOUND when it is not pending. */
int operator_hurry(struct requests *requests, const char *operation, struct error *error);
/* A drained server takes no new instances. 0: it is in force, and on_done will fire. ERR_NOT_FOUND, ERR_UNAVAILABLE,
 * ERR_NO_MEMORY, likewise: it will not. */
int operator_drain(struct requests *requests, const struct caller *caller, const char *service, const char *server,
                   bool drained, operator_done *on_done, void *arg, struct error *error);
/* The server belongs to this store from now on, whatever its mark says: the mark is written anew by a check that begins
 * at once. One that cannot be reached within a minute is not claimed any more. ERR_NOT_FOUND, ERR_INVALID when its
 * driver has no marks. */
int operator_claim(struct requests *requests, const struct caller *caller, const char *service, const char *server,
                   struct error *error);
/* Writes an entry of what an operator did to the whole broker into the audit. */
void operator_note(struct requests *requests, const struct caller *caller, const char *action, const char *outcome,
                   const char *text);

#endif
