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

struct pool;

struct host {
	struct target target;
	struct pool *pool;
	struct progresses progresses;
	bool forgets_users;      /* it has no file to keep them in */
	char run[RUN_BYTES];     /* the run_id that it said last; "": none yet */
	char mark[MARK_MAX + 1]; /* that it had last; "": none yet */
};

struct redis {
	const struct driver_context *context;
	const struct service *service;
	bool dedicated;      /* an instance is a whole server */
	size_t host_count;   /* opened */
	struct host hosts[]; /* one for each of the service's servers, in their order */
};

/* The slots of the vtable, each in the file of its name; update is in provision.c, restore in retire.c, check in
 * observe.c, and both about marks in mark.c. */
void redis_provision(void *state, struct driver_call *call);
void redis_update(void *state, struct driver_call *call);
void redis_deprovision(void *state, struct driver_call *call);
void redis_bind(void *state, struct driver_call *call);
void redis_unbind(void *state, struct driver_call *call);
void redis_check(void *state, struct driver_call *call);
void redis_observe(void *state, struct driver_call *call);
void redis_retire(void *state, struct driver_call *call);
void redis_restore(void *state, struct driver_call *call);
void redis_inspect(void *state, struct driver_call *call);
void redis_list(void *state, struct driver_call *call);
void redis_read_mark(void *state, struct driver_call *call);
void redis_write_mark(void *state, struct driver_call *call);

#endif
