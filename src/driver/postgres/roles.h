/* What is done to roles: the settings that a plan gives them, and the way out of an instance's logins. */
#ifndef DRIVER_POSTGRES_ROLES_H
#define DRIVER_POSTGRES_ROLES_H

#include "work.h"

enum role_kind {
	ROLE_OWNER,  /* nobody's login: it carries the plan's settings, so that the server checks them at creation */
	ROLE_WRITER, /* acts as the owner from its first statement */
	ROLE_READER,
};

int64_t plan_connection_limit(const struct plan *plan);
/* Replaces the role's settings in the instance's database by the plan's. */
void roles_add_settings(struct sql *sql, const struct pg_work *work, const char *role, enum role_kind kind);
/* Adds "'a', 'b'": the names of work->roles as literals. */
void roles_add_names(struct sql *sql, const struct pg_work *work);
/* Whether the records have a bind of that login. */
bool roles_is_bound(const struct pg_work *work, const char *role);
/* Whether any of call->binds only reads. */
bool roles_have_readers(const struct pg_work *work);
/* Sets work->roles to the one name. */
void roles_take_one(struct pg_work *work, const char *name);

/* Finds the logins of the instance: those of call->binds that exist, and those that the server knows. */
void step_find_logins(void *arg);
/* The same, with the owner and the reader role. */
void step_find_roles(void *arg);
/* Finds the databases where work->roles own something or were granted something. */
void step_find_leftovers(void *arg);
/* Gives what they own in the instance's database to the owner; drops the rest. What cannot be cleared stays. */
void step_clear_leftovers(void *arg);
/* Drops them. One that something still depends on, in another tenant's database perhaps, stays behind, shut: a removal
 * fails and says what it is (behind.h), an unbind is done, and inspect tells it. */
void step_drop_roles(void *arg);

#endif
