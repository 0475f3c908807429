/* Requests of the broker itself: what the sweep and the drift pass ask for goes the way of every request. */
#ifndef UPKEEP_ERRAND_H
#define UPKEEP_ERRAND_H

#include "upkeep/upkeep.h"

/* Asks for it of the instance, and of its bind as it was looked at (NULL: of none), as the user. What becomes of it is
 * in the log; nobody waits. Nothing happens when its service is not configured or memory is out: the pass comes by
 * again. */
void errand_run(struct upkeep *upkeep, const struct asked *what, const struct instance *instance, const char *user,
                const struct bind *bind);

/* At the broker's end: drops those that were not answered. */
void errand_drop_all(struct upkeep *upkeep);

#endif
