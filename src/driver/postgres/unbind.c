/* unbind: the login is shut and its sessions end; then what it owned goes to the owner, and the role goes. The database
 * stays as it is, and may also be gone. What others granted to the login never keeps it alive: a role that cannot be
 * dropped stays behind, shut. */
#include "look.h"
#include "mend.h"
#include "postgres.h"
#include "roles.h"
#include "shut.h"
#include "sqlstate.h"

static void step_shut_login(void *arg)
{
	struct pg_work *work = arg;

	work->role_count = 0;
	if (work->facts.login)
		roles_take_one(work, work->login);
	step_shut_roles(work);
}

/* An earlier call's session may have made the login, or opened it again, before it gave the lock back. */
static void step_disable_login(void *arg)
{
	struct pg_work *work = arg;

	if (work->facts.login)
		step_shut_login(work);
	else
		call_finish(work->call);
}

/* Another app of the instance may hold the database's row. Then the login stays behind: shut, and without a member. */
static bool on_not_revoked(struct pg_work *work, const char *sqlstate)
{
	if (!sqlstate_is_blocked(sqlstate))
		return false;
	call_next(work->call);
	return true;
}

static void step_revoke_database(void *arg)
{
	struct pg_work *work = arg;
	struct sql *sql = work_sql(work);

	if (work->facts.database)
		sql_add(sql, "REVOKE ALL ON DATABASE %i FROM %i;\n", work->owner, work->login);
	work_forgive(work, on_not_revoked);
	work_query(work, NULL);
}

const struct step postgres_unbind_steps[] = {
    {"take_session", step_take_session},
    {"see_what_is_there", step_peek},
    {"shut_login", step_shut_login},
    {"end_sessions", step_end_sessions},
    {"look_for_roles_and_database", step_look},
    {"disable_login", step_disable_login},
    {"end_last_sessions", step_end_sessions},
    {"act_for_the_owner", step_join_owner},
    {"undo_hindrances", step_undo_hindrances},
    {"find_what_it_left", step_find_leftovers},
    {"clear_what_it_left", step_clear_leftovers},
    {"revoke_the_database", step_revoke_database},
    {"drop_login", step_drop_roles},
    {NULL, NULL},
};
