/* adopt: a database that exists becomes an instance under the name it has. Its owner goes on to be able to use it; what
 * is in it stays as it is. */
#include <string.h>

#include "setup.h"

enum { ROW_OWNER, ROW_SUPERUSER };

static void step_require_adoptable(void *arg)
{
	struct work *work = arg;

	if (!work->facts.database)
		work_fail(work, ERR_REFUSED, "there is no database of that name");
	else if (work->facts.owner && !work->facts.owned)
		work_fail(work, ERR_REFUSED, "a role of that name exists and is not the database's owner");
	else
		steps_next(&work->steps);
}

/* The new owner acts for the one before, so whatever that one owns in the database is the instance's, too. */
static void on_owner(struct work *work, const struct rows *rows)
{
	const char *owner = rows_text(rows, 0, ROW_OWNER);
	struct sql *sql;

	if (strcmp(owner, work->owner) == 0) {
		steps_next(&work->steps);
		return;
	}
	if (rows_text(rows, 0, ROW_SUPERUSER)[0] == 't') {
		work_fail(work, ERR_REFUSED, "it belongs to the superuser \"%s\"; give it to another role first",
		          owner);
		return;
	}
	sql = work_sql(work);
	sql_add(sql, "GRANT %i TO %i;\n", owner, work->owner);
	sql_add(sql, "ALTER DATABASE %i OWNER TO %i;\n", work->owner, work->owner);
	sql_add(sql, "GRANT CONNECT, TEMPORARY ON DATABASE %i TO %i;\n", work->owner, owner);
	work_query(work, NULL);
}

static void step_take_ownership(void *arg)
{
	struct work *work = arg;

	sql_add(work_sql(work),
	        "SELECT r.rolname, r.rolsuper FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba"
	        " WHERE d.datname = %l",
	        work->owner);
	work_query(work, on_owner);
}

static const struct step adopt_steps[] = {
    {"take_session", step_take_session},           {"look_for_roles_and_database", step_look},
    {"find_the_database", step_require_adoptable}, {"create_roles", step_create_roles},
    {"take_ownership", step_take_ownership},       {"open_database", step_open_database},
    {"prepare_database", step_prepare_database},   {NULL, NULL},
};

void postgres_adopt(void *state, struct driver_call *call)
{
	struct work *work = work_begin(state, call);

	if (work != NULL)
		work_start(work, adopt_steps);
}
