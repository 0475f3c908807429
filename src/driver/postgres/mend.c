/* Mending, first of the broker's own way, then of rights. The server makes the statements itself, from what its catalog
 * says (sql_end_loop). */
#include "mend.h"

#include "dialect.h"
#include "hinder.h"
#include "prepared.h"

static bool acts_for_owner(const struct pg_work *work)
{
	return work_is_superuser(work) || !work->facts.owner || work->facts.acts;
}

/* A tenant may take rights on its database away from its owner, and so from whoever acts for that one. */
void step_join_owner(void *arg)
{
	struct pg_work *work = arg;
	struct sql *sql = work_sql(work);

	if (!acts_for_owner(work) && !work->facts.joins) {
		call_fail(
		    work->call, work_removes(work) ? ERR_LOCKED : ERR_REFUSED,
		    "the broker's role may not act for \"%s\", which another role made: GRANT \"%s\" TO the role of "
		    "the server's url WITH ADMIN OPTION, and \"%s\" and the logins of its binds in the same way",
		    work->owner, work->owner, work->reader);
		return;
	}
	if (!acts_for_owner(work))
		sql_add(sql, "GRANT %i TO CURRENT_USER%s;\n", work->owner, work_membership(work));
	if (work->facts.database && work->facts.owned && !work->facts.enters)
		sql_add(sql, "GRANT CONNECT ON DATABASE %i TO %i;\n", work->owner, work->owner);
	work_query(work, NULL);
}

static void undo_hindrances(void *arg)
{
	struct pg_work *work = arg;
	struct sql *sql = work_sql(work);

	hinder_add_opening(sql, work->owner, work->owner);
	hinder_add_settings(sql, work->owner);
	work_query(work, NULL);
}

void step_undo_hindrances(void *arg)
{
	struct pg_work *work = arg;

	if (work->facts.hindered)
		prepared_end(work, PREPARED_HINDERING, undo_hindrances);
	else
		call_next(work->call);
}

/* ---- rights ---- */

/* A revoke counts for whoever granted it. */
#define REVOKE_MEMBERSHIP                                                                                              \
	"SELECT format('REVOKE %%I FROM %%I%%s', g.rolname, m.rolname, CASE WHEN"                                      \
	" current_setting('server_version_num')::int >= 160000 THEN format(' GRANTED BY %%I CASCADE',"                 \
	" pg_get_userbyid(a.grantor)) ELSE '' END) FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid"         \
	" JOIN pg_roles m ON m.oid = a.member"

/* Comments of another instance of a broker's. */
#define IS_ANOTHERS                                                                                                    \
	"(starts_with(shobj_description(m.oid, 'pg_authid'), %l) AND right(shobj_description(m.oid, 'pg_authid'), 16)" \
	" <> right(%l, 16) AND shobj_description(m.oid, 'pg_authid') <> %l || %l) AND NOT m.rolsuper"                  \
	" AND m.rolname <> current_user"

void mend_add_strangers(struct sql *sql, const struct pg_work *work)
{
	struct sql query;

	sql_begin_part(&query, sql);
	sql_add(&query, REVOKE_MEMBERSHIP " WHERE m.rolname IN (%l, %l)\n", work->owner, work->reader);
	sql_add(&query, "UNION ALL " REVOKE_MEMBERSHIP " WHERE g.rolname IN (%l, %l) AND " IS_ANOTHERS "\n",
	        work->owner, work->reader, TAG_BEGIN, work->tag, TAG_GUEST, work->owner);
	sql_add(&query,
	        "UNION ALL SELECT DISTINCT format('REVOKE ALL ON DATABASE %%I FROM %%I', d.datname, m.rolname) FROM"
	        " pg_database d, aclexplode(d.datacl) a JOIN pg_roles m ON m.oid = a.grantee WHERE d.datname = %l"
	        " AND m.oid <> d.datdba AND " IS_ANOTHERS "\n",
	        work->owner, TAG_BEGIN, work->tag, TAG_GUEST, work->owner);
	sql_add(&query,
	        "UNION ALL SELECT format('SELECT pg_terminate_backend(%%s)', pid) FROM pg_stat_activity"
	        " WHERE datname = %l AND NOT has_database_privilege(usesysid, datid, 'CONNECT')",
	        work->owner);
	sql_end_loop(sql, &query);
}

void mend_add_memberships(struct sql *sql, const char *login, const char *group)
{
	struct sql query;

	sql_begin_part(&query, sql);
	sql_add(&query, REVOKE_MEMBERSHIP " WHERE m.rolname = %l AND g.rolname <> %l", login, group);
	sql_end_loop(sql, &query);
}

/* ---- attributes ---- */

/* The owner of an adopted database may be a login, which it stays. */
void mend_add_attributes(struct sql *sql, const struct pg_work *work)
{
	const char *more = work_is_superuser(work) ? " NOSUPERUSER NOREPLICATION NOBYPASSRLS" : "";

	sql_add(sql, "ALTER ROLE %i NOCREATEDB NOCREATEROLE%s%s;\n", work->owner, more,
	        name_is_ours(work->owner) ? " NOLOGIN" : "");
	sql_add(sql, "ALTER ROLE %i NOCREATEDB NOCREATEROLE%s NOLOGIN;\n", work->reader, more);
}
