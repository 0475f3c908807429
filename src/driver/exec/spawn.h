/* Begins a program: in a session of its own, with three descriptors, and with nothing else of ours. process.c waits for
 * its end. */
#ifndef DRIVER_EXEC_SPAWN_H
#define DRIVER_EXEC_SPAWN_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "user.h"

#define SPAWN_FILES_MAX 1024 /* descriptors that a program may open before it raises its own limit */

struct spawn {
	const char *directory;
	const char *const *arguments;   /* the first is the program's path; ends with NULL */
	const char *const *environment; /* NAME=value; ends with NULL */
	int files[3];                   /* what becomes its descriptors 0, 1 and 2 */
	int64_t memory;                 /* bytes of address space; 0: no limit */
	const struct spawn_user *user;  /* NULL: the broker's */
};

/* 0: the program runs as the leader of the session and group *ret_pid, and *ret_pidfd, which the caller closes, can be
 * read from once it has ended. ERR_UNAVAILABLE names what cannot be run, and why: an operator may put it right. Of a
 * program with a user, that is told by the program's end instead: a sentence in its messages, and the status 75. */
int spawn_program(const struct spawn *spawn, pid_t *ret_pid, int *ret_pidfd, struct error *error);

#endif
