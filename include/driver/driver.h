/* The contract of a driver: what turns one kind of server into a service. A driver says what its servers are and
 * which steps a call of each kind takes; src/driver/core.c opens and closes the servers and runs the steps, call.c
 * keeps the deadline and tells the outcome.
 *
 * The rules for the steps of every kind of call:
 *  - "Ensure": it may be called again after a crash, a time-out or a lost answer, with the same arguments, and must
 *    then reach the same state. What is already so is success.
 *  - A step may not block. It ends once, by call_next or one of its neighbours, inside its own run or later: the
 *    completion never runs inside call_start either way.
 *  - All that call points to is borrowed until it is settled or cancelled.
 *  - The deadline is kept for the driver: when it passes, `end` is called and the call settles with ERR_TIMEOUT.
 *    It is the service's `attempt_timeout` (60 s, from 1 s to 1 h) for what an operation asks; 4 s for check, read_mark
 *    and write_mark, 10 s for observe, 20 s for inspect, 60 s for list. What is asked of a server ends there by itself
 *    when it has passed (call_left).
 *  - A settled code that may pass (error_may_pass) is tried again later; any other is final. Use ERR_REFUSED for the
 *    server's own final "no", ERR_INVALID for a value that the user gave, ERR_UNAVAILABLE for what may pass.
 *  - What a tenant may hold for as long as it likes (a lock, a transaction) is waited for a second at most, and the
 *    call settles with ERR_LOCKED: it comes again, and meanwhile holds neither a place nor a connection.
 *  - Work that would block, or compute for longer than a few milliseconds, does not belong on the loop: what a
 *    server makes a library compute in a login goes to driver/login.h, what only knows how to wait into a fiber or
 *    a program of its own (docs/new-driver.md). A hash that is computed here takes turns of the loop with those of
 *    other calls; files of unknown size are not read, and nothing is synced.
 *
 * What may overlap. Operations of one instance never do: they come one after another. Those of different instances
 * do, up to the server's `parallel`. Beside all of them, and beside each other, may run: observe and inspect of any
 * instance, also while an operation of the same one is under way; check, list, read_mark and write_mark of any
 * server. At a reload a second state of the same service is opened while calls of the first go on, on the same
 * servers: the two share nothing but what is on the server, and the first is closed when its last call has ended.
 * Another broker may have been at the same server until a moment ago; what it left under way may still end.
 */
#ifndef DRIVER_DRIVER_H
#define DRIVER_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/timer.h"
#include "config/key.h"
#include "driver/steps.h"
#include "model/model.h"
#include "model/service.h"

struct backend;
struct cJSON;
struct event_base;
struct logins;
struct resolver;
struct driver_call;

/* What the program lends to drivers, for their whole life. */
struct driver_context {
	struct event_base *base;
	struct timers *timers;
	struct resolver *resolver;
	struct logins *logins; /* NULL: no session is opened */
	const char *store;     /* the id of the broker's store, in hex; it is there once calls are. NULL: not known */
	const char *seal;      /* a secret of the store, as a call's; likewise */
	/* Whether a call may begin now; NULL: at any time. One that may not ends with ERR_UNAVAILABLE. */
	bool (*may_call)(void *arg);
	void *arg; /* for it */
};

bool driver_may_call(const struct driver_context *context);

