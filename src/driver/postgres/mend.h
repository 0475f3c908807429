/* What has to be put right before a call goes on, and by a mend: what stands in the broker's way, rights and
 * memberships that no call of the broker's gave. */
#ifndef DRIVER_POSTGRES_MEND_H
#define DRIVER_POSTGRES_MEND_H

#include "work.h"

/* The broker's present user acts for the owner role: another one may have made it. Where the server does not let it do
 * so by itself the step fails with the statement that an operator has to give. */
void step_join_owner(void *arg);
/* Undoes whatever the tenant has in the broker's way (hinder.h), behind step_look. */
void step_undo_hindrances(void *arg);

/* Takes away what the instance's two roles have beyond being it, and what other instances' logins have on it; ends the
 * sessions of whoever may not connect. What the user's rights do not reach is left: inspect tells it. */
void mend_add_strangers(struct sql *sql, const struct pg_work *work);
void mend_add_attributes(struct sql *sql, const struct pg_work *work);
/* Of an existing login: all memberships but that in group. */
void mend_add_memberships(struct sql *sql, const char *login, const char *group);

#endif
