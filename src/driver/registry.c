/* The registry: every driver of the program, found by its name. */
#include "driver/registry.h"

#include <string.h>

#include "driver/drivers.h"

/* A line each: */
/* clang-format off */
static const struct driver *const drivers[] = {
    &driver_exec,
    &driver_mysql,
    &driver_osb,
    &driver_postgres,
    &driver_rabbitmq,
    &driver_redis,
    &driver_shared,
#ifdef SCRIPTED_DRIVER
    &driver_scripted,
#endif
};
/* clang-format on */

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