enum call_kind {
	/* Makes the instance exist with call->plan. */
	CALL_PROVISION = 1,
	/* Brings the living instance, and those of its binds in call->binds, to call->plan. */
	CALL_UPDATE,
	/* Removes the instance and every bind in call->binds; what is gone already is fine. call->retired says under
	 * which of its names it has to be there: a retired one that lives, and a living one that is retired, are left
	 * alone and told by a failure. */
	CALL_DEPROVISION,
	/* Makes call->bind's login work with call->password; under call->renew, sessions of earlier passwords end.
	 * Before success it adds each of driver->variables by call_result; when there is no such list, what it has. */
	CALL_BIND,
	/* Ends the login and its sessions; the instance's content stays. */
	CALL_UNBIND,
	/* Is call->server answering? Ends with 0 or with the reason. What an operator should change about it is a
	 * result: (CHECK_WARNING, a whole sentence). A driver with sessions adds CHECK_SESSIONS and CHECK_STRAYS, both
	 * in decimal: how many sessions of this broker and service the server has, the asking one included; and how
	 * many of those are not among the driver's own and have been doing the same for CHECK_STRAY_SECONDS. */
	CALL_CHECK,
	/* Is the instance there and usable? Ends with 0 or with the reason (ERR_NOT_FOUND when it is gone), and adds
	 * what a person wants to see as results (label, value): "Size", "Connections". */
	CALL_OBSERVE,
	/* tsuru before 1.18: lets call->unit, a host, in or shuts it out. */
	CALL_ALLOW_UNIT,
	CALL_DENY_UNIT,
	/* Only where retires: locks the instance away. Its sessions end, its logins stop working, its name on the
	 * server changes to one that says so; content, logins and passwords stay. What is gone already is fine. */
	CALL_RETIRE,
	/* Only where retires: takes retire back, with the logins of call->binds as they were. */
	CALL_RESTORE,
	/* Compares the server with the records: adds a result for everything of the instance and of call->binds that is
	 * missing or is not as call->plan and the binds' parameters say, and for what the other calls would lack. The
	 * result's name is one of DRIFT_*; its value a sentence for people, but under DRIFT_BIND the login. Changes
	 * nothing. */
	CALL_INSPECT,
	/* Adds a result for everything on call->server whose name has the form that name_instance and name_login give
	 * (retired ones under LIST_RETIRED and the name they had): (one of LIST_*, name). Each once; a second result
	 * of the same kind and name counts for nothing. Changes nothing. */
	CALL_LIST,
	/* Takes what exists on the server under instance->resource into the broker: makes around it what provision
	 * makes, and leaves the content as it is. Here alone that name is an operator's raw text and none of
	 * name_instance: its length fits instance_name_max, its characters may be any, and it may name what is not to
	 * be had (a system database, what another broker has made): all of that is the driver's to refuse. */
	CALL_ADOPT,
	/* Does call->action, one that the plan declares under actions_key, with call->parameters. */
	CALL_ACT,
	/* Only where marks: the mark says which store of a broker a server belongs to. read_mark adds (MARK_RESULT,
	 * text) for each one that the server carries; write_mark puts call->mark, at most MARK_MAX bytes of [0-9a-f.-],
	 * in the place of all others. Tenants can neither change nor remove it. */
	CALL_READ_MARK,
	CALL_WRITE_MARK,
};

#define CALL_KINDS (CALL_WRITE_MARK + 1)

struct driver {
	const char *name;
	const struct config_key *server_keys; /* ends with a NULL name; NULL: no servers in the configuration */
	const struct config_key *plan_keys;   /* NULL: none */
	size_t instance_name_max;             /* bytes of a name on the server, 24 to BACKEND_NAME_MAX */
	size_t login_name_max;
	/* How names begin that its servers, or those who run them, keep to themselves: no name on a server begins so.
	 * Ends with NULL. NULL: none. A whole word is never taken, since every name ends in '_' and ten hex
	 * digits. */
	const char *const *reserved_names;
	/* What `bind` gives for templates; ends with NULL. NULL: each bind decides, templates may name anything, and
	 * whatever it gives becomes a variable of the app under its own name, which has to be fit for one. */
	const char *const *variables;
	const struct pair *environment; /* the default templates; ends with a NULL name */
	/* Names a user may give on create and update; ends with NULL. NULL: any. What every driver has is not listed:
	 * `env_prefix`, and of instances `deletion_protection` and `binds`. */
	const char *const *instance_parameters;
	const char *const *bind_parameters; /* likewise on bind, and below an instance's `binds` */
	/* Whether the instance's `read_only` holds for each of its binds that says nothing of it. */
	bool hands_down_read_only;
	bool instant;      /* whether a provision has nothing to do: an instance is ready once it is accepted */
	bool read_only;    /* whether a bind may ask to only read; call->read_only says so */
	bool units;        /* whether allow_unit and deny_unit do anything */
	bool retires;      /* whether it has retire and restore; otherwise a plan's `retain` is refused */
	bool marks;        /* whether its servers carry a mark: read_mark and write_mark */
	bool empty_unseen; /* whether an instance without binds may leave no trace that list could report */
	const char
	    *actions_key; /* the plan's key, a list, that declares actions of the driver's own for users; NULL: none */
	int64_t retain;   /* ms that a removed instance is kept when its plan does not say */

