/* Removals, with which the requests to remove, to purge and to try again begin. */
#ifndef REQUESTS_REMOVAL_H
#define REQUESTS_REMOVAL_H

#include "requests/intent.h"

/* Removes the instance, for the first time or again, as was promised first. Its record is the new one then. */
enum intent_next removal_repeat(struct intent *intent, struct held_instance *held);
/* Drops a retained one. */
enum intent_next removal_purge(struct intent *intent, struct held_instance *held);

#endif
