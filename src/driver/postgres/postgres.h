/* The postgres driver: databases and logins on PostgreSQL servers, 13 and later. An instance is a database with an
 * owner role of the same name that cannot log in, and a role for readers; a bind is a login role that is a member of
 * one of the two. */
#ifndef DRIVER_POSTGRES_POSTGRES_H
#define DRIVER_POSTGRES_POSTGRES_H

#include <stddef.h>

#include "driver/driver.h"
#include "ender.h"
#include "home.h"
#include "roster.h"
#include "target.h"

#define INSTANCE_MAX 55 /* bytes of a database's name: PostgreSQL's 63, less those of the longer suffix */
#define LOGIN_MAX    63
#define READER_END   "_r"
#define RETIRED_END  "_retired"

struct host {
	struct target target;
	struct home home;
	bool home_is_ready;
	struct pool *pool;    /* of sessions in the home database */
	struct roster roster; /* of all its sessions */
	struct ender ender;
};

struct postgres {
	const struct driver_context *context;
	const struct service *service;
	size_t host_count;   /* opened */
	struct host hosts[]; /* one for each of the service's servers, in their order */
};

/* The slots of the vtable, each in the file of its name; check is in observe.c, list in inspect.c, restore in retire.c,
 * read_mark and write_mark in mark.c. */
void postgres_provision(void *state, struct driver_call *call);
void postgres_update(void *state, struct driver_call *call);
void postgres_deprovision(void *state, struct driver_call *call);
void postgres_bind(void *state, struct driver_call *call);
void postgres_unbind(void *state, struct driver_call *call);
void postgres_check(void *state, struct driver_call *call);
void postgres_observe(void *state, struct driver_call *call);
void postgres_retire(void *state, struct driver_call *call);
void postgres_restore(void *state, struct driver_call *call);
void postgres_inspect(void *state, struct driver_call *call);
void postgres_list(void *state, struct driver_call *call);
void postgres_adopt(void *state, struct driver_call *call);
void postgres_read_mark(void *state, struct driver_call *call);
void postgres_write_mark(void *state, struct driver_call *call);

#endif
