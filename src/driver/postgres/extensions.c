/* The script of an extension runs with the rights of whoever installs it, in the broker's case a superuser's perhaps,
 * or of the server's first superuser when it is a trusted one. Many scripts name types, functions and operators without
 * their schema: whoever could put an object of that name into one of the schemas that the script sees would have it
 * called with those rights. CREATE EXTENSION lets a script see its own schema and those of the extensions that it
 * requires. So all of them have to be the broker's: the schema `extensions`, in which nobody else may create anything,
 * and pg_catalog.
 *
 * While a database is made nobody else has been in it, and what an extension requires comes with it (CASCADE). In a
 * living one, each of what it requires has to be installed already, by the broker or a superuser, and to stand in one
 * of the two; CASCADE would take one that a tenant had installed into a schema of its own. All is one transaction. */
#include "extensions.h"

#include <string.h>

enum {
	ROW_NAME,
	ROW_SCHEMA,  /* the one that it insists on; "" when it takes any */
	ROW_LACKING, /* what it requires that is not installed as it should be, and how it is */
	ROW_SCHEMA_OWNER,
	ROW_SCHEMA_IS_OURS, /* of the schema `extensions`; "" when there is none */
};

bool extensions_are_wanted(const struct pg_work *work)
{
	const struct option *extensions = options_find(&work->call->plan->options, "extensions");

	return extensions->set && extensions->value.list.count > 0 && !work->call->mends;
}

/* Nobody but the broker has been in it. */
static bool is_new(const struct pg_work *work)
{
	return work->call->kind == CALL_PROVISION;
}

static void find_missing(struct pg_work *work, const struct rows *rows);

static void create_extension(struct pg_work *work, const struct rows *rows)
{
	const char *schema = rows_text(rows, 0, ROW_SCHEMA);
	struct sql *sql = work_sql(work);

	if (rows_text(rows, 0, ROW_SCHEMA_IS_OURS)[0] == '\0')
		sql_add(sql,
		        "CREATE SCHEMA " EXTENSIONS_SCHEMA ";\nGRANT USAGE ON SCHEMA " EXTENSIONS_SCHEMA " TO PUBLIC;\n"
		        "ALTER DATABASE %i SET search_path TO \"$user\", public, " EXTENSIONS_SCHEMA ";\n",
		        work->owner);
	sql_add(sql, "CREATE EXTENSION %i SCHEMA %i%s", rows_text(rows, 0, ROW_NAME),
	        schema[0] != '\0' ? schema : EXTENSIONS_SCHEMA, is_new(work) ? " CASCADE" : "");
	work_query_inside(work, find_missing);
}

static void judge_extension(struct pg_work *work, const struct rows *rows)
{
	const char *name = rows_text(rows, 0, ROW_NAME), *schema = rows_text(rows, 0, ROW_SCHEMA);
	const char *lacking = rows_text(rows, 0, ROW_LACKING);

	if (rows_text(rows, 0, ROW_SCHEMA_IS_OURS)[0] == 'f')
		call_fail(work->call, ERR_REFUSED,
		          "the schema \"" EXTENSIONS_SCHEMA
		          "\" is not the broker's alone (it belongs to \"%s\", or others "
		          "may create in it), so nothing is installed there; it has to be renamed first",
		          rows_text(rows, 0, ROW_SCHEMA_OWNER));
	else if (!is_new(work) && lacking[0] != '\0')
		call_fail(
		    work->call, ERR_REFUSED,
		    "the extension \"%s\" of the plan needs %s; in a living database it is installed only when an "
		    "operator has seen to that: CREATE EXTENSION ... SCHEMA " EXTENSIONS_SCHEMA ", or ALTER EXTENSION "
		    "... SET SCHEMA " EXTENSIONS_SCHEMA ", with the broker's role",
		    name, lacking);
	else if (!is_new(work) && schema[0] != '\0' && strcmp(schema, "pg_catalog") != 0 &&
	         strcmp(schema, EXTENSIONS_SCHEMA) != 0)
		call_fail(
		    work->call, ERR_REFUSED,
		    "the extension \"%s\" of the plan insists on the schema \"%s\", which may be a tenant's: it is "
		    "installed in new databases only",
		    name, schema);
	else
		create_extension(work, rows);
}

static void on_missing(struct pg_work *work, const struct rows *rows)
{
	if (rows_count(rows) == 0)
		work->on_installed(work);
	else
		judge_extension(work, rows);
}

/* One that lacks nothing comes first: it may be what the others require. */
static void find_missing(struct pg_work *work, const struct rows *rows)
{
	const struct option *extensions = options_find(&work->call->plan->options, "extensions");
	struct sql *sql = work_sql(work);

	(void)rows;
	sql_add(
	    sql,
	    "SELECT w.name, v.schema, (SELECT string_agg(format('%%I, which %%s', q.name, CASE WHEN e.oid IS NULL THEN"
	    " 'is not installed' ELSE format('belongs to %%I and stands in the schema %%I', r.rolname, n.nspname)"
	    " END), '; ') FROM unnest(v.requires) q(name) LEFT JOIN pg_extension e ON e.extname = q.name"
	    " LEFT JOIN pg_roles r ON r.oid = e.extowner LEFT JOIN pg_namespace n ON n.oid = e.extnamespace"
	    " WHERE NOT coalesce(" HOME_ADMINS " AND n.nspname IN ('" EXTENSIONS_SCHEMA "', 'pg_catalog'), false))"
	    " AS lacking, s.owner, s.ours\nFROM (VALUES ");
	for (size_t i = 0; i < extensions->value.list.count; i++)
		sql_add(sql, i > 0 ? ", (%l::name)" : "(%l::name)", extensions->value.list.items[i]);
	sql_add(sql,
	        ") w(name) LEFT JOIN pg_available_extensions a ON a.name = w.name"
	        " LEFT JOIN pg_available_extension_versions v ON v.name = a.name AND v.version = a.default_version"
	        " LEFT JOIN (SELECT rolname AS owner, " HOME_ADMINS " AND NOT EXISTS (SELECT FROM aclexplode(nspacl) x"
	        " WHERE x.privilege_type = 'CREATE' AND x.grantee <> nspowner) AS ours"
	        " FROM pg_namespace JOIN pg_roles ON pg_roles.oid = nspowner WHERE nspname = '" EXTENSIONS_SCHEMA "') s"
	        " ON true WHERE NOT EXISTS (SELECT FROM pg_extension WHERE extname = w.name)"
	        " ORDER BY lacking NULLS FIRST LIMIT 1");
	work_query_inside(work, on_missing);
}

void extensions_install(struct pg_work *work, void (*on_done)(struct pg_work *work))
{
	work->on_installed = on_done;
	find_missing(work, NULL);
}
