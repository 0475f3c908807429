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

struct pg_host {
	struct pg_target target;
	struct home home;
	bool home_is_ready;
	struct pool *pool;    /* of sessions in the home database */
	struct roster roster; /* of all its sessions */
	struct ender ender;
};

/* The steps of each kind of call, in the file of its name; check is in observe.c, list in inspect.c, restore in
 * retire.c, read_mark and write_mark in mark.c. */
extern const struct step postgres_provision_steps[];
extern const struct step postgres_update_steps[];
extern const struct step postgres_deprovision_steps[];
extern const struct step postgres_deprovision_retired_steps[];
extern const struct step postgres_bind_steps[];
extern const struct step postgres_unbind_steps[];
extern const struct step postgres_check_steps[];
extern const struct step postgres_observe_steps[];
extern const struct step postgres_retire_steps[];
extern const struct step postgres_restore_steps[];
extern const struct step postgres_inspect_steps[];
extern const struct step postgres_list_steps[];
extern const struct step postgres_adopt_steps[];
extern const struct step postgres_read_mark_steps[];
extern const struct step postgres_write_mark_steps[];

#endif
