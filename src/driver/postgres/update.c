/* update: the plan's extensions, limits and settings on a living database and its logins. Extensions are never dropped;
 * locale and template count at creation only. */
#include "extensions.h"
#include "look.h"
#include "mend.h"
#include "owned.h"
#include "postgres.h"
#include "roles.h"
#include "setup.h"

/* First: what a server may lack shows before anything is changed. */
static void step_create_extensions(void *arg)
{
	struct pg_work *work = arg;

	if (work->facts.reader && !roles_have_readers(work) && !extensions_are_wanted(work))
		call_next(work->call);
	else
		step_prepare_database(work);
}

/* Access is closed first. What the tenant, as the owner, did to the database keeps nobody out. */
static void step_shut_strangers(void *arg)
{
	struct pg_work *work = arg;
	struct sql *sql = work_sql(work);

	sql_add(sql, "REVOKE ALL ON DATABASE %i FROM PUBLIC;\n", work->owner);
	sql_add(sql, "ALTER DATABASE %i ALLOW_CONNECTIONS true CONNECTION LIMIT %d IS_TEMPLATE false;\n", work->owner,
	        plan_connection_limit(work->call->plan));
	mend_add_attributes(sql, work);
	mend_add_strangers(sql, work);
	work_query(work, NULL);
}

static void step_apply_plan(void *arg)
{
	struct pg_work *work = arg;
	const int64_t limit = plan_connection_limit(work->call->plan);
	struct sql *sql = work_sql(work);

	setup_add_opening(sql, work);
	for (size_t i = 0; i < work->role_count; i++) {
		const struct role *role = &work->roles[i];

		sql_add(sql, "ALTER ROLE %i CONNECTION LIMIT %d;\n", role->name, limit);
		if (roles_is_bound(work, role->name))
			sql_add(sql, "GRANT CONNECT ON DATABASE %i TO %i;\n", work->owner, role->name);
		owned_add_login_tag(sql, work, role->name);
		roles_add_settings(sql, work, role->name, role->reads ? ROLE_READER : ROLE_WRITER);
	}
	work_query(work, NULL);
}

const struct step postgres_update_steps[] = {
    {"take_session", step_take_session},
    {"look_for_roles_and_database", step_look},
    {"find_the_database", step_require_database},
    {"act_for_the_owner", step_join_owner},
    {"undo_hindrances", step_undo_hindrances},
    {"create_roles", step_create_roles},
    {"shut_strangers", step_shut_strangers},
    {"create_extensions", step_create_extensions},
    {"find_logins", step_find_logins},
    {"apply_the_plan", step_apply_plan},
    {NULL, NULL},
};
