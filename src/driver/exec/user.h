/* Whom a server's program runs as. */
#ifndef DRIVER_EXEC_USER_H
#define DRIVER_EXEC_USER_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

#define USER_GROUPS_MAX 256

struct spawn_user {
	uid_t uid;
	gid_t gid;
	gid_t groups[USER_GROUPS_MAX]; /* all others that it is in */
	size_t group_count;
};

/* user and group (NULL: the user's own) are names or numbers. ERR_INVALID for who does not exist, for root and for the
 * broker's own user; ERR_REFUSED when the broker may not run programs as somebody else. */
int user_find(const char *user, const char *group, struct spawn_user *ret_user, struct error *error);

#endif
