/* What the broker keeps: instances, binds, operations, tombstones. Their fields, their states, the moves that make
 * sense, their names on a backend and their encoding as records. No I/O. Every pointer is borrowed: from the bytes a
 * record was decoded from, or from whatever the maker says. NULL means absent. */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

#define INSTANCE_NAME_MIN   2   /* bytes; tsuru's own rule */
#define INSTANCE_NAME_MAX   200 /* bytes; tsuru itself has no limit */
#define APP_NAME_MAX        255 /* bytes of a bind's identity: an app's or job's name, or an old client's host */
#define INCARNATION_LENGTH  16  /* hex digits */
#define OPERATION_ID_LENGTH 20  /* hex digits, in order of time */
#define PARAMETERS_MAX      (64 * 1024) /* bytes of an instance's or bind's parameters as JSON */
#define SENT_MAX            (32 * 1024) /* bytes of a bind's own, where the instance's are added to them */
#define TAGS_MAX            100
#define ACTION_MAX          63          /* bytes of an action's name */
#define KEPT_MAX            (64 * 1024) /* bytes of what a driver keeps with a bind */
#define REPEAT_MAX          64          /* bytes of the id of a forwarded request */
#define ADDRESSES_MAX       (16 * 1024) /* bytes of a list of hosts or addresses as JSON */

/* ---- instances ---- */

enum instance_state {
	INSTANCE_CREATING = 1,   /* its create has not finished; nothing may be on the server yet */
	INSTANCE_READY,          /* usable; an update may be under way (wanted plan differs) */
	INSTANCE_FAILED,         /* its create failed for good; nothing is left on the server */
	INSTANCE_REMOVING,       /* its removal is accepted; the name is free for a new incarnation */
	INSTANCE_RETAINED,       /* removed for tsuru, locked away on its server until retained_until */
	INSTANCE_REMOVAL_FAILED, /* its removal failed for good or was canceled; it can be removed again or brought back
	                          */
	INSTANCE_STATE_LAST = INSTANCE_REMOVAL_FAILED,
};

/* What the removal of an instance promises of its content. */
enum removal {
	REMOVAL_RETIRE = 1, /* it is locked away, and dropped when `retain` has passed since */
	REMOVAL_DROP,       /* it is dropped */
};

struct instance {
	const char *incarnation; /* its key: random, given at create, never used again */
	const char *service, *name;
	const char *team, *user, *description;
	const char *plan;        /* what the server has; NULL before the first success */
	const char *wanted_plan; /* what was asked last */
	const char *parameters;  /* JSON object, what was asked last; NULL: none */
	const char *tags;        /* JSON list; NULL: none */
	const char *server;      /* name in the configuration; NULL: the driver has none */
	const char *cluster, *pool;
	const char *resource; /* its name on the server; chosen once */
	const char *event;    /* tsuru's event id of the create */
	const char *failure;  /* the last operation's final failure; NULL: none */
	const char *refusal;  /* of the last update, which was not accepted; NULL: it was */
	enum instance_state state;
	bool was_bound;                 /* ever */
	bool update_failed;             /* the last update failed for good: plan is not wanted_plan */
	int64_t created_at, updated_at; /* wall ms */
	int64_t retained_until; /* wall ms; while it is locked away on its server, also while it is purged or brought
	                           back */
	/* Settled when a removal is first accepted, and kept however often it fails, until the instance is brought
	 * back. 0: none was, or by an earlier program. */
	enum removal removal;
	int64_t retain; /* ms; under REMOVAL_RETIRE */
	/* It was there before the create of its event: adopted, brought back or taken over. tsuru's undoing of that
	 * create does not make its content worthless. */
	bool older;
	int64_t removed_at; /* wall ms; when that removal was first accepted; 0 as with removal */
	/* The ids of the forwarded requests that made it, or took it over last, and that removed it last; NULL: none
	 * did. See requests/repeat.h. */
	const char *made_by, *ended_by;
	int64_t failure_code; /* of a create that failed for good: its error's code, without the sign */
};

int instance_encode(const struct instance *instance, struct text *record, struct error *error);
/* ret_instance borrows from bytes. */
int instance_decode(const void *bytes, size_t length, struct instance *ret_instance, struct error *error);
/* Moves state, or ERR_INTERNAL for a move that makes no sense. The only writer of instance->state after creation. */
int instance_move(struct instance *instance, enum instance_state next, struct error *error);
/* To REMOVING, and says when that was first accepted; wall: now, in ms. */
int instance_move_to_removal(struct instance *instance, int64_t wall, struct error *error);
const char *instance_state_name(enum instance_state state);
/* tsuru's rule ^[A-Za-z][-a-zA-Z0-9_]+$, at most INSTANCE_NAME_MAX, not "plans"; the sentence says all of it. */
int instance_check_name(const char *name, struct error *error);

/* ---- binds ---- */

enum bind_kind {
	BIND_APP = 1,
	BIND_JOB,
};

