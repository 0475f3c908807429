/* The state that a create and an update ask for. */
#ifndef API_WANTED_H
#define API_WANTED_H

#include "api/exchange.h"

/* Fills plan, team, description, tags and parameters of exchange->ask, or exchange->error. */
int wanted_read(struct exchange *exchange);

#endif
