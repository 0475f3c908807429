/* Statements that run inside an instance's database. Its tenant may have put anything there: all
 * is done as the owner role, with no schema in the path but the system's. */
#include "inside.h"

#include "dialect.h"

/* Only what is missing is granted: a grant writes the catalog even when it changes nothing. */
static void add_grant_loop(struct sql *sql, const char *reader)
{
	sql_add(sql,
	        "DECLARE statement text;\n"
	        "BEGIN\n"
	        " FOR statement IN\n"
	        "  SELECT format('GRANT USAGE ON SCHEMA %%I TO %%I', nspname, %l) FROM pg_namespace\n"
	        "  WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'\n"
	        "  AND pg_has_role(nspowner, 'USAGE') AND NOT has_schema_privilege(%l, oid, 'USAGE')\n"
	        " UNION ALL\n"
	        "  SELECT format('GRANT SELECT ON %%s %%I.%%I TO %%I',\n"
	        "   CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, nspname, relname, %l)\n"
	        "  FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace\n"
	        "  WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND nspname !~ '^pg_'\n"
	        "  AND nspname <> 'information_schema' AND pg_has_role(relowner, 'USAGE')\n"
	        "  AND NOT CASE relkind WHEN 'S' THEN has_sequence_privilege(%l, pg_class.oid, 'SELECT')\n"
	        "   ELSE has_table_privilege(%l, pg_class.oid, 'SELECT') END\n"
	        " LOOP EXECUTE statement; END LOOP;\n"
	        "END",
	        reader, reader, reader, reader, reader);
}

void inside_add_grants(struct sql *sql, const struct pg_work *work)
{
	struct sql block;

	sql_begin_part(&block, sql);
	add_grant_loop(&block, work->reader);
	sql_add(sql, "SET LOCAL ROLE %i;\n", work->owner);
	sql_end_block(sql, &block);
	sql_add(sql, "SET LOCAL ROLE NONE;\n");
}

void inside_add_default_grants(struct sql *sql, const struct pg_work *work)
{
	static const char *const grants[] = {"SELECT ON TABLES", "SELECT ON SEQUENCES", "USAGE ON SCHEMAS"};

	for (size_t i = 0; i < sizeof(grants) / sizeof(*grants); i++)
		sql_add(sql, "ALTER DEFAULT PRIVILEGES FOR ROLE %i GRANT %s TO %i;\n", work->owner, grants[i],
		        work->reader);
}
