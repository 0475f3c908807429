/* What has instances and is not in the configuration: tsuru is answered 503 for such a service, and work on a server
 * waits for it. */
#ifndef RECORDS_MISSING_H
#define RECORDS_MISSING_H

#include "base/log.h"
#include "base/text.h"
#include "config/config.h"
#include "store/store.h"

/* A warning for each such service, and for each such server; retained instances count where they are, on a server. */
void missing_log(struct store *store, const struct config *config, const struct log *log);
/* Appends the services: [{"service","instances"}...]. */
void missing_show(struct store *store, const struct config *config, struct text *ret_json);

#endif
