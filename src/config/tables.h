/* The tables of keys that are the same for every driver. */
#ifndef CONFIG_TABLES_H
#define CONFIG_TABLES_H

#include "config/key.h"

extern const struct config_key top_keys[], admin_keys[], tls_keys[], log_keys[], tsuru_keys[], store_keys[],
    limits_keys[], service_keys[], server_keys[], plan_keys[];

#endif
