/* What is asked of the broker, and by whom. */
#ifndef REQUESTS_REQUEST_H
#define REQUESTS_REQUEST_H

#include "model/model.h"
#include "queue/reply.h"

/* Who asks. Every text is borrowed until the reply; NULL means absent. */
struct caller {
	const char *user, *event, *request, *trace;
	/* Where brokers share a store: the request's own id, 1 to REPEAT_MAX bytes, under which one passes it on to
	 * another. One that is asked again under the same id joins what was accepted (src/requests/repeat.h). NULL:
	 * nobody else could ask it again. */
	const char *repeat;
};

/* One thing that is asked. What a verb does not use is ignored. Borrowed until the reply. */
struct broker_request {
	const struct service *service;
	struct caller caller;
	const char *instance;
	const char *incarnation;               /* operators: the instance by its id instead of service and name */
	const char *server, *resource;         /* adopt: where it is, under which name */
	bool even_protected;                   /* end_instance: also one that deletion_protection keeps */
	bool keep_owner;                       /* adopt: a login of its name stays its owner */
	const char *team, *plan, *description; /* create, update */
	const char *tags;                      /* JSON list or NULL */
	const char *parameters;                /* JSON object or NULL: the instance's or the bind's */
	const char *cluster, *pool;            /* multi-cluster services */
	enum bind_kind bind_kind;              /* bind, unbind, rotate (0: all of the instance's) */
	const char *bind_name;
	struct whereabouts whereabouts; /* bind */
	bool bind_by_host;              /* bind_name is an old client's app-host */
	int64_t bind_updated;           /* end_bind: the bind's updated_at when it was looked at; 0: whatever it is */
	const char *unit;               /* unit hosts of old clients */
	const char *action;             /* act */
};

/* Fires once, from the loop, never inside the call that asked. reply is borrowed for the call. */
typedef void broker_done(void *arg, const struct broker_reply *reply);

#endif
