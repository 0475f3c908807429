/* What a configuration would do to the instances that are in its store. */
#ifndef CLI_CENSUS_H
#define CLI_CENSUS_H

#include <stdio.h>

#include "config/config.h"

/* Shows each service and server with instances that the configuration does not have, and each service whose instances
 * another driver made; these are the faults that are counted. Without a store that can be read there is nothing to
 * show. */
size_t census_check(const struct config *config, FILE *err);

#endif
