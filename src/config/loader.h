/* What loader.c and services.c share: they make the immutable configuration of the mappings that reader.c has read. */
#ifndef CONFIG_LOADER_H
#define CONFIG_LOADER_H

#include "config/reader.h"

struct loader {
	struct reader reader;
	const struct config_driver *drivers;
	size_t driver_count;
	struct config *config;
};

/* Of a key in a mapping that was read: its node, 0 when it is not in the file, and its value as a text or a number. */
int node_of(const struct mapping *mapping, const char *key);
const char *text_of(const struct mapping *mapping, const char *key);
int64_t number_of(const struct mapping *mapping, const char *key);

/* The content of the file, which is a secret, without one newline at its end; NULL: an error was noted. `what` is what
 * messages call it: "password". */
const char *load_secret_file(struct loader *loader, int node, const char *what, const char *path);
/* The values of the mapping's `password`, or the content of the files in its `password_file`. `what` is what messages
 * call the mapping. */
void load_passwords(struct loader *loader, const struct mapping *mapping, const char *what,
                    const char *const **ret_passwords, size_t *ret_count);
/* Reads the list of services at node into the configuration. */
void load_services(struct loader *loader, int node);

#endif
