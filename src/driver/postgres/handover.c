/* REASSIGN OWNED takes what a role owns in no order of its own, and unless a superuser asks, it gives a function, an
 * operator and their like only to a role that may create in the schema that they are in. So the schemas go first; one
 * that another login of the instance made stays that one's, and the owner is let into it. What another granted is taken
 * back only by a member of that one. Where any of it cannot be, the server says so, or leaves what was granted.
 *
 * A tenant can make another's login a member, too (before version 15 its own login is its to grant), and the broker's
 * role is to have the rights of none: it leaves those again that it has joined, which a setting of the transaction
 * names. */
#include "handover.h"

#include "dialect.h"

#define LOGINS                                                                                                         \
	" pg_roles r WHERE NOT rolsuper AND rolname <> current_user AND pg_has_role(r.oid,"                            \
	" (SELECT oid FROM pg_roles WHERE rolname = %l), 'MEMBER')"

#define JOINED "'tsuru_broker.joined'"

static void add_blocks(struct sql *block, const struct pg_work *work, const char *from)
{
	sql_add(
	    block,
	    "DECLARE one record; joined name[] := '{}'; BEGIN\n"
	    " FOR one IN SELECT rolname FROM" LOGINS " AND NOT pg_has_role(r.oid, 'USAGE') LOOP\n"
	    "  BEGIN EXECUTE format('GRANT %%I TO %%I%s', one.rolname, current_user); joined := joined || one.rolname;"
	    " EXCEPTION WHEN insufficient_privilege THEN NULL; END;\n END LOOP;\n"
	    " PERFORM set_config(" JOINED ", joined::text, true);\n",
	    work->owner, work_membership(work));
	sql_add(block,
	        " FOR one IN SELECT nspname FROM pg_namespace WHERE nspowner ="
	        " (SELECT oid FROM pg_roles WHERE rolname = %l) LOOP\n"
	        "  EXECUTE format('ALTER SCHEMA %%I OWNER TO %%I', one.nspname, %l);\n END LOOP;\n",
	        from, work->owner);
	sql_add(block,
	        " FOR one IN SELECT nspname FROM pg_namespace n WHERE nspowner IN (SELECT r.oid FROM" LOGINS ")"
	        " AND NOT has_schema_privilege(%l, n.oid, 'CREATE') LOOP\n"
	        "  BEGIN EXECUTE format('GRANT CREATE ON SCHEMA %%I TO %%I', one.nspname, %l);"
	        " EXCEPTION WHEN insufficient_privilege THEN NULL; END;\n END LOOP;\nEND",
	        work->owner, work->owner, work->owner);
}

static void add_preparation(struct sql *sql, const struct pg_work *work, const char *from)
{
	struct sql block;

	sql_begin_part(&block, sql);
	add_blocks(&block, work, from);
	sql_end_block(sql, &block);
}

void handover_add(struct sql *sql, const struct pg_work *work, const char *from)
{
	if (!work_is_superuser(work))
		add_preparation(sql, work, from);
	sql_add(sql, "REASSIGN OWNED BY %i TO %i;\n", from, work->owner);
}

void handover_add_end(struct sql *sql, const struct pg_work *work)
{
	struct sql block;

	if (work_is_superuser(work))
		return;
	sql_begin_part(&block, sql);
	sql_add(&block, "DECLARE login name; BEGIN\n"
	                " FOREACH login IN ARRAY current_setting(" JOINED ")::name[] LOOP\n"
	                "  EXECUTE format('REVOKE %%I FROM %%I', login, current_user);\n END LOOP;\nEND");
	sql_end_block(sql, &block);
}
