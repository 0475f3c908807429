/* The two documents by which a service is made known to tsuru. */
#ifndef CLI_MANIFEST_H
#define CLI_MANIFEST_H

#include "base/error.h"
#include "base/text.h"
#include "config/config.h"

#define MANIFEST_MAX ((size_t)64 * 1024) /* bytes of a document */

/* Appends the manifest.yaml of tsuru's service-create. endpoint is where tsuru reaches the broker; NULL: the listen
 * address. team may be NULL: tsuru then takes the user's only one. ERR_INVALID for a text that YAML cannot carry. */
int manifest_print(const struct config *config, const struct service *service, const char *endpoint, const char *team,
                   struct text *ret_yaml, struct error *error);
/* Appends the JSON document of tsuru's fine-grained operations, which is the same for every service. */
int manifest_print_operations(const struct service *service, struct text *ret_json, struct error *error);

#endif
