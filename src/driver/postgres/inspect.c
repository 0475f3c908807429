/* inspect: what a server has of an instance, beside what it should have. The server itself finds the differences: each
 * row of the first query is one, with its kind and its sentence. Nothing is changed. What a query says of rights is
 * what mend.c does about them, and both ask for what the present user of the broker may do. */
#include <string.h>

#include "behind.h"
#include "enter.h"
#include "hinder.h"
#include "inspect_logins.h"
#include "inspect_passwords.h"
#include "mend.h"
#include "owned.h"
#include "postgres.h"
#include "roles.h"

/* ---- the database and its two roles ---- */

/* d: the database; own: its two roles; me: the broker's; strangers: who has no part in it. A role with CREATEROLE, such
 * as the broker's before a change of the url, can take what it likes and is none. tag: the comment. may: whether the
 * broker's user can change memberships and attributes by itself. */
static void add_tables(struct sql *sql, const struct pg_work *work)
{
	const struct driver_call *call = work->call;

	sql_add(sql, "WITH d AS (SELECT * FROM pg_database WHERE datname = %l),\n", work->owner);
	sql_add(sql, "own AS (SELECT * FROM pg_roles WHERE rolname IN (%l, %l)),\n", work->owner, work->reader);
	sql_add(sql,
	        "me AS (SELECT *, rolsuper OR rolcreaterole AND current_setting('server_version_num')::int < %d AS may"
	        " FROM pg_roles WHERE rolname = current_user),\n",
	        (int64_t)GRANTS_HAVE_OPTIONS);
	sql_add(sql, "logins AS (SELECT * FROM (VALUES (''::text)");
	for (size_t i = 0; i < call->bind_count; i++)
		sql_add(sql, ", (%l)", call->binds[i].login);
	sql_add(sql, ") l(name)),\n");
	sql_add(sql, "roles AS (SELECT *, coalesce(shobj_description(oid, 'pg_authid'), '') AS tag FROM pg_roles),\n"
	             "strangers AS (SELECT *, starts_with(tag, '" TAG_BEGIN "') AS tagged FROM roles"
	             " WHERE NOT rolsuper AND NOT rolcreaterole AND rolname <> current_user AND rolname::text NOT IN "
	             "(SELECT name FROM logins)");
	sql_add(sql, " AND oid NOT IN (SELECT oid FROM own) AND tag <> %l || %l)\n", TAG_GUEST, work->owner);
}

static void add_database(struct sql *sql, const struct pg_work *work)
{
	sql_add(sql,
	        "SELECT 'lost' AS kind, CASE WHEN EXISTS (SELECT FROM pg_database WHERE datname = %l) THEN"
	        " format('the database is put away as \"%%s\", which the records do not say', %l::text)"
	        " ELSE 'the database is not there' END AS found WHERE NOT EXISTS (SELECT FROM d)\n",
	        work->retired, work->retired);
	sql_add(sql,
	        "UNION ALL SELECT 'told', format('the database belongs to \"%%s\"; when it is the instance''s: ALTER"
	        " DATABASE \"%%s\" OWNER TO \"%%s\"', pg_get_userbyid(datdba), datname, datname)"
	        " FROM d WHERE datdba NOT IN (SELECT oid FROM own WHERE rolname = %l)\n",
	        work->owner);
	sql_add(sql,
	        "UNION ALL SELECT 'instance', 'the database takes no connections' FROM d WHERE NOT datallowconn\n");
	sql_add(
	    sql,
	    "UNION ALL SELECT 'instance', 'the owner role lacks rights on the database' FROM d JOIN own ON own.oid ="
	    " datdba WHERE NOT (has_database_privilege(own.oid, d.oid, 'CONNECT') AND"
	    " has_database_privilege(own.oid, d.oid, 'CREATE') AND has_database_privilege(own.oid, d.oid, 'TEMP'))\n");
	sql_add(sql, "UNION ALL SELECT 'instance', 'the database is a template' FROM d WHERE datistemplate\n");
	sql_add(sql,
	        "UNION ALL SELECT 'instance', 'the database''s connection limit is not the plan''s' FROM d"
	        " WHERE datconnlimit <> %d\n",
	        plan_connection_limit(work->call->plan));
	sql_add(
	    sql,
	    "UNION ALL SELECT 'instance', format('the database''s setting %%s keeps its sessions out', c) FROM d JOIN"
	    " pg_db_role_setting s ON s.setdatabase = d.oid AND s.setrole = 0, unnest(s.setconfig) c"
	    " WHERE " HINDER_SETTING "\n");
	sql_add(sql, "UNION ALL SELECT 'instance', 'the owner''s or the readers'' role is missing' FROM d"
	             " WHERE (SELECT count(*) FROM own) < 2\n");
}