	/* Checks what the tables of keys cannot. An error's sentence is not about the service by name: backend_open
	 * puts that in front of it. NULL: nothing. */
	int (*check_service)(const struct service *service, struct error *error);
	/* At once, before anything is promised: are these parameters (names are checked already) fit for the plan?
	 * is_bind says whose they are. state is backend->state. They are read by model/parameters.h: what tsuru's form
	 * leaves empty is false, 0 or "" by the type. */
	int (*validate)(void *state, const struct plan *plan, const struct cJSON *parameters, bool is_bind,
	                struct error *error);

	/* ---- its servers; the core keeps one host for each ---- */

	const char *server_word; /* what sentences call one; NULL: "server" */
	size_t host_size;        /* bytes of the driver's struct; 0: there are none */
	/* Prepares the host, which is zeroed (parses its URL; connects to nothing). */
	int (*open_host)(const struct backend *backend, const struct server *server, void *host, struct error *error);
	/* Drops all its connections and frees what it holds; also after an open_host that failed. No call is under way.
	 */
	void (*close_host)(void *host);
	/* How many connections it has now, those that are being opened included. NULL: it has none. */
	size_t (*connections)(const void *host);

	/* ---- its calls; the core makes a work for each, and runs its steps ---- */

	size_t work_size; /* bytes of the driver's struct, whose first member is a `struct driver_call *call` */
	/* Prepares the work, which is zeroed but for `call`. NULL: that will do. */
	int (*begin)(void *work, struct error *error);
	/* A step has failed: whether its table is run once more, at once and from its first step, for which it forgets
	 * what was found out, while the core drops the results. That goes on for as long as it is asked for:
	 * call->rounds says how often the table was begun. NULL: never. */
	bool (*again)(void *work);
	/* Frees what the work holds, but not itself; also after a begin that failed. given_up: a step is under way, and
	 * a command that is on the wire is given up with its connection. */
	void (*end)(void *work, bool given_up);
	/* By kind. NULL: there is nothing to do, or for those kinds that only some drivers have (adopt, act, retire,
	 * restore, and marks) the call is refused. */
	const struct step *steps[CALL_KINDS];
	const struct step *retired_steps; /* of a deprovision under call->retired; NULL: as of any */
	const struct step *renew_steps;   /* of a bind under call->renew; NULL: as of any */

	/* ---- instead of all of the above, for what tests pretend: a state of its own, and calls without steps ---- */

	int (*open)(const struct driver_context *context, const struct service *service, void **ret_state,
	            struct error *error);
	void (*close)(void *state);
	void (*run)(void *state, struct driver_call *call); /* settles it by call_settle, at once or later */
	void (*cancel)(void *state, struct driver_call *call);
};

/* The actions of the driver's own that the plan declares; their count, 0 for none. Borrowed from the plan. */
size_t driver_actions(const struct driver *driver, const struct plan *plan, const char *const **ret_actions);

/* Whether the bind's parameters ask for one that only reads (`read_only`). */
int driver_read_only(const struct bind *bind, bool *ret_read_only, struct error *error);

