/* The ids that the upstream knows our instances and bindings by: made from what the broker's records hold, so that they
 * are the same after a crash and never those of another. */
#ifndef DRIVER_OSB_NAMES_H
#define DRIVER_OSB_NAMES_H

#include <stdint.h>

#include "model/model.h"

#define ID_SIZE 37 /* bytes, with the NUL */

void names_instance(char ret_id[ID_SIZE], const struct instance *instance);
/* The binding of one version of the bind (bind->oldest to bind->version). */
void names_binding(char ret_id[ID_SIZE], const struct bind *bind, int64_t version);
/* A random one, for a request. */
void names_request(char ret_id[ID_SIZE]);

#endif
