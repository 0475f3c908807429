/* The ids that the upstream knows our instances and bindings by: made from what the broker's records hold, so that they
 * are the same after a crash and never those of another. */
#ifndef DRIVER_OSB_ID_H
#define DRIVER_OSB_ID_H

#include <stdint.h>

#include "model/model.h"

#define ID_SIZE 37 /* bytes, with the NUL */

void osb_id_of_instance(char ret_id[ID_SIZE], const struct instance *instance);
/* The binding of one version of the bind (bind->oldest to bind->version). */
void osb_id_of_binding(char ret_id[ID_SIZE], const struct bind *bind, int64_t version);
/* A random one, for a request. */
void osb_id_random(char ret_id[ID_SIZE]);

#endif
