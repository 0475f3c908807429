/* What has to be put right before a call goes on, and by a mend: what stands in the broker's way, rights and
 * memberships that no call of the broker's gave. */
#ifndef DRIVER_POSTGRES_MEND_H
#define DRIVER_POSTGRES_MEND_H

#include "work.h"

/* Of a, a row of pg_auth_members, and g, its group: whether the broker's user can take it away; and how it is said in a
 * statement whose grant that is. From version 16 on a revoke counts for one grantor, and is for who acts for it. */
#define MEND_MAY_REVOKE                                                                                                \
	"CASE WHEN current_setting('server_version_num')::int < 160000 THEN EXISTS (SELECT FROM pg_roles u WHERE"      \
	" u.rolname = current_user AND (u.rolsuper OR u.rolcreaterole AND NOT g.rolsuper)) ELSE"                       \
	" pg_has_role(a.grantor, 'USAGE') AND pg_has_role(g.oid, 'MEMBER WITH ADMIN OPTION') END"
#define MEND_GRANTED_BY                                                                                                \
	"CASE WHEN current_setting('server_version_num')::int >= 160000 THEN"                                          \
	" format(' GRANTED BY \"%%s\"', pg_get_userbyid(a.grantor)) ELSE '' END"

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
