/* From what was read to the immutable result: loader.c for the whole, services.c for its services. */
#ifndef CONFIG_LOADER_H
#define CONFIG_LOADER_H

#include "config/reader.h"

struct loader {
	struct reader reader;
	const struct config_driver *drivers;
	size_t driver_count;
	struct config *config;
};

/* A key's node (0: not in the file) and value in a mapping that was read. */
int node_of(const struct mapping *mapping, const char *key);
const char *text_of(const struct mapping *mapping, const char *key);
int64_t number_of(const struct mapping *mapping, const char *key);

/* The values of the mapping's `password` or of the files in its `password_file`; what is the mapping in messages. */
void load_passwords(struct loader *loader, const struct mapping *mapping, const char *what,
                    const char *const **ret_passwords, size_t *ret_count);
/* Reads the list of services at node into the configuration. */
void load_services(struct loader *loader, int node);

#endif
