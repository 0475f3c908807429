/* The sessions of one server, lent to calls in the order they ask. A session that a call gives back clean is kept for
 * the next; any other is closed. What a session is, the driver says by a struct pool_kind. */
#ifndef DRIVER_POOL_H
#define DRIVER_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/error.h"
#include "driver/driver.h"

struct pool;
struct member; /* a session in the pool */

/* code 0, or error says why. From the loop, never inside the call that began the work. */
typedef void pool_done(void *arg, int code, const struct error *error);

/* What the driver's sessions can do. */
struct pool_kind {
	/* Connects to target; on_opened is called once. NULL: memory is out. */
	void *(*open)(const struct driver_context *context, const void *target, pool_done *on_opened, void *arg);
	/* Ends it in silence, in any state. */
	void (*close)(void *session);
	/* Whether it can serve another call. */
	bool (*is_usable)(const void *session);
	/* Gives back the locks that a call took; on_cleaned is called once, unless the pool closes the session because
	 * the answer is late. Not 0: it cannot be kept. */
	int (*clean)(void *session, pool_done *on_cleaned, void *arg);
	/* on_died is called when the server ends the idle session. Ends with its next use. 0 or ERR_NO_MEMORY. */
	int (*watch)(void *session, void (*on_died)(void *arg), void *arg);
};

struct lease {
	struct pool *pool;
	struct member *member; /* NULL: none yet */
	bool waiting;
	pool_done *on_done; /* from the loop: lease_session is there, or the server cannot be reached */
	void *arg;
	TAILQ_ENTRY(lease) entry;
};

struct pool_limits {
	size_t sessions; /* at once */
	int64_t idle;    /* ms that an unused one is kept */
};

/* context, kind and target are borrowed. */
int pool_new(const struct driver_context *context, const struct pool_kind *kind, const void *target,
             const struct pool_limits *limits, struct pool **ret_pool, struct error *error);
/* Closes all sessions. No lease is out. Accepts NULL. */
void pool_free(struct pool *pool);

/* Sessions, those being opened included. */
size_t pool_size(const struct pool *pool);
/* Calls visit for each of them, in any order; it may not change the pool. */
void pool_visit(const struct pool *pool, void (*visit)(void *session, void *arg), void *arg);

/* Asks for a session. No time-out of its own. */
void lease_ask(struct pool *pool, struct lease *lease, pool_done *on_done, void *arg);
void *lease_session(const struct lease *lease); /* NULL: it has none */
/* Ends the lease, in any state and in silence. The session is kept if it is usable; the locks that the call took on it
 * are then released. */
void lease_end(struct lease *lease);
/* Ends the lease, in any state and in silence, and closes its session: a query is given up. */
void lease_drop(struct lease *lease);

#endif
