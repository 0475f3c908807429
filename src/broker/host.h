/* The servers as the queue sees them: how many instances they hold, which one takes the next. */
#ifndef BROKER_HOST_H
#define BROKER_HOST_H

#include "broker/internal.h"

/* Fills the offering's hosts from the configuration and the store's counters. */
int host_open_all(struct offering *offering, struct error *error);
/* How many instances are placed on the host (which has a server), or are counted by the counter. */
int64_t host_placed(const struct host *host);
int64_t host_count(const struct broker *broker, enum counter counter, const struct instance *like);
/* The host with the most room for a new instance among those of the cluster and pool (either may be NULL).
 * ERR_INVALID when no server serves them, ERR_FORBIDDEN with the numbers when all are full. */
int host_choose(struct offering *offering, const char *cluster, const char *pool, struct host **ret_host,
                struct error *error);
/* A drained server keeps what it has and takes nothing new; that is kept in the store. */
void host_read_drained(struct host *host);
void host_put_drained(const struct host *host, bool drained, struct batch *batch);
/* For messages: "server "main"", or the service when it has no servers. */
const char *host_name(const struct host *host);

#endif
