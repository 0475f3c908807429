/* Whose a vhost is: what its description says, and how that is written. */
#ifndef DRIVER_RABBITMQ_DESCRIPTION_H
#define DRIVER_RABBITMQ_DESCRIPTION_H

#include <stdbool.h>

#include "base/text.h"

struct cJSON;

#define VHOST_RETIRED "retired" /* the tag */

/* Whether its description names no other incarnation. One that names none was adopted, or made by an earlier version.
 */
bool rabbitmq_vhost_is_of(const struct cJSON *vhost, const char *incarnation);
/* Whether the broker has made it and its description names another incarnation, or none. */
bool rabbitmq_vhost_lacks(const struct cJSON *vhost, const char *incarnation);
/* The body that changes whether it is marked as retired, with an incarnation (NULL: as it is) in the description, and
 * nothing else of it. */
void rabbitmq_vhost_write(const struct cJSON *vhost, bool retired, const char *incarnation, struct text *ret_body);

#endif
