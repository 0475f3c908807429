/* What the broker shows and does for operators: lists over everything it keeps, at once and in bounded parts, and the
 * few things that are no operation of an instance. The requests that are stand in broker/broker.h. */
#ifndef BROKER_OPERATOR_H
#define BROKER_OPERATOR_H

#include "broker/broker.h"

#define LIST_LIMIT_MAX 1000 /* items of one page */
#define LIST_SCAN_MAX  5000 /* records looked at for one page, so that the loop goes on turning */

/* What a list is to hold; NULL: any. */
struct list_filter {
	const char *service, *name, *team, *state, *server;
	const char *after; /* where the page before ended: its "next"; NULL: from the beginning */
	size_t limit;      /* 1 to LIST_LIMIT_MAX */
};

/* Each appends one JSON object. A page is {"NAME": [...], "next": "..."}; without "next" it is the last one. A page
 * with few or no items and a "next" is not the end. */
int broker_list_services(struct broker *broker, struct text *ret_json, struct error *error);
int broker_list_instances(struct broker *broker, const struct list_filter *filter, struct text *ret_json,
                          struct error *error);
/* state: "pending" (what has not finished, oldest first), "failed", "done", "canceled", or NULL for all in the history.
 */
int broker_list_all_operations(struct broker *broker, const struct list_filter *filter, struct text *ret_json,
                               struct error *error);
/* The audit, the newest first; name is the instance's, state the outcome. */
int broker_list_audit(struct broker *broker, const struct list_filter *filter, struct text *ret_json,
                      struct error *error);
/* One instance with its binds and its history; ERR_NOT_FOUND. */
int broker_show_instance(struct broker *broker, const char *incarnation, struct text *ret_json, struct error *error);
/* Every server: [{"service","server","state","reason","warning"}...]. */
void broker_list_servers(struct broker *broker, struct text *ret_json);

/* Logins that should be dead and may live: their unbind or the removal of their instance was accepted and has not
 * ended, or failed for good. */
size_t broker_count_lingering(struct broker *broker);

/* The service of the instance, for requests; NULL in *ret_service when the configuration has it no more. */
int broker_find_service(struct broker *broker, const char *incarnation, const struct service **ret_service,
                        struct error *error);
/* The operation is tried no more: it fails for good, or, when an attempt is under way and succeeds, it is done.
 * ERR_NOT_FOUND when it is not pending, ERR_INVALID when it cannot be given up. */
int broker_cancel(struct broker *broker, const struct caller *caller, const char *operation, struct error *error);
/* Tries it now. ERR_NOT_FOUND when it is not pending. */
int broker_hurry(struct broker *broker, const char *operation, struct error *error);
/* A drained server takes no new instances. ERR_NOT_FOUND. It is in force at once and durable soon. */
int broker_drain(struct broker *broker, const struct caller *caller, const char *service, const char *server,
                 bool drained, struct error *error);
/* The server belongs to this store from now on, whatever its mark says: the mark is written anew by a check that begins
 * at once. One that cannot be reached within a minute is not claimed any more. ERR_NOT_FOUND, ERR_INVALID when its
 * driver has no marks. */
int broker_claim(struct broker *broker, const struct caller *caller, const char *service, const char *server,
                 struct error *error);
/* The service of that name in the present configuration, for requests; NULL: none. */
const struct service *broker_service(struct broker *broker, const char *name);

/* ---- drift: what servers have, beside what the records say ---- */

/* json: {"id", "drift": [{"kind","found"}...]}; with a code, text says why the server could not be asked. Borrowed. */
typedef void broker_verified(void *arg, int code, const char *text, const char *json);
/* Looks at one instance now; what can be mended is. Fires on_done once, from the loop, unless an error is returned. */
int broker_verify(struct broker *broker, const char *incarnation, broker_verified *on_done, void *arg,
                  struct error *error);
/* Begins the pass over everything now, if it rests. */
int broker_verify_all(struct broker *broker, struct error *error);
/* What was found: the pass's state, instances, and what servers have that nobody knows of. */
int broker_list_drift(struct broker *broker, struct text *ret_json, struct error *error);

/* ---- the master key ---- */

/* Seals every secret with the first key of the keyring, in the background. Then the other keys can go. */
void broker_rekey(struct broker *broker);
int broker_show_rekey(struct broker *broker, struct text *ret_json, struct error *error);

/* Writes an entry of what an operator did to the whole broker into the audit. */
void broker_note(struct broker *broker, const struct caller *caller, const char *action, const char *outcome,
                 const char *text);

#endif
