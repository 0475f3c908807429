/* A tenant may let the logins of another instance into its database, its own other one's perhaps, and these would keep
 * it from going. The broker made them, so it may make itself a member of each for the moment in which it ends their
 * sessions. A session that is not shown does not say whose it is: each login is tried, those first that may connect. */
#include "guests.h"

#include "dialect.h"

#define TAGGED "starts_with(shobj_description(r.oid, 'pg_authid'), '" TAG_BIND "')"

static void add_candidates(struct sql *block, const char *database)
{
	sql_add(block,
	        "SELECT s.pid, r.rolname, pg_has_role(r.oid, 'USAGE') AS acts FROM (SELECT pid, usesysid FROM"
	        " pg_stat_activity WHERE datname = %l AND usesysid IS NOT NULL UNION ALL SELECT pid, NULL FROM"
	        " (" GUESTS_HIDDEN ") h) s JOIN pg_roles r ON r.oid = coalesce(s.usesysid, r.oid) WHERE " TAGGED
	        " ORDER BY s.pid, has_database_privilege(r.oid, %l, 'CONNECT') DESC",
	        database, database, database);
}

/* What was granted for an attempt that failed is undone with it. */
static void add_block(struct sql *block, const char *database)
{
	sql_add(block, "DECLARE one record; ended int;\nBEGIN\n FOR one IN ");
	add_candidates(block, database);
	sql_add(block,
	        " LOOP\n  CONTINUE WHEN one.pid = ended;\n"
	        "  BEGIN\n"
	        "   IF NOT one.acts THEN EXECUTE format('GRANT %%I TO %%I', one.rolname, current_user); END IF;\n"
	        "   PERFORM pg_terminate_backend(one.pid);\n"
	        "   IF NOT one.acts THEN EXECUTE format('REVOKE %%I FROM %%I', one.rolname, current_user); END IF;\n"
	        "   ended := one.pid;\n"
	        "  EXCEPTION WHEN insufficient_privilege THEN NULL; END;\n"
	        " END LOOP;\nEND");
}

void guests_add_ending(struct sql *sql, const struct pg_work *work, const char *database)
{
	struct sql block;

	if (work_is_superuser(work)) {
		sql_add(sql, "SELECT count(pg_terminate_backend(pid)) FROM (" GUESTS_HIDDEN ") hidden;\n", database);
		return;
	}
	sql_begin_part(&block, sql);
	add_block(&block, database);
	sql_end_block(sql, &block);
}
