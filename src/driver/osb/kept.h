/* The credentials of a binding as the broker keeps them, sealed, for an upstream that tells them only once. */
#ifndef DRIVER_OSB_KEPT_H
#define DRIVER_OSB_KEPT_H

#include "driver/driver.h"

struct cJSON;

/* Keeps the upstream's answer about the binding of that id. */
void kept_write(struct driver_call *call, const char *id, const struct cJSON *binding);
/* The answer that was kept for that id, to be freed by outcome_wipe; NULL: none was. */
struct cJSON *kept_read(const struct driver_call *call, const char *id);

#endif
