/* adopt: a database that exists becomes an instance under the name it has. What is in it stays as it is, but belongs to
 * the owner role, which may nothing else: the apps act as that role, so whatever it may do on the server, they may.
 *
 * All is looked at before anything is made, and made in one transaction inside the database: what is refused, or fails,
 * is left as it was. */
#include <string.h>

#include "enter.h"
#include "handover.h"
#include "inside.h"
#include "look.h"
#include "postgres.h"
#include "setup.h"

#define HASHED_NAME NAME_END "(_r|" RETIRED_END ")?$" /* the broker's own */

/* The columns of its look at the owner. */
enum {
	ROW_OWNER,
	ROW_RIGHTS, /* what it may do beyond the database; "": nothing */
	ROW_SUPERUSER,
	ROW_SYSTEM,
	ROW_HASHED,
	ROW_CONNECT, /* the broker's role may connect */
	ROW_MEMBER,  /* ... acts for the owner */
	ROW_JOINS,   /* ... may make itself a member of the owner */
	ROW_READER_MARKED,
	ROW_COMMENTED, /* the owner has a comment already */
	ROW_BROKER,
	ROW_LOGIN, /* the owner can log in */
};

struct adoption {
	const char *former; /* the owner until now */
	bool joins;         /* the broker's role has to become a member of it for the time */
	bool commented;
};

/* ---- looking ---- */

static void step_require_adoptable(void *arg)
{
	struct pg_work *work = arg;

	if (!work->facts.database)
		call_fail(work->call, ERR_REFUSED, "there is no database of that name");
	else if (work->facts.owner && !work->facts.owned)
		call_fail(
		    work->call, ERR_REFUSED,
		    "a role of that name exists and is not the database's owner; rename the database, or the role");
	else
		call_next(work->call);
}

/* Superusers, the template databases and the server's own are nobody's instance. */
static bool refuse_kind(struct pg_work *work, const struct rows *rows)
{
	if (rows_say(rows, ROW_SYSTEM))
		call_fail(work->call, ERR_REFUSED,
		          "it is a template, or a database that the server or the broker needs");
	else if (rows_say(rows, ROW_HASHED))
		call_fail(
		    work->call, ERR_REFUSED,
		    "its name has the form of an instance that a broker made; when it is nobody's any more, rename "
		    "it first: ALTER DATABASE ... RENAME TO ...");
	else if (rows_say(rows, ROW_SUPERUSER))
		call_fail(work->call, ERR_REFUSED,
		          "it belongs to the superuser \"%s\"; give it, and what is in it, to a role without rights of "
		          "its own first: ALTER DATABASE ... OWNER TO ...",
		          rows_text(rows, 0, ROW_OWNER));
	else if (rows_text(rows, 0, ROW_RIGHTS)[0] != '\0')
		call_fail(work->call, ERR_REFUSED,
		          "its owner \"%s\" may do more than use it (%s), and so could every app; take that away, or "
		          "give it, and what is in it, to a role of its own first: ALTER DATABASE ... OWNER TO ...",
		          rows_text(rows, 0, ROW_OWNER), rows_text(rows, 0, ROW_RIGHTS));
	else if (rows_say(rows, ROW_LOGIN) && strcmp(rows_text(rows, 0, ROW_OWNER), work->owner) == 0 &&
	         !work->call->keep_owner)
		call_fail(
		    work->call, ERR_REFUSED,
		    "its owner has its name and can log in; apps act as the owner, so they could set its "
		    "password and go on to log in when they are unbound: ALTER ROLE \"%s\" RENAME TO another name "
		    "first, as which it goes on to use the database, or take that in by --keep-owner",
		    work->owner);
	else
		return false;
	return true;
}

