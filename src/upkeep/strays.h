/* What servers have and nobody knows of, as the last pass has found it. */
#ifndef UPKEEP_STRAYS_H
#define UPKEEP_STRAYS_H

#include <sys/queue.h>

#include "base/log.h"
#include "catalog/generation.h"
#include "watch/names.h"

TAILQ_HEAD(stray_list, stray);

struct strays {
	struct stray_list list;
	size_t count; /* of them */
};

/* Logs it, and keeps it unless there are too many, or memory is out. */
void strays_add(struct strays *strays, const struct log *log, const char *service, const char *server,
                const struct name *name);
/* Those of the server; service NULL: all. */
void strays_drop(struct strays *strays, const char *service, const char *server);
size_t strays_count(const struct strays *strays, const char *service);
/* What the record knows of is no stray: takes it off the names that the service's server has. */
void strays_take_off(struct name **names, struct catalog *catalog, const char *service, const char *server,
                     const struct instance *instance);
/* The member "strays". */
void strays_show(const struct strays *strays, struct text *json);

#endif
