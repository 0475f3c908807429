/* unbind: the login's sessions end, what it owned goes to the owner, and the role goes. The database stays as it is,
 * and may also be gone. */
#include "mend.h"
#include "roles.h"

static void step_disable_login(void *arg)
{
	struct work *work = arg;

	if (!work->facts.login) {
		steps_finish(&work->steps);
		return;
	}
	roles_take_one(work, work->login);
	step_disable_roles(work);
}

static void step_drop_login(void *arg)
{
	struct work *work = arg;
	struct sql *sql = work_sql(work);

	if (work->facts.database)
		sql_add(sql, "REVOKE ALL ON DATABASE %i FROM %i;\n", work->owner, work->login);
	sql_add(sql, "DROP ROLE IF EXISTS %i;\n", work->login);
	work_query(work, NULL);
}

static const struct step unbind_steps[] = {
    {"take_session", step_take_session},
    {"look_for_roles_and_database", step_look},
    {"disable_login", step_disable_login},
    {"end_sessions", step_end_sessions},
    {"act_for_the_owner", step_join_owner},
    {"find_what_it_left", step_find_leftovers},
    {"clear_what_it_left", step_clear_leftovers},
    {"drop_login", step_drop_login},
    {NULL, NULL},
};

void postgres_unbind(void *state, struct driver_call *call)
{
	struct work *work = work_begin(state, call);

	if (work != NULL)
		work_start(work, unbind_steps);
}
