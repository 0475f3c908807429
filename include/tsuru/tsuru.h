/* tsuru's own API, asked for its list of instances. Nothing blocks. */
#ifndef TSURU_TSURU_H
#define TSURU_TSURU_H

#include "driver/driver.h"
#include "tsuru/listing.h"

struct tsuru_client;

/* listing is whoever gets it to free; NULL: error says why there is none, or why it is of no use. Only one that is
 * whole and as tsuru makes it is handed over. error is borrowed; it holds no token. */
typedef void tsuru_listed(void *arg, const struct error *error, struct listing *listing);

/* By config->tsuru, which is held. context is borrowed. ERR_INVALID for a file of certificates that is not good. */
int tsuru_open(const struct driver_context *context, struct config *config, struct tsuru_client **ret_client,
               struct error *error);
/* Begins it, none is under way. on_listed fires once, from the loop, never inside this call. */
int tsuru_ask(struct tsuru_client *client, tsuru_listed *on_listed, void *arg, struct error *error);
/* What is under way is dropped in silence. Accepts NULL. */
void tsuru_close(struct tsuru_client *client);

#endif
