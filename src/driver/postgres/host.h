/* A server of a service: how it is reached, and the sessions that the broker has there. */
#ifndef DRIVER_POSTGRES_HOST_H
#define DRIVER_POSTGRES_HOST_H

#include <stdbool.h>
#include <stddef.h>

#include "driver/driver.h"
#include "driver/pool.h"
#include "ender.h"
#include "home.h"
#include "roster.h"
#include "target.h"

struct pg_host {
	struct pg_target target;
	struct home home;
	bool home_is_ready, takes_no_options;
	struct pool *pool;    /* of sessions in the home database */
	struct roster roster; /* of all its sessions */
	struct ender ender;
};

/* The slots of struct driver; arg is a struct pg_host, zeroed before it is opened. */
int pg_host_open(const struct backend *backend, const struct server *server, void *arg, struct error *error);
/* Also after pg_host_open has failed. */
void pg_host_close(void *arg);
size_t pg_host_connections(const void *arg);

#endif
