/* What the files of the driver share: its servers, and what action.c does for a call. */
#ifndef DRIVER_EXEC_EXEC_H
#define DRIVER_EXEC_EXEC_H

#include "base/arena.h"
#include "driver/driver.h"
#include "process.h"

#define ARGUMENTS_MAX 64 /* of a server's `args` */

/* One server: a program and how it is called. */
struct exec_place {
	const char *directory;
	const char *arguments[ARGUMENTS_MAX + 1]; /* the program and what stands before the action */
	size_t argument_count;
	const char **environment;   /* NAME=value; ends with NULL */
	size_t output_max;          /* bytes */
	int64_t memory;             /* bytes; 0: no limit */
	struct spawn_user *user;    /* NULL: the broker's */
	struct processes processes; /* also those that were given up and have not gone yet */
	struct arena arena;
};

struct exec_work {
	struct driver_call *call;
	struct exec_place *place;
	struct process *process;
};

/* Those of every kind: runs the program with the action of call->kind. */
extern const struct step exec_steps[];
/* What the core begins and ends a work with. */
int exec_begin(void *arg, struct error *error);
void exec_end(void *arg, bool given_up);
/* The check of the key `actions`. */
int exec_check_action(const char *name, const char *value, struct error *error);

#endif
