/* provision: the roles, the database, and what is set up inside it. The database opens to connections only when the
 * public has lost its right to connect. */
#include "inside.h"
#include "roles.h"

#define PUBLIC_SCHEMA_CLOSED 150000 /* the first version where public belongs to the database's owner alone */
#define GRANTS_HAVE_OPTIONS  160000

static void step_create_roles(void *arg)
{
	struct work *work = arg;
	struct sql *sql = work_sql(work);

	if (!work->facts.owner)
		sql_add(sql, "CREATE ROLE %i NOLOGIN;\n", work->owner);
	if (!work->facts.reader)
		sql_add(sql, "CREATE ROLE %i NOLOGIN;\n", work->reader);
	/* Only a member may give a database to a role and act for it. */
	if (!work_is_superuser(work))
		sql_add(sql, "GRANT %i TO CURRENT_USER%s;\n", work->owner,
		        work_version(work) >= GRANTS_HAVE_OPTIONS ? " WITH INHERIT TRUE, SET TRUE" : "");
	work_query(work, NULL);
}

/* template1 may hold what does not fit another locale; template0 never does. */
static void step_create_database(void *arg)
{
	struct work *work = arg;
	const struct options *options = &work->call->plan->options;
	const char *locale = options_text(options, "locale");
	const char *template = options_text(options, "template");
	struct sql *sql = work_sql(work);

	if (work->facts.database && !work->facts.owned) {
		work_fail(work, ERR_REFUSED, "a database of that name is there and belongs to somebody else");
		return;
	}
	if (work->facts.database) {
		steps_next(&work->steps);
		return;
	}
	if (template == NULL)
		template = locale != NULL ? "template0" : "template1";
	sql_add(sql, "CREATE DATABASE %i OWNER %i TEMPLATE %i ALLOW_CONNECTIONS false", work->owner, work->owner,
	        template);
	if (locale != NULL)
		sql_add(sql, " ENCODING 'UTF8' LOCALE %l", locale);
	work_query(work, NULL);
}

static void step_open_database(void *arg)
{
	struct work *work = arg;
	struct sql *sql = work_sql(work);

	sql_add(sql, "REVOKE CONNECT, TEMPORARY ON DATABASE %i FROM PUBLIC;\n", work->owner);
	sql_add(sql, "ALTER DATABASE %i ALLOW_CONNECTIONS true CONNECTION LIMIT %d;\n", work->owner,
	        plan_connection_limit(work->call->plan));
	roles_add_settings(sql, work, work->owner, ROLE_OWNER);
	work_query(work, NULL);
}

static void on_prepared(struct work *work, const PGresult *rows)
{
	(void)rows;
	work_leave(work);
	steps_next(&work->steps);
}

static void prepare(struct work *work)
{
	struct sql *sql = work_sql(work);

	sql_add(sql, "BEGIN;\n");
	/* Before 15 it takes a superuser to close the schema public; the manual says what others do. */
	if (work_version(work) < PUBLIC_SCHEMA_CLOSED && work_is_superuser(work))
		sql_add(sql, "ALTER SCHEMA public OWNER TO %i;\nREVOKE CREATE ON SCHEMA public FROM PUBLIC;\n",
		        work->owner);
	inside_add_extensions(sql, work->call->plan);
	inside_add_default_grants(sql, work);
	inside_add_grants(sql, work);
	sql_add(sql, "COMMIT;\n");
	work_query_inside(work, on_prepared);
}

static void step_prepare_database(void *arg)
{
	struct work *work = arg;

	work_enter(work, work->owner, prepare);
}

static const struct step provision_steps[] = {
    {"take_session", step_take_session},
    {"look_for_roles_and_database", step_look},
    {"create_roles", step_create_roles},
    {"create_database", step_create_database},
    {"open_database", step_open_database},
    {"prepare_database", step_prepare_database},
    {NULL, NULL},
};

void postgres_provision(void *state, struct driver_call *call)
{
	struct work *work = work_begin(state, call);

	if (work != NULL)
		work_start(work, provision_steps);
}
