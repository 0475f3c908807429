/* provision: the roles, the database, and what is set up inside it. The database opens to connections only when the
 * public has lost its right to connect. */
#include "look.h"
#include "postgres.h"
#include "setup.h"

/* template0 has nobody in it, and nothing: template1 may hold what an operator forgot, or what does not fit the locale.
 */
static void step_create_database(void *arg)
{
	struct pg_work *work = arg;
	const struct options *options = &work->call->plan->options;
	const char *locale = options_text(options, "locale");
	const char *template = options_text(options, "template");
	struct sql *sql = work_sql(work);

	if (work->facts.database && !work->facts.owned) {
		call_fail(work->call, ERR_REFUSED, "a database of that name is there and belongs to somebody else");
		return;
	}
	if (work->facts.database) {
		call_next(work->call);
		return;
	}
	if (template == NULL)
		template = "template0";
	sql_add(sql, "CREATE DATABASE %i OWNER %i TEMPLATE %i ALLOW_CONNECTIONS false", work->owner, work->owner,
	        template);
	if (locale != NULL)
		sql_add(sql, " ENCODING 'UTF8' LOCALE %l", locale);
	work_query(work, NULL);
}

const struct step postgres_provision_steps[] = {
    {"take_session", step_take_session},
    {"look_for_roles_and_database", step_look},
    {"create_roles", step_create_roles},
    {"create_database", step_create_database},
    {"open_database", step_open_database},
    {"prepare_the_database", step_prepare_database},
    {NULL, NULL},
};
