/* list: everything on a server whose name has the broker's form, in one query; nothing is changed. */
#include "postgres.h"
#include "work.h"

static void on_list(struct pg_work *work, const struct rows *rows)
{
	for (int i = 0; i < rows_count(rows); i++)
		call_result(work->call, rows_text(rows, i, 0), rows_text(rows, i, 1));
	call_next(work->call);
}

/* The roles of a database bear its name. Those of adopted ones have none of the broker's, but its comment; a database
 * that is put away has its owner by that name. */
static void step_list(void *arg)
{
	struct pg_work *work = arg;

	sql_add(work_sql(work),
	        "WITH own AS (SELECT datname ~ %l AS retired, regexp_replace(datname, %l, '') AS name FROM pg_database"
	        " WHERE datname ~ %l OR EXISTS (SELECT FROM pg_roles r WHERE r.oid = datdba AND starts_with("
	        "shobj_description(r.oid, 'pg_authid'), '" TAG_INSTANCE
	        "') AND datname IN (r.rolname, r.rolname || %l)))\n"
	        "SELECT CASE WHEN retired THEN %l ELSE %l END, name FROM own UNION ALL SELECT %l, rolname FROM pg_roles"
	        " WHERE rolname ~ %l AND rolname NOT IN (SELECT name FROM own)",
	        RETIRED_END "$", RETIRED_END "$", NAME_END "(" RETIRED_END ")?$", RETIRED_END, LIST_RETIRED,
	        LIST_INSTANCE, LIST_LOGIN, NAME_END "$");
	work_query(work, on_list);
}

const struct step postgres_list_steps[] = {
    {"take_session", step_take_session},
    {"list_what_it_has", step_list},
    {NULL, NULL},
};
