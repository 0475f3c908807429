/* deprovision: what the records say is dropped, under the name that they say: a living database, or a retired one. What
 * stands under the other name is told and left alone with the roles, which it needs. Any part may be gone. */
#include "empty.h"
#include "look.h"
#include "mend.h"
#include "owned.h"
#include "postgres.h"
#include "roles.h"
#include "shut.h"
#include "subscription.h"

static void step_drop_database(void *arg)
{
	struct pg_work *work = arg;
	struct sql *sql = work_sql(work);
	const char *database = empty_database(work);

	if (database != NULL)
		sql_add(sql, "DROP DATABASE IF EXISTS %i WITH (FORCE)", database);
	work_query(work, NULL);
}

/* ---- a living one ---- */

static void step_spare_retired_database(void *arg)
{
	struct pg_work *work = arg;

	if (work->facts.retired && work->facts.retired_owned)
		call_fail(work->call, ERR_REFUSED,
		          "the database \"%s\" is put away as \"%s\", which the records do not say, so that is left "
		          "alone; drop it, or keep it by ALTER DATABASE \"%s\" OWNER TO another role, then try again",
		          work->owner, work->retired, work->retired);
	else
		call_next(work->call);
}

const struct step postgres_deprovision_steps[] = {
    {"take_session", step_take_session},
    {"see_what_is_there", step_peek},
    {"see_the_database", step_require_own_database},
    {"see_roles", step_find_roles},
    {"shut_logins", step_shut_roles},
    {"end_sessions", step_end_sessions},
    {"look_for_roles_and_database", step_look},
    {"find_the_database", step_require_own_database},
    {"act_for_the_owner", step_join_owner},
    {"find_roles", step_find_roles},
    {"disable_logins", step_shut_roles},
    {"end_last_sessions", step_end_sessions},
    {"end_subscriptions", step_end_subscriptions},
    {"close_database", step_close_database},
    {"empty_database", step_empty_database},
    {"drop_database", step_drop_database},
    {"spare_the_retired_database", step_spare_retired_database},
    {"find_what_roles_left", step_find_leftovers},
    {"clear_what_roles_left", step_clear_leftovers},
    {"drop_roles", step_drop_roles},
    {NULL, NULL},
};

/* ---- a retired one ---- */

/* Nobody in it is disturbed: its roles and logins are not touched either. */
static void step_spare_living_database(void *arg)
{
	struct pg_work *work = arg;

	if (work->facts.database)
		call_fail(work->call, ERR_REFUSED,
		          "the records say that the database is put away as \"%s\", but \"%s\" is alive: it is left "
		          "alone; \"ctl forget\" keeps it without the broker, and ALTER DATABASE \"%s\" RENAME TO "
		          "\"%s\" with \"ctl retry\" drops it",
		          work->retired, work->owner, work->owner, work->retired);
	else
		call_next(work->call);
}

const struct step postgres_deprovision_retired_steps[] = {
    {"take_session", step_take_session},
    {"look_for_roles_and_database", step_look},
    {"find_the_retired_database", step_require_own_retired},
    {"act_for_the_owner", step_join_owner},
    {"end_subscriptions", step_end_subscriptions},
    {"close_retired_database", step_close_database},
    {"empty_retired_database", step_empty_database},
    {"drop_retired_database", step_drop_database},
    {"spare_the_living_database", step_spare_living_database},
    {"find_roles", step_find_roles},
    {"disable_logins", step_shut_roles},
    {"end_sessions", step_end_sessions},
    {"find_what_roles_left", step_find_leftovers},
    {"clear_what_roles_left", step_clear_leftovers},
    {"drop_roles", step_drop_roles},
    {NULL, NULL},
};
