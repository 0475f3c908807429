/* The sessions of one server, lent to calls in the order they ask. A session that a call gives back clean is kept for
 * the next; any other is closed. */
#ifndef DRIVER_POSTGRES_POOL_H
#define DRIVER_POSTGRES_POOL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/error.h"
#include "driver/driver.h"

struct pool;
struct member; /* a session in the pool */
struct session;
struct target;

typedef void lease_done(void *arg, int code, const struct error *error);

struct lease {
	struct pool *pool;
	struct member *member; /* NULL: none yet */
	bool waiting;
	lease_done *on_done; /* from the loop: lease_session is there, or the server cannot be reached */
	void *arg;
	TAILQ_ENTRY(lease) entry;
};

struct pool_limits {
	size_t sessions; /* at once */
	int64_t idle;    /* ms that an unused one is kept */
};

/* context and target are borrowed. */
int pool_new(const struct driver_context *context, const struct target *target, const struct pool_limits *limits,
             struct pool **ret_pool, struct error *error);
/* Closes all sessions. No lease is out. Accepts NULL. */
void pool_free(struct pool *pool);

/* Sessions, those being opened included. */
size_t pool_size(const struct pool *pool);

/* Asks for a session. No time-out of its own. */
void lease_ask(struct pool *pool, struct lease *lease, lease_done *on_done, void *arg);
struct session *lease_session(const struct lease *lease); /* NULL: it has none */
/* Ends the lease, in any state and in silence. The session is kept if it is usable; the locks that the call took on it
 * are then released. */
void lease_end(struct lease *lease);
/* Ends the lease, in any state and in silence, and closes its session: a query is given up. */
void lease_drop(struct lease *lease);

#endif