enum bind_state {
	BIND_BINDING = 1, /* its bind has not finished */
	BIND_BOUND,       /* its credentials work */
	BIND_UNBINDING,   /* its unbind is accepted */
};

/* Where what is bound runs, and how it is reached, as tsuru says it with a bind. Of a job it says pool and cluster
 * alone. Lists are of texts, as JSON; NULL: none. */
struct whereabouts {
	const char *hosts, *internal_hosts;
	const char *pool, *pool_provisioner;
	const char *cluster, *cluster_provisioner;
	const char *cluster_addresses; /* a list */
};

struct bind {
	const char *incarnation;
	enum bind_kind kind;
	const char *name;            /* the app's, the job's, or an old client's host */
	const char *login;           /* the user's name on the server */
	const unsigned char *secret; /* the sealed password; context: bind_context */
	size_t secret_length;
	const unsigned char
	    *kept; /* the sealed text that the driver wants to see again; context: and "/kept". NULL: none */
	size_t kept_length;
	const char *parameters; /* JSON object or NULL: those in force, with what the instance had for it then */
	const char *sent;       /* those that it was asked for with; NULL: the same */
	const char *user;       /* who asked */
	struct whereabouts whereabouts;
	const char *event;        /* tsuru's event id of the bind */
	const char *unbind_event; /* of the unbind, once there is one */
	const char *made_by;      /* the id of the forwarded request that event is of; NULL: it was not forwarded */
	const char *operation;    /* the id of the operation that may settle its state */
	const char *failure;      /* of its last unbind or rotation, which failed for good; NULL: none did */
	enum bind_state state;
	/* For drivers whose servers choose the credentials: each new password and each unbind taken back is a new
	 * version of the bind, which may need a name of its own on the server. Those before oldest are gone. */
	int64_t oldest, version;
	int64_t created_at, updated_at;
	int64_t ended_at; /* when its unbind was first accepted; 0: none was since it was bound, or by an earlier
	                     program */
};

int bind_encode(const struct bind *bind, struct text *record, struct error *error);
int bind_decode(const void *bytes, size_t length, struct bind *ret_bind, struct error *error);
/* BINDING <-> BOUND <-> UNBINDING as the table in src/model/bind.c says; ERR_INTERNAL otherwise. */
int bind_move(struct bind *bind, enum bind_state next, struct error *error);
/* To UNBINDING, and says when that was first accepted; wall: now, in ms. */
int bind_move_to_end(struct bind *bind, int64_t wall, struct error *error);
/* The parameters that it was asked for with; NULL: none. */
const char *bind_sent(const struct bind *bind);
const char *bind_kind_name(enum bind_kind kind); /* "app", "job" */
const char *bind_state_name(enum bind_state state);
/* App and job names: ^[a-z][a-z0-9-]{0,39}$. */
int bind_check_name(enum bind_kind kind, const char *name, struct error *error);
/* Old clients: a host or host:port of 1 to APP_NAME_MAX bytes of [A-Za-z0-9.:_-] and brackets. */
int bind_check_host(const char *host, struct error *error);
bool whereabouts_same(const struct whereabouts *a, const struct whereabouts *b);
/* What a bind's secret is sealed with: the key of its record. */
void bind_context(const struct bind *bind, struct text *ret_context);
#define BIND_KEPT_CONTEXT "/kept" /* behind it: what a bind's kept text is sealed with */

/* ---- operations ---- */

enum operation_kind {
	OPERATION_CREATE = 1,
	OPERATION_UPDATE,
	OPERATION_REMOVE,
	OPERATION_BIND,
	OPERATION_UNBIND,
	OPERATION_ROTATE,     /* a new password for one bind */
	OPERATION_ALLOW_UNIT, /* tsuru before 1.18 */
	OPERATION_DENY_UNIT,
	OPERATION_RESTORE, /* an operator takes a removal back */
	OPERATION_ADOPT,   /* an operator makes something that exists on a server an instance */
	OPERATION_ACT,     /* an action that only the driver knows */
};

#define OPERATION_LAST OPERATION_ACT

enum operation_state {
	OPERATION_PENDING = 1, /* durable; waiting for its turn, running, or waiting to be tried again */
	OPERATION_CLEANING,    /* a create that failed for good is being wiped off the server */
	OPERATION_DONE,
	OPERATION_FAILED,   /* for good; error says why */
	OPERATION_CANCELED, /* something later made it pointless */
};

