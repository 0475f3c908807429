/* Configurations with their opened drivers. A reload makes a new one; the old one lives on until nothing that began
 * under it is under way any more. */
#ifndef CATALOG_GENERATION_H
#define CATALOG_GENERATION_H

#include "catalog/host.h"
#include "config/config.h"

struct watch;

/* What the configuration offers, now and before. All but the first two are borrowed, and set before the first is
 * opened. */
struct catalog {
	struct generation *present;
	struct generation_list old; /* those that something still uses */
	struct store *store;
	struct records *records;
	struct timers *timers;
	struct driver_context context; /* the program's, with the store's id */
	/* For those above, which have parts of a host: once a host is filled, and before it is freed. */
	void (*open_host)(struct host *host);
	void (*close_host)(struct host *host);
	struct watch *watch; /* likewise: what its hosts are watched by */
	bool closing;        /* nothing is closed later any more, completions of the store do nothing */
};

struct generation {
	TAILQ_ENTRY(generation) in_old;
	struct catalog *catalog;
	struct config *config; /* held */
	struct offering *offerings;
	size_t offering_count;
	size_t users;         /* the broker, while it is the present one; intents; runs */
	struct timer closing; /* to be closed from the loop, not by its last user */
};

/* Of the present one. NULL when it has no such service. */
struct offering *catalog_offering(struct catalog *catalog, const char *service);
const struct config *catalog_config(const struct catalog *catalog);

/* Opens every service's driver. config is held, not taken. */
int generation_open(struct catalog *catalog, struct config *config, struct generation **ret_generation,
                    struct error *error);
/* Which of its servers are drained, once more: while a broker stands by, another one drains them. */
void generation_read_drained(struct generation *generation);
/* One that was never entered, or that nobody uses any more. */
void generation_close(struct generation *generation);
/* Makes it the present one; the one before it ends with its last user. */
void generation_enter(struct catalog *catalog, struct generation *generation);
void generation_hold(struct generation *generation);
void generation_drop(struct generation *generation);
/* Closes all of them, whoever uses them. */
void generation_close_all(struct catalog *catalog);

#endif