/* Who may connect to it, and more. */
static void add_rights(struct sql *sql)
{
	sql_add(sql,
	        "UNION ALL SELECT 'instance', 'everybody may ' || string_agg(lower(privilege_type), ', ') ||"
	        " ' (the public''s rights on the database)' FROM d, aclexplode(coalesce(datacl,"
	        " acldefault('d', datdba))) WHERE grantee = 0 HAVING count(*) > 0\n"
	        "UNION ALL SELECT CASE WHEN tagged THEN 'instance' ELSE 'told' END, format('the role \"%%s\" has"
	        " rights on the database (%%s)', rolname, string_agg(lower(privilege_type), ', ')) ||"
	        " CASE WHEN tagged THEN '' ELSE format('; when that is not meant: REVOKE ALL ON DATABASE \"%%s\" FROM"
	        " \"%%s\", otherwise: COMMENT ON ROLE \"%%s\" IS ''" TAG_GUEST "%%s''', datname, rolname, rolname,"
	        " datname) END FROM d, aclexplode(datacl) a JOIN strangers s ON s.oid = a.grantee"
	        " WHERE s.oid <> datdba GROUP BY tagged, rolname, datname\n");
}

static void add_attributes(struct sql *sql, const struct pg_work *work)
{
	sql_add(sql,
	        "UNION ALL SELECT CASE WHEN me.rolsuper OR NOT (r.rolsuper OR r.rolreplication OR r.rolbypassrls) THEN"
	        " 'instance' ELSE 'told' END, format('the role \"%%s\" has what it should not: ALTER ROLE \"%%s\""
	        " NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOLOGIN', r.rolname, r.rolname)"
	        " FROM own r, me WHERE r.rolsuper OR r.rolcreatedb OR r.rolcreaterole OR r.rolreplication OR"
	        " r.rolbypassrls OR r.rolcanlogin AND (r.rolname = %l OR r.rolname ~ %l)\n",
	        work->reader, NAME_END "$");
}

static void add_memberships(struct sql *sql)
{
	sql_add(sql, "UNION ALL SELECT CASE WHEN " MEND_MAY_REVOKE " THEN 'instance' ELSE 'told' END,"
	             " format('the role \"%%s\" is a member of \"%%s\", so every app is: REVOKE \"%%s\" FROM \"%%s\"',"
	             " r.rolname, g.rolname, g.rolname, r.rolname) || " MEND_GRANTED_BY " FROM pg_auth_members a"
	             " JOIN own r ON r.oid = a.member JOIN pg_roles g ON g.oid = a.roleid\n");
	sql_add(sql,
	        "UNION ALL SELECT CASE WHEN s.tagged AND " MEND_MAY_REVOKE " AND s.tag !~ ('^" TAG_BIND
	        "' || right(g.tag, 16)) THEN 'instance' ELSE 'told' END, format('the role \"%%s\" is a member of"
	        " \"%%s\" and no app''s login by the records; when that is not meant: REVOKE \"%%s\" FROM \"%%s\"',"
	        " s.rolname, g.rolname, g.rolname, s.rolname) || " MEND_GRANTED_BY " || CASE WHEN s.tagged THEN ''"
	        " ELSE format(', otherwise: COMMENT ON ROLE \"%%s\" IS ''" TAG_GUEST "%%s''', s.rolname, d.datname)"
	        " END FROM d, pg_auth_members a JOIN strangers s ON s.oid = a.member JOIN roles g ON g.oid = a.roleid"
	        " WHERE g.oid IN (SELECT oid FROM own) AND (s.rolcanlogin OR s.tag <> '" TAG_BIND
	        "' || right(g.tag, 16))\n");
}

/* Logins that could not be dropped when they were unbound. */
static void add_behind(struct sql *sql, const struct pg_work *work)
{
	if (work->tag[0] == '\0')
		return;
	sql_add(sql, "UNION ALL SELECT 'told', told FROM (");
	behind_add_sentences(sql, "NOT r.rolcanlogin AND r.rolname::text NOT IN (SELECT name FROM logins) AND r.oid IN"
	                          " (SELECT objoid FROM pg_shdescription WHERE classoid = 'pg_authid'::regclass");
	sql_add(sql, " AND description = '" TAG_BIND "' || %l)) b (told)\n", owned_incarnation(work));
}

/* What bind, unbind and removal need; they take it by themselves where the server allows it (mend.h). */
static void add_needs(struct sql *sql)
{
	sql_add(
	    sql,
	    "UNION ALL SELECT 'told', format('the broker''s role \"%%s\" lacks %%s, which it needs: ALTER ROLE \"%%s\""
	    " CREATEDB CREATEROLE INHERIT', rolname, concat_ws(', ', CASE WHEN NOT rolcreatedb THEN 'CREATEDB' END,"
	    " CASE WHEN NOT rolcreaterole THEN 'CREATEROLE' END, CASE WHEN NOT rolinherit THEN 'INHERIT' END),"
	    " rolname) FROM me WHERE NOT rolsuper AND NOT (rolcreatedb AND rolcreaterole AND rolinherit)\n"
	    "UNION ALL SELECT CASE WHEN me.may OR pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION') THEN 'instance'"
	    " ELSE 'told' END, format('the broker''s role \"%%s\" may not act for \"%%s\": GRANT \"%%s\" TO \"%%s\""
	    " WITH ADMIN OPTION', me.rolname, r.rolname, r.rolname, me.rolname) FROM me, d JOIN pg_roles r ON"
	    " r.rolname = d.datname WHERE NOT me.rolsuper AND NOT pg_has_role(r.oid, 'USAGE')\n"
	    "UNION ALL SELECT 'told', format('the broker''s role \"%%s\" may not administer %%s: GRANT %%s TO \"%%s\""
	    " WITH ADMIN OPTION', me.rolname, string_agg(format('\"%%s\"', r.rolname), ', '),"
	    " string_agg(format('\"%%s\"', r.rolname), ', '), me.rolname) FROM me, pg_roles r WHERE NOT me.rolsuper"
	    " AND NOT me.may AND NOT pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION') AND (r.oid IN (SELECT oid"
	    " FROM own) OR r.rolname::text IN (SELECT name FROM logins)) GROUP BY me.rolname\n");
}

