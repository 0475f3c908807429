/* What a pretended server holds: instances and logins, in memory and, where a file is given, in a journal. */
#ifndef DRIVER_SCRIPTED_WORLD_H
#define DRIVER_SCRIPTED_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "driver/driver.h"

struct thing;

struct world {
	struct thing *instances, *logins; /* hashes */
	int journal;                      /* -1: none */
	off_t applied;                    /* bytes of the journal */
	char mark[MARK_MAX + 1];          /* "": none */
};

/* path is the journal, which is made when it does not exist and replayed otherwise; NULL: none. */
int world_open(struct world *world, const char *path, struct error *error);
void world_close(struct world *world);
/* Takes in what another world has done since on the same journal: that of the configuration before. */
int world_refresh(struct world *world, struct error *error);

/* Each makes it so, and writes a line unless it is so already. */
int world_put_instance(struct world *world, const char *name, const char *plan, struct error *error);
int world_put_login(struct world *world, const char *name, const char *instance, const char *password,
                    struct error *error);
int world_drop_instance(struct world *world, const char *name, struct error *error);
int world_drop_login(struct world *world, const char *name, struct error *error);
/* Locks an instance away, or opens it again. */
int world_retire(struct world *world, const char *name, bool retired, struct error *error);
/* "" takes it away. */
int world_put_mark(struct world *world, const char *mark, struct error *error);

const char *world_mark(const struct world *world);                   /* "": none */
const char *world_plan(const struct world *world, const char *name); /* NULL: no such instance */
bool world_is_retired(const struct world *world, const char *name);
/* The one after name, which is there; NULL: the first; NULL at the end. */
const char *world_next_instance(const struct world *world, const char *name);
const char *world_next_login(const struct world *world, const char *name);
bool world_has_login(const struct world *world, const char *name);
bool world_is_login_of(const struct world *world, const char *name, const char *instance);
bool world_password_is(const struct world *world, const char *name, const char *password);
size_t world_instances(const struct world *world);
size_t world_logins(const struct world *world);
/* The logins of one instance. */
size_t world_logins_of(const struct world *world, const char *instance);

#endif