/* Names of parameters: none, and `read_only` alone. */
extern const char *const driver_no_parameters[], *const driver_read_only_parameters[];

/* For drivers whose parameters need no look. */
int driver_validate_nothing(void *state, const struct plan *plan, const struct cJSON *parameters, bool is_bind,
                            struct error *error);
/* For drivers whose instances and binds know `read_only` and nothing else. */
int driver_validate_read_only(void *state, const struct plan *plan, const struct cJSON *parameters, bool is_bind,
                              struct error *error);

/* What inspect reports. */
#define DRIFT_LOST     "lost"     /* content is gone: a person has to act, nothing is made anew empty */
#define DRIFT_INSTANCE "instance" /* an update puts it right */
#define DRIFT_BIND     "bind"     /* a bind of that login puts it right */
#define DRIFT_TOLD     "told"     /* only an operator can put it right; the sentence says how */

/* What list reports. */
#define LIST_INSTANCE "instance"
#define LIST_LOGIN    "login"
#define LIST_RETIRED  "retired" /* under the name that the instance had before */

/* What check reports. */
#define CHECK_WARNING  "warning"
#define CHECK_SESSIONS "sessions"
#define CHECK_STRAYS   "strays"

#define CHECK_STRAY_SECONDS "5"

/* What the sessions of a service call themselves where a server shows it, so that those of several brokers and services
 * can be told apart: "tsuru-broker 1a2b3c4d databases", the begin of the store's id and the service. */
#define SESSION_NAME_SIZE 64 /* bytes with the NUL: a service's name that is too long ends in a hash */
void driver_name_session(const struct driver_context *context, const struct service *service, char *ret_name);

#define CALL_TOLD_MAX 2048 /* bytes of what call_tell tells, with the NUL */

#define MARK_RESULT "mark" /* what read_mark reports */
#define MARK_MAX    56     /* bytes of a mark */

/* For drivers whose first step sees the mark anyway: whether found (NULL: none) is call->mark, or none is asked for.
 * ERR_UNAVAILABLE otherwise: the server was given to another broker meanwhile. */
int mark_check(const struct driver_call *call, const char *found, struct error *error);

/* A service's driver, opened. */
struct backend {
	const struct driver *driver;
	const struct service *service;
	const struct driver_context *context;
	void *hosts; /* the driver's structs, one for each of the service's servers, in their order */
	size_t host_count;
	void *state;
};

/* An error's sentence begins with the service's name. */
int backend_open(const struct driver *driver, const struct service *service, const struct driver_context *context,
                 struct backend **ret_backend, struct error *error);
/* Every call must have been settled or cancelled. Accepts NULL. */
void backend_close(struct backend *backend);
/* How many connections the driver has to the server now. */
size_t backend_connections(const struct backend *backend, const struct server *server);

/* "provision", "allow-unit", ... */
const char *call_kind_name(enum call_kind kind);

struct driver_call {
	/* the caller's, before call_start; borrowed by the driver */
	enum call_kind kind;
	struct backend *backend;
	const struct server *server;     /* NULL: the driver has none */
	const struct instance *instance; /* NULL for check, list, read_mark and write_mark */
	const char *store;               /* the id of the broker's store, in hex, which is no secret; NULL: not known */
	const char *seal; /* a secret of the store, in hex, to vouch by, never to be logged; NULL: none */
	const char
	    *mark; /* what the server has to carry when the call changes something, or write_mark's; NULL: anything */
	const struct plan *plan;  /* provision, update, bind, observe (NULL: unknown), inspect, adopt, act */
	const struct bind *bind;  /* bind, unbind */
	const char *password;     /* bind; in clear, never to be logged */
	bool renew;               /* bind */
	bool mends;               /* update: the drift pass's; nobody asked for anything */
	const char *kept;         /* bind; what call_keep kept last, in clear, never to be logged; NULL: nothing */
	const struct bind *binds; /* update, deprovision, retire, restore, inspect */
	size_t bind_count;
	bool keep_owner;              /* adopt: a login that is the owner stays the owner, which apps act as */
	bool retired;                 /* deprovision: the records say that it is retired */
	const char *const *passwords; /* inspect; of each of binds, in clear, never to be logged; NULL, all or one: not
	                                 known */
	const char *unit;             /* allow_unit, deny_unit */
	const char *action;           /* act */
	const char *parameters;       /* act; a JSON object or NULL */
	int64_t timeout;              /* ms */
	/* Fires once, from the loop; not after call_cancel. error is borrowed. */
	void (*on_settled)(struct driver_call *call, int code, const struct error *error);
	void *arg;