static void on_differences(struct pg_work *work, const struct rows *rows)
{
	const int count = rows_count(rows);

	if (count > 0 && strcmp(rows_text(rows, 0, 0), DRIFT_LOST) == 0) {
		call_result(work->call, DRIFT_LOST, rows_text(rows, 0, 1));
		call_finish(work->call);
		return;
	}
	for (int i = 0; i < count; i++)
		call_result(work->call, rows_text(rows, i, 0), rows_text(rows, i, 1));
	call_next(work->call);
}

static void step_compare_instance(void *arg)
{
	struct pg_work *work = arg;
	struct sql *sql = work_sql(work);

	add_tables(sql, work);
	sql_add(sql, "SELECT kind, found FROM (\n");
	add_database(sql, work);
	add_rights(sql);
	add_attributes(sql, work);
	add_memberships(sql);
	add_behind(sql, work);
	add_needs(sql);
	sql_add(sql, ") all_of_them ORDER BY kind <> 'lost', kind, found");
	work_query(work, on_differences);
}

/* ---- inside ---- */

static void on_inside(struct pg_work *work, const struct rows *rows)
{
	work_leave(work);
	for (int i = 0; rows != NULL && i < rows_count(rows); i++)
		call_result(work->call, rows_text(rows, i, 0), rows_text(rows, i, 1));
	call_next(work->call);
}

/* What is there belongs to the tenant: only the catalog is asked, each name in full. */
static void ask_inside(struct pg_work *work)
{
	const struct option *extensions = options_find(&work->call->plan->options, "extensions");
	struct sql *sql = work_sql(work);

	sql_add(sql,
	        "SELECT 'instance', 'readers may not read what is made from now on' WHERE (SELECT pg_catalog.count(*)"
	        " FROM pg_catalog.pg_default_acl a, pg_catalog.aclexplode(a.defaclacl) g JOIN pg_catalog.pg_roles r"
	        " ON r.oid OPERATOR(pg_catalog.=) g.grantee WHERE r.rolname OPERATOR(pg_catalog.=) %l::pg_catalog.name"
	        " AND a.defaclnamespace OPERATOR(pg_catalog.=) 0::pg_catalog.oid) OPERATOR(pg_catalog.<) 3\n",
	        work->reader);
	if (extensions->set && extensions->value.list.count > 0) {
		sql_add(sql,
		        "UNION ALL SELECT 'told', pg_catalog.concat('the plan''s extension \"', w.name, '\" is missing;"
		        " a superuser, or the broker''s role, can make it: CREATE EXTENSION \"', w.name, '\"')"
		        " FROM (VALUES ");
		for (size_t i = 0; i < extensions->value.list.count; i++)
			sql_add(sql, i > 0 ? ", (%l)" : "(%l)", extensions->value.list.items[i]);
		sql_add(sql, ") w(name) WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE"
		             " e.extname OPERATOR(pg_catalog.=) w.name::pg_catalog.name)");
	}
	work_query_inside(work, on_inside);
}

static bool can_enter(const struct driver_call *call)
{
	for (size_t i = 0; i < call->result_count; i++)
		if (strcmp(call->results[i].name, DRIFT_BIND) != 0)
			return false;
	return true;
}

/* An app may hold all connections that its database takes: what was compared so far is told nevertheless. */
static bool stay_outside(struct pg_work *work, const char *sqlstate)
{
	if (sqlstate[0] != '\0')
		return false;
	work_leave(work);
	call_next(work->call);
	return true;
}

/* A connection is only made for what may differ there, and when nothing else does: a mend is looked at again. */
static void step_compare_inside(void *arg)
{
	struct pg_work *work = arg;
	const struct driver_call *call = work->call;

	if (!can_enter(call) || (!roles_have_readers(work) && !options_find(&call->plan->options, "extensions")->set)) {
		call_next(work->call);
		return;
	}
	work_forgive(work, stay_outside);
	work_enter(work, work->owner, ask_inside);
}

const struct step postgres_inspect_steps[] = {
    {"take_session", step_take_session},
    {"compare_the_instance", step_compare_instance},
    {"compare_its_logins", step_compare_logins},
    {"compare_passwords", step_compare_passwords},
    {"compare_what_is_inside", step_compare_inside},
    {NULL, NULL},
};
