/* What provision, adopt and update set up around a database: its roles, who may connect, what is in it for readers. */
#include "setup.h"

#include "dialect.h"
#include "enter.h"
#include "extensions.h"
#include "hinder.h"
#include "inside.h"
#include "owned.h"
#include "roles.h"

#define PUBLIC_SCHEMA_CLOSED 150000 /* the first version where public belongs to the database's owner alone */

void setup_add_roles(struct sql *sql, const struct pg_work *work)
{
	if (!work->facts.owner)
		sql_add(sql, "CREATE ROLE %i NOLOGIN;\n", work->owner);
	if (!work->facts.reader)
		sql_add(sql, "CREATE ROLE %i NOLOGIN;\n", work->reader);
	owned_add_role_tags(sql, work);
	/* Only a member may give a database to a role and act for it. */
	if (!work_is_superuser(work))
		sql_add(sql, "GRANT %i TO CURRENT_USER%s;\n", work->owner, work_membership(work));
}

void setup_add_opening(struct sql *sql, const struct pg_work *work)
{
	sql_add(sql, "REVOKE ALL ON DATABASE %i FROM PUBLIC;\nGRANT ALL ON DATABASE %i TO %i;\n", work->owner,
	        work->owner, work->owner);
	sql_add(sql, "ALTER DATABASE %i ALLOW_CONNECTIONS true CONNECTION LIMIT %d;\n", work->owner,
	        plan_connection_limit(work->call->plan));
	hinder_add_settings(sql, work->owner);
	owned_add_database_tag(sql, work);
	roles_add_settings(sql, work, work->owner, ROLE_OWNER);
}

void step_create_roles(void *arg)
{
	struct pg_work *work = arg;

	setup_add_roles(work_sql(work), work);
	work_query(work, NULL);
}

void step_open_database(void *arg)
{
	struct pg_work *work = arg;

	setup_add_opening(work_sql(work), work);
	work_query(work, NULL);
}

/* Before 15 the schema is a superuser's and everybody may create objects there. It is given to the owner by whoever may
 * do that: a superuser, or the broker's role where the schema of the plan's template is its own. */
static void close_public_schema(struct sql *sql, const struct pg_work *work)
{
	struct sql query;

	sql_begin_part(&query, sql);
	sql_add(&query,
	        "SELECT unnest(ARRAY[format('ALTER SCHEMA public OWNER TO %%I', %l),"
	        " 'REVOKE CREATE ON SCHEMA public FROM PUBLIC']) FROM pg_namespace"
	        " WHERE nspname = 'public' AND pg_has_role(nspowner, 'USAGE')",
	        work->owner);
	sql_end_loop(sql, &query);
}

static void finish_preparing(struct pg_work *work)
{
	struct sql *sql = work_sql(work);

	if (work->call->kind == CALL_PROVISION && work_version(work) < PUBLIC_SCHEMA_CLOSED)
		close_public_schema(sql, work);
	inside_add_default_grants(sql, work);
	inside_add_grants(sql, work);
	sql_add(sql, "COMMIT;\n");
	work_query_inside(work, NULL);
}

static void on_begun(struct pg_work *work, const struct rows *rows)
{
	(void)rows;
	if (extensions_are_wanted(work))
		extensions_install(work, finish_preparing);
	else
		finish_preparing(work);
}

static void begin_preparing(struct pg_work *work)
{
	sql_add(work_sql(work), "BEGIN");
	work_query_inside(work, on_begun);
}

void step_prepare_database(void *arg)
{
	struct pg_work *work = arg;

	work_enter(work, work->owner, begin_preparing);
}
