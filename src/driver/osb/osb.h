/* The driver's state: a service's upstream brokers, each with its client, its catalog, and what waits there. */
#ifndef DRIVER_OSB_OSB_H
#define DRIVER_OSB_OSB_H

#include <stddef.h>
#include <stdint.h>

#include "catalog.h"
#include "driver/client.h"
#include "driver/driver.h"
#include "pending.h"

struct upstream {
	const struct server *server;
	struct client *client;
	const char *service;     /* the name or id that its catalog has */
	struct catalog *catalog; /* NULL: not read yet */
	int64_t catalog_at;      /* monotonic ms when it was read */
	int64_t answered_at;     /* when it last answered anything; 0: not since it failed to */
	int64_t catalog_refresh, polling_interval, maximum_polling; /* ms; maximum_polling 0: as the catalog says */
	struct pendings pendings;
};

struct osb {
	const struct driver_context *context;
	const struct service *service;
	size_t upstream_count;
	struct upstream upstreams[];
};

void osb_provision(void *state, struct driver_call *call);
void osb_update(void *state, struct driver_call *call);
void osb_deprovision(void *state, struct driver_call *call);
void osb_bind(void *state, struct driver_call *call);
void osb_unbind(void *state, struct driver_call *call);
void osb_check(void *state, struct driver_call *call);
void osb_observe(void *state, struct driver_call *call);
void osb_inspect(void *state, struct driver_call *call);

#endif
