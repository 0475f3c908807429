/* retire and restore: a removed database is locked away under another name with its roles and passwords, and comes back
 * as it was. */
#include "empty.h"
#include "hinder.h"
#include "look.h"
#include "mend.h"
#include "owned.h"
#include "postgres.h"
#include "roles.h"
#include "shut.h"
#include "subscription.h"

/* ---- retire ---- */

static void step_put_away(void *arg)
{
	struct pg_work *work = arg;
	struct sql *sql = work_sql(work);

	if (work->facts.database)
		sql_add(sql, "ALTER DATABASE %i RENAME TO %i", work->owner, work->retired);
	work_query(work, NULL);
}

const struct step postgres_retire_steps[] = {
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
    {"end_subscriptions", step_end_subscriptions},
    {"close_database", step_close_database},
    {"empty_database", step_empty_database},
    {"drop_slots", step_drop_slots},
    {"put_away", step_put_away},
    {NULL, NULL},
};

/* ---- restore ---- */

static void step_take_back(void *arg)
{
	struct pg_work *work = arg;
	struct sql *sql = work_sql(work);

	if (!work->facts.database && !work->facts.retired) {
		call_fail(work->call, ERR_REFUSED, "the database is not there any more");
		return;
	}
	if (work->facts.database && work->facts.retired) {
		call_fail(
		    work->call, ERR_REFUSED,
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
	struct pg_work *work = arg;
	struct sql *sql = work_sql(work);

	sql_add(sql, "ALTER DATABASE %i ALLOW_CONNECTIONS true;\n", work->owner);
	hinder_add_opening(sql, work->owner, work->owner);
	hinder_add_settings(sql, work->owner);
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

const struct step postgres_restore_steps[] = {
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
