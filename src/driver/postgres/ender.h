/* Ends what was given up on a server: another session asks it to. libpq's own cancel blocks before version 17, reaches
 * only a session that is at a statement just then, and needs a new connection each time; this goes through TLS and
 * every proxy as the rest does. What cannot be asked is left to the limits that each session set itself (limits.h). */
#ifndef DRIVER_POSTGRES_ENDER_H
#define DRIVER_POSTGRES_ENDER_H

#include "driver/pool.h"
#include "driver/sql.h"
#include "roster.h"

enum ender_state {
	ENDER_RESTS,
	ENDER_ASKS, /* for a session */
	ENDER_ENDS, /* the server was asked */
};

struct ender {
	const struct driver_context *context; /* borrowed, as all here */
	struct pool *pool;
	struct roster *roster;
	enum ender_state state;
	struct lease lease;
	struct timer timer; /* the limit of both */
	struct sql sql;
	size_t count; /* of those that are left, that the server was asked to end */
};

/* From then on, what is left in the roster is ended. */
void ender_open(struct ender *ender, const struct driver_context *context, struct pool *pool, struct roster *roster);
/* Before the pool is freed. */
void ender_close(struct ender *ender);
/* The server answers (again): what is still left is tried once more. */
void ender_go_on(struct ender *ender);

#endif
