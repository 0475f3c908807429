/* provision, update and adopt: the database, and what the plan gives the logins in it. */
#include <string.h>

#include "accounts.h"

/* ---- provision ---- */

static void step_create_database(void *arg)
{
	struct work *work = arg;
	const struct options *options = &work->call->plan->options;
	const char *collation = options_text(options, "collation");
	struct sql *sql = maria_sql(work);

	sql_add(sql, "CREATE DATABASE IF NOT EXISTS %i CHARACTER SET %l", work->database,
	        options_text(options, "charset"));
	if (collation != NULL)
		sql_add(sql, " COLLATE %l", collation);
	maria_query(work, NULL);
}

static const struct step provision_steps[] = {
    {"take_session", maria_step_take_session},
    {"look_for_the_database", maria_step_look},
    {"create_the_database", step_create_database},
    {NULL, NULL},
};

void maria_provision(void *state, struct driver_call *call)
{
	maria_start(state, call, provision_steps);
}

/* ---- update ---- */

static void step_apply_plan(void *arg)
{
	struct work *work = arg;
	struct sql *sql = maria_sql(work);

	for (size_t i = 0; i < work->account_count; i++) {
		sql_add(sql, "ALTER USER ");
		maria_add_account(sql, work->accounts[i].user, work->accounts[i].host);
		if (maria_add_limits(work, sql) != 0)
			return;
		sql_add(sql, ";\n");
	}
	maria_query(work, NULL);
}

static const struct step update_steps[] = {
    {"take_session", maria_step_take_session},
    {"look_for_the_database", maria_step_look},
    {"find_the_database", maria_step_require_database},
    {"find_logins", maria_step_find_accounts},
    {"apply_the_plan", step_apply_plan},
    {NULL, NULL},
};

void maria_update(void *state, struct driver_call *call)
{
	maria_start(state, call, update_steps);
}

/* ---- adopt ---- */

static void step_require_adoptable(void *arg)
{
	static const char *const system[] = {"mysql", "information_schema", "performance_schema", "sys"};
	struct work *work = arg;

	for (size_t i = 0; i < sizeof(system) / sizeof(*system); i++)
		if (strcasecmp(work->database, system[i]) == 0) {
			maria_fail(work, ERR_REFUSED, "it is the server's own");
			return;
		}
	if (work->has_database)
		steps_next(&work->steps);
	else
		maria_fail(work, ERR_REFUSED, "there is no database of that name");
}

static const struct step adopt_steps[] = {
    {"take_session", maria_step_take_session},
    {"look_for_the_database", maria_step_look},
    {"find_the_database", step_require_adoptable},
    {NULL, NULL},
};

void maria_adopt(void *state, struct driver_call *call)
{
	maria_start(state, call, adopt_steps);
}
