/* The postgres driver: databases and logins on PostgreSQL servers, 13 and later. An instance is a database with an
 * owner role of the same name that cannot log in, and a role for readers; a bind is a login role that is a member of
 * one of the two. */
#ifndef DRIVER_POSTGRES_POSTGRES_H
#define DRIVER_POSTGRES_POSTGRES_H

#include "driver/steps.h"

/* The steps of each kind of call, in the file of its name; check is in observe.c, restore in retire.c, read_mark and
 * write_mark in mark.c. */
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
