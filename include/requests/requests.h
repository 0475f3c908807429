/* Requests: each is decided against the store, made durable, and answered once. */
#ifndef REQUESTS_REQUESTS_H
#define REQUESTS_REQUESTS_H

#include "life/life.h"
#include "requests/request.h"
#include "watch/watch.h"

TAILQ_HEAD(intent_list, intent);
TAILQ_HEAD(copy_list, copy);
TAILQ_HEAD(noted_list, noted);

/* All but the lists is borrowed, and set before the first request comes. */
struct requests {
	struct catalog *catalog;
	struct queue *queue;
	struct watch *watch;
	struct life *life;
	struct intent_list intents; /* all that have not replied */
	struct noted_list noted;    /* what operators did that is being committed */
	size_t noted_count;         /* of these, those that somebody waits for */
	/* Of forwarded ones: those that are being committed, and others with the id of one of them. */
	struct copy_list committing, copies;
};

/* What can be asked. */
struct asked;
extern const struct asked ask_create, ask_update, ask_remove, ask_bind, ask_unbind, ask_allow_unit, ask_deny_unit;
/* New passwords; answers as soon as the work is durable. */
extern const struct asked ask_rotate;
/* An action that the instance's driver offers; answers as soon as it is durable. */
extern const struct asked ask_act;
/* Runs what waits to be tried again now, and takes up a failed create or update anew; answers once that is durable. */
extern const struct asked ask_retry;

/* By operators; the instance is given by its incarnation. Drops a retained one now. */
extern const struct asked ask_purge;
/* Brings a retained one back with its content and logins, under its name or, when given, under instance. */
extern const struct asked ask_restore;
/* Removes the instance as a removal by tsuru does: it is retained where its plan says so, and every bind is ended. What
 * deletion_protection keeps is refused by ERR_FORBIDDEN, unless the request says even_protected, which the audit tells.
 * A removal under way is joined. ERR_INVALID: it is retained already. */
extern const struct asked ask_end_instance;
/* Ends one bind for good, as an unbind by tsuru does, but nobody takes it back: a bind of the same app or job gets
 * other credentials. The request says service (never NULL), incarnation, bind_kind, bind_name and the caller, who
 * stands in the audit as the one who unbound; request and texts are borrowed until the reply. The reply has code 0 once
 * the login is dead, and `pending` after the service's wait, or 2 s where its server is known to be down: then it is
 * durable and goes on by itself. One that is being unbound already is joined, one whose unbind failed is ended anew.
 *
 * ERR_NOT_FOUND: there is no such instance, or nothing is bound to it under that kind and name. ERR_INVALID: it is
 * retained, where no login works. ERR_STALE: bind_updated is given and the bind changed since: somebody asked for it
 * again meanwhile. In all of them nothing was done. */
extern const struct asked ask_end_bind;
/* Makes resource, which exists on server, an instance of the team with the plan. */
extern const struct asked ask_adopt;
/* Drops every record of the instance and leaves its server alone. service may be NULL. */
extern const struct asked ask_forget;

/* By the upkeep. */
/* Brings the instance, or the one bind that the request names, to what its record says; nothing when something else is
 * under way for it. */
extern const struct asked ask_mend;
/* Asks again for the end of every login of the instance whose unbind failed for good; nothing when something is under
 * way for it. */
extern const struct asked ask_end_logins;

/* Decides before this returns; on_done never fires in it (but when memory is out). */
void requests_ask(struct requests *requests, const struct asked *what, const struct broker_request *request,
                  broker_done *on_done, void *arg);
/* Replies ERR_UNAVAILABLE to all: what they wait for is in other hands now. */
void requests_give_up_all(struct requests *requests);
/* At the end: drops all in silence. */
void requests_drop_all(struct requests *requests);

#endif
