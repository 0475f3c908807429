/* Logins that should be dead and may live, of all instances: counted and listed when somebody asks, from what is
 * pending and from the notes on what failed. */
#ifndef BROKER_LOGINS_H
#define BROKER_LOGINS_H

#include "broker/internal.h"
#include "records/lingering.h"

/* Visits all of the broker's; of very many instances only the first LINGERING_MAX. */
void lingering_walk(struct broker *broker, lingering_visit *visit, void *arg);
#define LINGERING_MAX 20000
/* The member "logins": those that have been so for more than a moment. */
void lingering_show(struct broker *broker, struct text *json);

#endif
