/* deprovision: the database goes with all sessions in it, then every role that belonged to it. Any part may be gone. */
#include "roles.h"

static void step_drop_database(void *arg)
{
	struct work *work = arg;
	struct sql *sql = work_sql(work);

	if (work->facts.database)
		sql_add(sql, "DROP DATABASE IF EXISTS %i WITH (FORCE)", work->owner);
	work_query(work, NULL);
}

static void step_drop_retired_database(void *arg)
{
	struct work *work = arg;
	struct sql *sql = work_sql(work);

	if (work->facts.retired)
		sql_add(sql, "DROP DATABASE IF EXISTS %i WITH (FORCE)", work->retired);
	work_query(work, NULL);
}

static void step_drop_roles(void *arg)
{
	struct work *work = arg;
	struct sql *sql = work_sql(work);

	for (size_t i = 0; i < work->role_count; i++)
		sql_add(sql, "DROP ROLE IF EXISTS %i;\n", work->roles[i].name);
	work_query(work, NULL);
}

static const struct step deprovision_steps[] = {
    {"take_session", step_take_session},
    {"look_for_roles_and_database", step_look},
    {"find_roles", step_find_roles},
    {"disable_logins", step_disable_roles},
    {"end_sessions", step_end_sessions},
    {"drop_database", step_drop_database},
    {"drop_retired_database", step_drop_retired_database},
    {"find_what_roles_left", step_find_leftovers},
    {"clear_what_roles_left", step_clear_leftovers},
    {"drop_roles", step_drop_roles},
    {NULL, NULL},
};

void postgres_deprovision(void *state, struct driver_call *call)
{
	struct work *work = work_begin(state, call);

	if (work != NULL)
		work_start(work, deprovision_steps);
}
