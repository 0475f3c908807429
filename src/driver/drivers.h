/* The drivers, each made in its own folder; only the registry and tests look at them from here. */
#ifndef DRIVER_DRIVERS_H
#define DRIVER_DRIVERS_H

#include "driver/driver.h"

extern const struct driver driver_exec;
extern const struct driver driver_mysql;
extern const struct driver driver_osb;
extern const struct driver driver_postgres;
extern const struct driver driver_rabbitmq;
extern const struct driver driver_redis;
extern const struct driver driver_shared;
extern const struct driver driver_scripted; /* for tests; in the program only with the option SCRIPTED_DRIVER */

#endif
