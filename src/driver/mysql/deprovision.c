/* deprovision: the logins first, so that nobody is left to hold the database, then what is in it. Any part may be gone.
 */
#include "accounts.h"

static void step_drop_databases(void *arg)
{
	struct work *work = arg;
	struct sql *sql = maria_sql(work);

	if (work->has_database)
		sql_add(sql, "DROP DATABASE IF EXISTS %i;\n", work->database);
	if (work->has_retired)
		sql_add(sql, "DROP DATABASE IF EXISTS %i;\n", work->retired);
	maria_query(work, NULL);
}

static const struct step deprovision_steps[] = {
    {"take_session", maria_step_take_session}, {"look_for_the_database", maria_step_look},
    {"find_logins", maria_step_find_accounts}, {"lock_logins", maria_step_lock_accounts},
    {"end_sessions", maria_step_end_sessions}, {"drop_the_database", step_drop_databases},
    {"drop_logins", maria_step_drop_accounts}, {NULL, NULL},
};

void maria_deprovision(void *state, struct driver_call *call)
{
	maria_start(state, call, deprovision_steps);
}
