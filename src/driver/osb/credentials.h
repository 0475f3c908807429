/* What an upstream's binding holds, as the variables of an app. */
#ifndef DRIVER_OSB_CREDENTIALS_H
#define DRIVER_OSB_CREDENTIALS_H

#include <stdbool.h>

#include "base/error.h"

struct cJSON;

#define CREDENTIALS_MAX 200 /* variables of one binding */

/* Borrowed for the call. */
typedef void credentials_add(void *arg, const char *name, const char *value);

/* Whether the answer has any of what makes variables. */
bool credentials_are_in(const struct cJSON *binding);
/* Adds a variable for every text, number, true and false within the binding's answer: its credentials by their path,
 * in capitals, joined by _ ("hosts": [{"port": 1}] is HOSTS_0_PORT), numbers as they stand; `endpoints`,
 * `syslog_drain_url`, `route_service_url` and `volume_mounts` by theirs. Other characters of a name than letters and
 * digits become _. Of two that get the same name the first one counts; null is nothing. A binding may have none.
 * ERR_ANSWER when it has too many, or something that is too long or not clean text. */
int credentials_flatten(const struct cJSON *binding, credentials_add *add, void *arg, struct error *error);

#endif
