/* Binds whose parameters are old: their instance has others for them by now, which hold from their next bind. */
#ifndef VIEW_OLD_H
#define VIEW_OLD_H

#include "model/model.h"

struct arena;
struct catalog;
struct cJSON;

/* What an instance has for its binds. */
struct present {
	struct cJSON *parameters; /* NULL: its service is not in the configuration, and nothing is known of it */
	bool reads;
};

int present_open(struct present *present, struct catalog *catalog, const struct instance *instance,
                 struct error *error);
void present_close(struct present *present);
/* Names of the bind's parameters that are old, with commas between; NULL: none is. */
int present_compare(const struct present *present, const struct bind *bind, struct arena *arena, const char **ret_names,
                    struct error *error);

#endif
