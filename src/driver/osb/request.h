/* The texts of requests: bodies, paths and the identity header. Source: Open Service Broker API 2.17. */
#ifndef DRIVER_OSB_REQUEST_H
#define DRIVER_OSB_REQUEST_H

#include <stdbool.h>

#include "base/error.h"
#include "base/text.h"
#include "catalog.h"
#include "driver/driver.h"
#include "id.h"

#define REQUEST_BODY_MAX ((size_t)512 * 1024) /* bytes */
#define REQUEST_PATH_MAX ((size_t)64 * 1024)  /* bytes; an operation's name may take 30,000 */

/* Bodies of PUT and PATCH for the call. ERR_INVALID for parameters that are no object. */
int osb_write_instance(const struct driver_call *call, const struct offer *offer, struct text *ret_body,
                       struct error *error);
/* previous is what the instance has now. */
int osb_write_update(const struct driver_call *call, const struct offer *offer, const struct offer *previous,
                     struct text *ret_body, struct error *error);
int osb_write_binding(const struct driver_call *call, const struct offer *offer, struct text *ret_body,
                      struct error *error);

/* The path of an instance, or with binding_id of a binding. */
void osb_add_object(struct text *path, const char *instance_id, const char *binding_id);
/* Service and plan as a query behind a path; first is '?' or '&'. */
void osb_add_ids(struct text *path, char first, const struct offer *offer);

/* The value of X-Broker-API-Originating-Identity: the platform and base64 of {"user": ...}. */
void osb_write_identity(const char *user, struct text *ret_value);

#endif
