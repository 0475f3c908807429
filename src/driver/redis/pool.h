/* Who works on a server, and the links that nobody uses at the moment. A call takes a seat before it works and leaves
 * it at the end; links to any of the server's nodes are kept for the next call. */
#ifndef DRIVER_REDIS_POOL_H
#define DRIVER_REDIS_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/error.h"
#include "driver/driver.h"

struct link;
struct redis_pool;

struct seat {
	struct redis_pool *pool; /* NULL: it neither waits nor is taken */
	bool taken;
	void (*on_taken)(void *arg); /* from the loop, once */
	void *arg;
	TAILQ_ENTRY(seat) entry;
};

struct redis_pool_limits {
	size_t seats; /* taken at once; also the links that are kept */
	int64_t idle; /* ms that an unused link is kept */
};

int redis_pool_new(const struct driver_context *context, const struct redis_pool_limits *limits,
                   struct redis_pool **ret_pool, struct error *error);
/* Closes all links. No seat is taken. Accepts NULL. */
void redis_pool_free(struct redis_pool *pool);

/* Links that are kept, and seats that are taken. */
size_t redis_pool_size(const struct redis_pool *pool);

/* Waits for a seat, in order. No time-out of its own. */
void seat_ask(struct redis_pool *pool, struct seat *seat, void (*on_taken)(void *arg), void *arg);
/* In any state and in silence. */
void seat_leave(struct seat *seat);

/* A kept link, the caller's from now on; NULL: there is none to that place. */
struct link *redis_pool_take(struct redis_pool *pool, const char *host, const char *port);
/* Takes the link over, to keep or to close it. Accepts NULL. */
void redis_pool_put(struct redis_pool *pool, struct link *link);

#endif