	/* for the driver */
	void *work;          /* its own */
	bool read_only;      /* bind, where the driver knows it */
	int rounds;          /* of the table, begun */
	const char *subject; /* whom a step is about, for sentences: the bind's login, or the instance */

	/* what the driver added; the caller's once settled, in the call's arena */
	const char *keep; /* NULL: nothing is to be kept */
	int64_t
	    until; /* monotonic ms: the server asks for that much time, however long failures are retried; 0: none */
	struct pair *results;
	size_t result_count;

	/* private to call.c and core.c */
	struct steps steps;
	const struct step *table;
	struct arena arena;
	struct timer timer; /* the deadline; once settled, the turn of the loop that tells */
	struct error outcome;
	size_t result_capacity;
	int state;
};

/* Zeroes the call and prepares it. */
void call_init(struct driver_call *call);
/* Begins it by its kind. 0, or ERR_NO_MEMORY: then it is not under way and on_settled will not fire. */
int call_start(struct driver_call *call);
/* Gives it up in silence: on_settled will not fire. Harmless when it is not under way. */
void call_cancel(struct driver_call *call);
/* Frees what it holds, wiping results; not while it is under way. */
void call_release(struct driver_call *call);
bool call_under_way(const struct driver_call *call);
/* For drivers: ms until the deadline, 1 at least. What they ask of a server should not go on there for longer. */
int64_t call_left(const struct driver_call *call);

/* ---- for drivers ---- */

/* The driver's struct for call->server. */
void *call_host(const struct driver_call *call);
/* Whether one of call->binds has that login. */
bool call_has_bind(const struct driver_call *call, const char *login);

/* Each ends the running step: the next one runs, ... */
void call_next(struct driver_call *call);
/* ... the rest is skipped, ... */
void call_finish(struct driver_call *call);
/* ... or the call fails by a sentence that begins: the server "x" could not <step> for "subject": */
void call_fail(struct driver_call *call, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same, for a reason that is there already. */
void call_fail_because(struct driver_call *call, const struct error *reason);
/* The call fails by a sentence that is whole. */
void call_fail_by(struct driver_call *call, const struct error *sentence);
/* The call fails because there is no connection to the server. */
void call_fail_to_connect(struct driver_call *call, const struct error *reason);

/* Ends the call. code 0 ignores the text. The driver's work is gone by then: it has freed it. */
void call_settle(struct driver_call *call, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Adds a result, copying both; lack of memory settles the call with ERR_NO_MEMORY instead of 0. */
void call_result(struct driver_call *call, const char *name, const char *value);
/* The same of a sentence or a number, which is cut at CALL_TOLD_MAX. */
void call_tell(struct driver_call *call, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The value of the last result of that name; borrowed from the call. NULL: there is none. */
const char *call_find(const struct driver_call *call, const char *name);
/* For drivers whose servers choose the credentials: once a bind has succeeded, text is kept sealed with it, in place of
 * what was kept before, and given to its later calls. Copied. Over KEPT_MAX bytes nothing is kept. */
void call_keep(struct driver_call *call, const char *text);

#endif
