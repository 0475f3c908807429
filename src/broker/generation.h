/* A configuration with its opened drivers. A reload makes a new one; the old one lives on until nothing that began
 * under it is under way any more. */
#ifndef BROKER_GENERATION_H
#define BROKER_GENERATION_H

#include "broker/internal.h"

struct generation {
	TAILQ_ENTRY(generation) in_old;
	struct broker *broker;
	struct config *config; /* held */
	struct offering *offerings;
	size_t offering_count;
	size_t users;         /* the broker, while it is the present one; intents; runs */
	struct timer closing; /* to be closed from the loop, not by its last user */
};

/* Opens every service's driver. config is held, not taken. */
int generation_open(struct broker *broker, struct config *config, struct generation **ret_generation,
                    struct error *error);
/* One that was never entered, or that nobody uses any more. */
void generation_close(struct generation *generation);
/* Makes it the present one; the one before it ends with its last user. */
void generation_enter(struct broker *broker, struct generation *generation);
void generation_hold(struct generation *generation);
void generation_drop(struct generation *generation);
/* At the broker's end: closes all of them, whoever uses them. */
void generation_close_all(struct broker *broker);

#endif