static bool refuse_rights(struct pg_work *work, const struct rows *rows)
{
	const char *owner = rows_text(rows, 0, ROW_OWNER), *broker = rows_text(rows, 0, ROW_BROKER);

	if (work->facts.reader && !rows_say(rows, ROW_READER_MARKED))
		call_fail(
		    work->call, ERR_REFUSED,
		    "a role \"%s\" exists, which is what the readers' role has to be called; rename the database, "
		    "or the role",
		    work->reader);
	else if (!rows_say(rows, ROW_CONNECT) && !rows_say(rows, ROW_MEMBER))
		call_fail(work->call, ERR_REFUSED,
		          "the broker's role may not connect to it: GRANT CONNECT ON DATABASE \"%s\" TO \"%s\"",
		          work->owner, broker);
	else if (!rows_say(rows, ROW_MEMBER) && !rows_say(rows, ROW_JOINS))
		call_fail(work->call, ERR_REFUSED,
		          "the broker's role may not act for its owner: GRANT \"%s\" TO \"%s\" WITH ADMIN OPTION",
		          owner, broker);
	else
		return false;
	return true;
}

static void on_owner(struct pg_work *work, const struct rows *rows)
{
	struct adoption *adoption;

	if (rows_count(rows) == 0) {
		call_fail(work->call, ERR_REFUSED, "there is no database of that name");
		return;
	}
	if (refuse_kind(work, rows) || refuse_rights(work, rows))
		return;
	adoption = arena_alloc(&work->arena, sizeof(*adoption));
	if (adoption != NULL)
		*adoption = (struct adoption){.former = arena_text(&work->arena, rows_text(rows, 0, ROW_OWNER)),
		                              .joins = !rows_say(rows, ROW_MEMBER),
		                              .commented = rows_say(rows, ROW_COMMENTED)};
	work->adoption = adoption;
	if (arena_failed(&work->arena))
		call_fail(work->call, ERR_NO_MEMORY, "out of memory");
	else
		call_next(work->call);
}

/* Of the database d and its owner o: whatever o may do outside d. */
#define RIGHTS_BEYOND                                                                                                  \
	"concat_ws(', ', CASE WHEN o.rolcreaterole THEN 'CREATEROLE' END, CASE WHEN o.rolcreatedb THEN 'CREATEDB' "    \
	"END,"                                                                                                         \
	" CASE WHEN o.rolreplication THEN 'REPLICATION' END, CASE WHEN o.rolbypassrls THEN 'BYPASSRLS' END,"           \
	" (SELECT 'member of ' || string_agg(format('\"%%s\"', g.rolname), ', ') FROM pg_auth_members m"               \
	"  JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = o.oid),"                                               \
	" (SELECT 'owner of the database ' || string_agg(format('\"%%s\"', x.datname), ', ') FROM pg_database x"       \
	"  WHERE x.datdba = o.oid AND x.oid <> d.oid),"                                                                \
	" (SELECT 'owner of the tablespace ' || string_agg(format('\"%%s\"', spcname), ', ') FROM pg_tablespace"       \
	"  WHERE spcowner = o.oid),"                                                                                   \
	" (SELECT 'rights in the database ' || string_agg(DISTINCT format('\"%%s\"', x.datname), ', ')"                \
	"  FROM pg_shdepend s JOIN pg_database x ON x.oid = s.dbid OR s.dbid = 0 AND s.classid = "                     \
	"'pg_database'::regclass"                                                                                      \
	"  AND x.oid = s.objid WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = o.oid AND x.oid <> d.oid))"