struct operation {
	const char *id; /* OPERATION_ID_LENGTH hex digits */
	const char *incarnation;
	enum operation_kind kind;
	enum operation_state state;
	enum bind_kind bind_kind; /* bind, unbind, rotate: whose; 0 otherwise */
	const char *bind_name;
	int64_t bind_version;                       /* bind: the one that it makes true; 0: an earlier program's */
	const char *unit;                           /* allow and deny unit: the host */
	const char *action, *parameters;            /* act: its name, and a JSON object or NULL */
	bool keep_owner;                            /* adopt: a login of its name stays its owner */
	const char *event, *user, *request, *trace; /* who asked: tsuru's event and user, request id, W3C trace id */
	const char *repeat; /* the id of the forwarded request that it was accepted for; NULL: it was not forwarded */
	const char *error;  /* the last attempt's, when it failed */
	int64_t error_code; /* of a final failure: its code, without the sign; 0: an earlier program's */
	bool renew;         /* bind, rotate: earlier credentials must stop working */
	bool mends;         /* bind, update: the drift pass's, of what is there; a failure leaves the bind as it is */
	bool given_up;      /* an operator canceled it: it fails for good with its next turn */
	bool told;          /* cleaning: whoever waited has been told of the failure, so no record needs to stay */
	int64_t attempts;
	int64_t retain;                  /* remove: ms that the content is kept locked away; 0: it is dropped */
	int64_t created_at, finished_at; /* wall ms; 0: not yet */
};

int operation_encode(const struct operation *operation, struct text *record, struct error *error);
int operation_decode(const void *bytes, size_t length, struct operation *ret_operation, struct error *error);
int operation_move(struct operation *operation, enum operation_state next, struct error *error);
const char *operation_kind_name(enum operation_kind kind); /* "create", "update", ... */
const char *operation_state_name(enum operation_state state);
bool operation_finished(enum operation_state state);
/* The id for the wall time and a sequence number: sorts by time, then sequence. ret_id holds OPERATION_ID_LENGTH + 1.
 */
void operation_id(int64_t wall_ms, uint32_t sequence, char *ret_id);
/* The wall time that an id was made for. */
int64_t operation_id_time(const char *id);

/* ---- tombstones ---- */

/* What is remembered of a removed instance (key: service and name) so that a repeated DELETE is answered 200, and a
 * forwarded request that comes again as it was. */
struct tombstone {
	const char *incarnation;
	int64_t removed_at;             /* wall ms */
	const char *made_by, *ended_by; /* as of the instance */
	const char *failure; /* of the create that made_by asked for; NULL: it did not fail, or was not forwarded */
	int64_t failure_code;
};

int tombstone_encode(const struct tombstone *tombstone, struct text *record, struct error *error);
int tombstone_decode(const void *bytes, size_t length, struct tombstone *ret_tombstone, struct error *error);

/* ---- the audit ---- */

/* Who did what to what, with which outcome (key: an operation_id). */
struct audit {
	const char *action;                 /* an operation's kind, or what an operator did: "drain" */
	const char *outcome;                /* "done", "failed", "canceled" */
	const char *user, *event, *request; /* who asked */
	const char *service, *instance, *incarnation, *bind;
	const char *text;     /* the error, or an operator's reason */
	int64_t at, asked_at; /* wall ms; asked_at 0: the same */
};

int audit_encode(const struct audit *audit, struct text *record, struct error *error);
int audit_decode(const void *bytes, size_t length, struct audit *ret_audit, struct error *error);

/* ---- keys in the store: text parts joined by NUL, so that a prefix scan is exact ---- */

void key_name(struct text *ret_key, const char *service, const char *name);
void key_bind(struct text *ret_key, const char *incarnation, enum bind_kind kind, const char *name);
void key_operation(struct text *ret_key, const char *incarnation, const char *id);
/* By the time first: a scan finds what ends earliest. */
void key_retained(struct text *ret_key, int64_t until, const char *incarnation);
#define KEY_RETAINED_TIME 12 /* hex digits of it */
/* The prefix of all binds or operations of an incarnation. */
void key_incarnation_prefix(struct text *ret_key, const char *incarnation);
#define KEY_DRIVER "driver/" /* and a service's name: which driver made its instances (among the small settings) */

/* ---- names on a backend ---- */

/* What a driver's servers take for a name. */
struct name_rule {
	size_t max;                  /* bytes, 24 to BACKEND_NAME_MAX */
	const char *const *reserved; /* beginnings of names that they keep to themselves; ends with NULL. NULL: none */
};

/* <slug of the instance, cut>_<10 hex of a hash over service, instance, incarnation>; "tsuru_" stands before one that
 * would begin as the rule reserves it. */
void name_instance(char *ret_name, const struct name_rule *rule, const char *service, const char *instance,
                   const char *incarnation);
/* <slug of the app, cut>_<10 hex over the same and the bind's kind and name>, likewise. */
void name_login(char *ret_name, const struct name_rule *rule, const char *service, const char *instance,
                const char *incarnation, enum bind_kind kind, const char *bind);

/* Both absent or both equal. */
bool same_text(const char *a, const char *b);
/* A known event id, and the same one. */
bool same_event(const char *a, const char *b);

/* Whether a name has the form of those two. */
bool name_is_ours(const char *name);
/* The same for servers that look themselves: as a regular expression, "$" behind it, it fits where name_is_ours does.
 */
#define NAME_END "._[0-9a-f]{10}"

#define BACKEND_NAME_MAX 64 /* the longest max above */

#endif
