/* The redis driver: key prefixes on shared servers, or whole servers, version 7.0 and later. An instance is known to
 * the server by a locked ACL user that carries the rules of its logins; a bind is an ACL user confined by the same
 * rules. */
#ifndef DRIVER_REDIS_REDIS_H
#define DRIVER_REDIS_REDIS_H

#include <stdbool.h>
#include <stddef.h>

#include "driver/driver.h"
#include "progress.h"
#include "target.h"

#define INSTANCE_MAX 60
#define LOGIN_MAX    63

struct redis_pool;

struct redis_host {
	struct redis_target target;
	struct redis_pool *pool;
	struct progresses progresses;
	bool dedicated;          /* it is one instance */
	bool forgets_users;      /* it has no file to keep them in */
	char run[RUN_BYTES];     /* the run_id that it said last; "": none yet */
	char mark[MARK_MAX + 1]; /* that it had last; "": none yet */
};

/* The steps of each kind of call, in the file of its name; update is in provision.c, restore in retire.c, check in
 * observe.c, and both about marks in mark.c. */
extern const struct step redis_provision_steps[];
extern const struct step redis_update_steps[];
extern const struct step redis_deprovision_steps[];
extern const struct step redis_bind_steps[];
extern const struct step redis_unbind_steps[];
extern const struct step redis_check_steps[];
extern const struct step redis_observe_steps[];
extern const struct step redis_retire_steps[];
extern const struct step redis_restore_steps[];
extern const struct step redis_inspect_steps[];
extern const struct step redis_list_steps[];
extern const struct step redis_read_mark_steps[];
extern const struct step redis_write_mark_steps[];

#endif
