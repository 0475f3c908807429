/* What the files of the driver share: the service's state, and the slots that action.c fills. */
#ifndef DRIVER_EXEC_EXEC_H
#define DRIVER_EXEC_EXEC_H

#include "base/arena.h"
#include "driver/driver.h"
#include "process.h"

#define ARGUMENTS_MAX 64 /* of a server's `args` */

/* One server: a program and how it is called. */
struct place {
	const struct server *server;
	const char *directory;
	const char *arguments[ARGUMENTS_MAX + 1]; /* the program and what stands before the action */
	size_t argument_count;
	const char **environment; /* NAME=value; ends with NULL */
	size_t output_max;        /* bytes */
	int64_t memory;           /* bytes; 0: no limit */
	struct spawn_user *user;  /* NULL: the broker's */
};

struct exec {
	const struct driver_context *context;
	const struct service *service;
	struct processes processes; /* also those that were given up and have not gone yet */
	struct arena arena;
	size_t place_count;
	struct place places[];
};

/* Every slot that takes a call but cancel: runs the program with the action of call->kind. */
void exec_run(void *state, struct driver_call *call);
/* The check of the key `actions`. */
int exec_check_action(const char *name, const char *value, struct error *error);
void exec_cancel(void *state, struct driver_call *call);

#endif
