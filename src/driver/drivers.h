/* The drivers, each made in its own folder; only the registry and tests look at them from here. CMakeLists.txt
 * lists them (DRIVERS). */
#ifndef DRIVER_DRIVERS_H
#define DRIVER_DRIVERS_H

#include "driver/driver.h"
#include "driver/list.h"

#define DECLARE_DRIVER(name) extern const struct driver driver_##name;

DRIVERS(DECLARE_DRIVER)
extern const struct driver driver_scripted; /* for tests; in the program only with the option SCRIPTED_DRIVER */

#endif
