/* The configuration of an invocation, with the drivers that the program has. */
#ifndef CLI_LOAD_H
#define CLI_LOAD_H

#include "cli/command.h"
#include "config/config.h"

/* Reads the invocation's file. 0, and *ret_config is the caller's; otherwise every error is shown on its err. */
int load_config(const struct invocation *invocation, struct config **ret_config);

#endif
