/* Every driver that the program has. */
#ifndef DRIVER_REGISTRY_H
#define DRIVER_REGISTRY_H

#include <stddef.h>

#include "driver/driver.h"

/* NULL when there is none of that name. */
const struct driver *registry_find(const char *name);
/* The i-th; NULL past the end. */
const struct driver *registry_at(size_t i);

#endif
