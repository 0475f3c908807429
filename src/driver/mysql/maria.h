/* The mysql driver: databases and accounts on MariaDB servers, 10.5 and later, and MySQL, 8.0 and later. An instance is
 * a database; a bind is an account with rights in it alone. */
#ifndef DRIVER_MYSQL_MARIA_H
#define DRIVER_MYSQL_MARIA_H

#include <stddef.h>

#include "driver/driver.h"
#include "target.h"

/* A grant's pattern of a database has 64 bytes, two for every "_" of the name. */
#define INSTANCE_MAX 32
#define LOGIN_MAX    32
#define RETIRED_END  "_retired"
#define MARK_USER    "tsuru-broker-mark" /* the locked account whose host is the server's mark */

struct pool;
struct reaper;

struct host {
	struct target target;
	struct pool *pool;
	struct reaper *reaper;
};

struct maria {
	const struct driver_context *context;
	const struct service *service;
	size_t host_count;   /* opened */
	struct host hosts[]; /* one for each of the service's servers, in their order */
};

/* The slots of the vtable: update and adopt are in provision.c, unbind in bind.c, restore in retire.c, check in
 * observe.c and list in inspect.c. */
void maria_provision(void *state, struct driver_call *call);
void maria_update(void *state, struct driver_call *call);
void maria_deprovision(void *state, struct driver_call *call);
void maria_bind(void *state, struct driver_call *call);
void maria_unbind(void *state, struct driver_call *call);
void maria_check(void *state, struct driver_call *call);
void maria_observe(void *state, struct driver_call *call);
void maria_retire(void *state, struct driver_call *call);
void maria_restore(void *state, struct driver_call *call);
void maria_inspect(void *state, struct driver_call *call);
void maria_list(void *state, struct driver_call *call);
void maria_adopt(void *state, struct driver_call *call);
void maria_read_mark(void *state, struct driver_call *call);
void maria_write_mark(void *state, struct driver_call *call);

#endif
