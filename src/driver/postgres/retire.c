/* retire and restore: a removed database is locked away under another name with its roles and passwords, and comes back
 * as it was. */
#include <string.h>

#include "mend.h"
#include "roles.h"
#include "shut.h"
#include "sqlstate.h"

/* ---- retire ---- */

static void step_close_database(void *arg);

static void on_closed(struct work *work, const struct rows *rows)
{
	(void)rows;
	steps_next(&work->steps);
}

static bool on_not_closed(struct work *work, const char *sqlstate)
{
	if (!sqlstate_is_blocked(sqlstate) || work_is_held_up(work))
		return false;
	work_pause(work, step_close_database);
	return true;
}

/* What is gone, or put away already, has nobody in it. Who is in it may be changing it, too. */
static void step_close_database(void *arg)
{
	struct work *work = arg;
	struct sql *sql = work_sql(work);

	if (work->facts.database)
		sql_add(sql,
		        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %l"
		        " AND pg_has_role(usesysid, 'USAGE');\n"
		        "SET LOCAL lock_timeout TO '250ms';\nALTER DATABASE %i ALLOW_CONNECTIONS false",
		        work->owner, work->owner);
	work_forgive(work, on_not_closed);
	work_query(work, on_closed);
}

static void step_empty_database(void *arg);

static void on_emptied(struct work *work, const struct rows *rows)
{
	if (strcmp(rows_text(rows, 0, 0), "0") == 0)
		steps_next(&work->steps);
	else
		work_pause(work, step_empty_database);
}

/* Whoever is in it: with a session inside it cannot be renamed. */
static void step_empty_database(void *arg)
{
	struct work *work = arg;
	struct sql *sql = work_sql(work);

	if (work->facts.database)
		sql_add(sql,
		        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %l"
		        " AND pid <> pg_backend_pid()",
		        work->owner);
	work_query(work, on_emptied);
}

static void step_put_away(void *arg)
{
	struct work *work = arg;
	struct sql *sql = work_sql(work);

	if (work->facts.database)
		sql_add(sql, "ALTER DATABASE %i RENAME TO %i", work->owner, work->retired);
	work_query(work, NULL);
}

static const struct step retire_steps[] = {
    {"take_session", step_take_session},
    {"see_what_is_there", step_peek},
    {"see_the_database", step_require_own_database},
    {"see_logins", step_find_logins},
    {"shut_logins", step_shut_roles},
    {"end_sessions", step_end_sessions},
    {"look_for_roles_and_database", step_look},
    {"find_the_database", step_require_own_database},
    {"act_for_the_owner", step_join_owner},
    {"find_logins", step_find_logins},
    {"disable_logins", step_shut_roles},
    {"end_last_sessions", step_end_sessions},
    {"close_database", step_close_database},
    {"empty_database", step_empty_database},
    {"put_away", step_put_away},
    {NULL, NULL},
};

void postgres_retire(void *state, struct driver_call *call)
{
	struct work *work = work_begin(state, call);

	if (work != NULL)
		work_start(work, retire_steps);
}

/* ---- restore ---- */

static void step_take_back(void *arg)
{
	struct work *work = arg;
	struct sql *sql = work_sql(work);

	if (!work->facts.database && !work->facts.retired) {
		work_fail(work, ERR_REFUSED, "the database is not there any more");
		return;
	}
	if (work->facts.database && work->facts.retired) {
		work_fail(
		    work, ERR_REFUSED,
		    "the databases \"%s\" and \"%s\" are both there; drop the one that is not wanted, or rename it",
		    work->owner, work->retired);
		return;
	}
	if (!work->facts.database)
		sql_add(sql, "ALTER DATABASE %i RENAME TO %i", work->retired, work->owner);
	work_query(work, NULL);
}

/* Their passwords are those they had. */
static void step_open_again(void *arg)
{
	struct work *work = arg;
	struct sql *sql = work_sql(work);

	sql_add(sql, "ALTER DATABASE %i ALLOW_CONNECTIONS true;\n", work->owner);
	for (size_t i = 0; i < work->role_count; i++) {
		const char *role = work->roles[i].name;

		if (!roles_is_bound(work, role))
			continue;
		sql_add(sql, "ALTER ROLE %i LOGIN;\n", role);
		if (!work_is_superuser(work))
			sql_add(sql, "REVOKE %i FROM CURRENT_USER;\n", role);
	}
	work_query(work, NULL);
}

static const struct step restore_steps[] = {
    {"take_session", step_take_session},
    {"look_for_roles_and_database", step_look},
    {"find_the_database", step_require_own_database},
    {"act_for_the_owner", step_join_owner},
    {"find_the_retired_database", step_require_own_retired},
    {"take_it_back", step_take_back},
    {"find_logins", step_find_logins},
    {"open_again", step_open_again},
    {NULL, NULL},
};

void postgres_restore(void *state, struct driver_call *call)
{
	struct work *work = work_begin(state, call);

	if (work != NULL)
		work_start(work, restore_steps);
}
