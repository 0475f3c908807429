/* The driver's servers: upstream brokers, each with its client, its catalog, and what waits there. */
#ifndef DRIVER_OSB_OSB_H
#define DRIVER_OSB_OSB_H

#include <stddef.h>
#include <stdint.h>

#include "catalog.h"
#include "driver/client.h"
#include "driver/driver.h"
#include "pending.h"

struct upstream {
	struct client *client;
	const char *service;         /* the name or id that its catalog has */
	struct osb_catalog *catalog; /* NULL: not read yet */
	int64_t catalog_at;          /* monotonic ms when it was read */
	int64_t answered_at;         /* when it last answered anything; 0: not since it failed to */
	int64_t catalog_refresh, polling_interval, maximum_polling; /* ms; maximum_polling 0: as the catalog says */
	struct pendings pendings;
};

/* The steps of each kind of call: in bindings.c, instance.c and look.c. */
extern const struct step osb_provision_steps[];
extern const struct step osb_update_steps[];
extern const struct step osb_deprovision_steps[];
extern const struct step osb_bind_steps[];
extern const struct step osb_unbind_steps[];
extern const struct step osb_check_steps[];
extern const struct step osb_observe_steps[];
extern const struct step osb_inspect_steps[];

#endif