static void step_look_at_owner(void *arg)
{
	struct pg_work *work = arg;
	struct sql *sql = work_sql(work);

	sql_add(sql, "SELECT o.rolname, " RIGHTS_BEYOND ", o.rolsuper,");
	sql_add(sql,
	        " d.datistemplate OR d.datname IN ('postgres', 'template0', 'template1', 'tsuru_broker',"
	        " current_database()), d.datname ~ %l, has_database_privilege(current_user, d.oid, 'CONNECT'),"
	        " pg_has_role(current_user, o.oid, 'USAGE'), b.rolsuper OR b.rolcreaterole"
	        " AND current_setting('server_version_num')::int < %d"
	        " OR pg_has_role(current_user, o.oid, 'MEMBER WITH ADMIN OPTION'),"
	        " EXISTS (SELECT FROM pg_roles r WHERE r.rolname = %l AND shobj_description(r.oid, 'pg_authid') = %l),"
	        " shobj_description(o.oid, 'pg_authid') IS NOT NULL, b.rolname, o.rolcanlogin"
	        " FROM pg_database d JOIN pg_roles o ON o.oid = d.datdba JOIN pg_roles b ON b.rolname = current_user"
	        " WHERE d.datname = %l",
	        HASHED_NAME, (int64_t)GRANTS_HAVE_OPTIONS, work->reader, work->tag, work->owner);
	work_query(work, on_owner);
}

static void on_missing(struct pg_work *work, const struct rows *rows)
{
	if (rows_count(rows) == 0) {
		call_next(work->call);
		return;
	}
	call_fail(work->call, ERR_REFUSED,
	          "the plan has the extension \"%s\", which the database lacks; a living database gets none from the "
	          "broker: CREATE EXTENSION \"%s\" in it first",
	          rows_text(rows, 0, 0), rows_text(rows, 0, 0));
}

static void ask_extensions(struct pg_work *work)
{
	const struct option *extensions = options_find(&work->call->plan->options, "extensions");
	struct sql *sql = work_sql(work);

	for (size_t i = 0; extensions->set && i < extensions->value.list.count; i++)
		sql_add(sql, sql_is_empty(sql) ? "SELECT w.name FROM (VALUES (%l)" : ", (%l)",
		        extensions->value.list.items[i]);
	if (!sql_is_empty(sql))
		sql_add(sql, ") w(name) WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_extension e"
		             " WHERE e.extname::text OPERATOR(pg_catalog.=) w.name)");
	work_query_inside(work, on_missing);
}

static void step_look_into_it(void *arg)
{
	struct pg_work *work = arg;

	work_enter(work, work->owner, ask_extensions);
}

/* ---- taking over ---- */

static void add_owner(struct sql *sql, const struct pg_work *work)
{
	const struct adoption *adoption = work->adoption;

	if (adoption->joins)
		sql_add(sql, "GRANT %i TO CURRENT_USER;\n", adoption->former);
	sql_add(sql, "ALTER DATABASE %i OWNER TO %i;\n", work->owner, work->owner);
	handover_add(sql, work, adoption->former);
	handover_add_end(sql, work);
	if (adoption->joins)
		sql_add(sql, "REVOKE %i FROM CURRENT_USER;\n", adoption->former);
	/* The other way round: it goes on to use the database, and nobody may do what it may. */
	sql_add(sql, "GRANT %i TO %i;\nGRANT CONNECT, TEMPORARY ON DATABASE %i TO %i;\n", work->owner, adoption->former,
	        work->owner, adoption->former);
	if (!adoption->commented && (work_is_superuser(work) || work_version(work) < GRANTS_HAVE_OPTIONS))
		sql_add(sql, "COMMENT ON ROLE %i IS '" TAG_GUEST "%s';\n", adoption->former, work->owner);
}

static void step_take_over(void *arg)
{
	struct pg_work *work = arg;
	struct sql *sql = work_sql(work);

	sql_add(sql, "BEGIN;\n");
	setup_add_roles(sql, work);
	if (strcmp(work->adoption->former, work->owner) != 0)
		add_owner(sql, work);
	setup_add_opening(sql, work);
	inside_add_default_grants(sql, work);
	inside_add_grants(sql, work);
	sql_add(sql, "COMMIT;\n");
	work_query_inside(work, NULL);
}

const struct step postgres_adopt_steps[] = {
    {"take_session", step_take_session},
    {"look_for_roles_and_database", step_look},
    {"adopt_the_database", step_require_adoptable},
    {"take_the_database_over", step_look_at_owner},
    {"look_into_it", step_look_into_it},
    {"take_it_over", step_take_over},
    {NULL, NULL},
};
