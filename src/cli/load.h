/* The configuration of an invocation, with the drivers that the program has. */
#ifndef CLI_LOAD_H
#define CLI_LOAD_H

#include "cli/command.h"
#include "config/config.h"

/* Reads the invocation's file. 0, and *ret_config is the caller's; otherwise every error is shown on its err. */
int load_config(const struct invocation *invocation, struct config **ret_config);

/* Reads path without showing anything: on failure *ret_errors (NULL when memory is out) is the caller's. */
int load_file(const char *path, struct config **ret_config, struct config_errors **ret_errors);

#endif
