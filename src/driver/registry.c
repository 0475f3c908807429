/* The registry: every driver of the program, found by its name. CMakeLists.txt lists them (DRIVERS). */
#include "driver/registry.h"

#include <string.h>

#include "driver/drivers.h"

#define POINT_TO(name) &driver_##name,

static const struct driver *const drivers[] = {DRIVERS(POINT_TO)
#ifdef SCRIPTED_DRIVER
                                                   POINT_TO(scripted)
#endif
};

#define DRIVER_COUNT (sizeof(drivers) / sizeof(drivers[0]))

const struct driver *registry_find(const char *name)
{
	for (size_t i = 0; i < DRIVER_COUNT; i++)
		if (strcmp(drivers[i]->name, name) == 0)
			return drivers[i];
	return NULL;
}

const struct driver *registry_at(size_t i)
{
	return i < DRIVER_COUNT ? drivers[i] : NULL;
}
