/* The master key of the program: from where the configuration or the environment says. */
#ifndef CLI_KEY_H
#define CLI_KEY_H

#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "config/config.h"

/* secret_key_file, else SECRET_KEY, else DATA_DIR/secret.key, which is made when it is not there and may_create is set
 * (with a warning in the log). SECRET_KEY is wiped from the environment either way. *ret_keyring is the caller's. */
int key_open(const struct config *config, const struct log *log, bool may_create, struct keyring **ret_keyring,
             struct error *error);

#endif
