/* The end of binds that tsuru has forgotten. */
#ifndef UPKEEP_ORPHANS_H
#define UPKEEP_ORPHANS_H

#include "upkeep/comparison.h"
#include "upkeep/upkeep.h"

/* Asks for the end of those that are due, by the grace and no more than the limit of the present configuration's tsuru,
 * in the name of ender. How many. */
size_t orphans_end(struct upkeep *upkeep, const struct comparison *comparison, const char *ender);

#endif
