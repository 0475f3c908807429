/* The request that a program reads: one JSON object. docs/drivers/exec.md tells its members. */
#ifndef DRIVER_EXEC_REQUEST_H
#define DRIVER_EXEC_REQUEST_H

#include "base/text.h"
#include "driver/driver.h"

/* Bytes: a thousand binds whose parameters, hosts and addresses are as long as they may be. */
#define REQUEST_MAX (128 * 1024 * 1024)

/* Appends it; a failure sticks in ret_request. It may hold a password. */
void request_write(const struct driver_call *call, const char *action, struct text *ret_request);

#endif
