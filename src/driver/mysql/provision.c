/* provision, update and adopt: the database, and what the plan gives the logins in it. */
#include <string.h>

#include "accounts.h"
#include "look.h"
#include "query.h"

/* ---- provision ---- */

static void step_create_database(void *arg)
{
	struct mysql_work *work = arg;
	const struct options *options = &work->call->plan->options;
	const char *collation = options_text(options, "collation");
	struct sql *sql = maria_sql(work);

	sql_add(sql, "CREATE DATABASE IF NOT EXISTS %i CHARACTER SET %l", work->database,
	        options_text(options, "charset"));
	if (collation != NULL)
		sql_add(sql, " COLLATE %l", collation);
	if (maria_is_mariadb(work)) {
		char comment[OWNER_COMMENT_SIZE];

		maria_owner_comment(work->call, work->database, comment);
		sql_add(sql, " COMMENT %l", comment);
	}
	maria_query(work, NULL);
}

/* A database from before there were comments, or whose tenant changed it. Last: a tenant that locks tables can hold it
 * up. */
static void step_sign_database(void *arg)
{
	struct mysql_work *work = arg;
	struct sql *sql = maria_sql(work);
	char comment[OWNER_COMMENT_SIZE];

	maria_owner_comment(work->call, work->database, comment);
	if (maria_is_mariadb(work) && work->owner != OWNER_SELF)
		sql_add(sql, "ALTER DATABASE %i COMMENT %l", work->database, comment);
	maria_query(work, NULL);
}

const struct step maria_provision_steps[] = {
    {"take_session", maria_step_take_session},     {"find_it_writable", maria_step_require_writable},

    {"look_for_the_database", maria_step_look},    {"find_no_other_database", maria_step_require_own},
    {"create_the_database", step_create_database}, {NULL, NULL},
};

/* ---- update ---- */

/* Those first that no bind has. */
static void step_choose_ended(void *arg)
{
	struct mysql_work *work = arg;
	size_t ended = 0;

	for (size_t i = 0; i < work->account_count; i++) {
		const struct account account = work->accounts[i];

		if (call_has_bind(work->call, account.user))
			continue;
		work->accounts[i] = work->accounts[ended];
		work->accounts[ended++] = account;
	}
	work->living = work->account_count - ended;
	work->account_count = ended;
	call_next(work->call);
}

static void step_choose_living(void *arg)
{
	struct mysql_work *work = arg;

	work->accounts += work->account_count;
	work->account_count = work->living;
	call_next(work->call);
}

static void step_apply_plan(void *arg)
{
	struct mysql_work *work = arg;
	struct sql *sql = maria_sql(work);

	for (size_t i = 0; i < work->account_count; i++) {
		sql_add(sql, "ALTER USER %l@%l", work->accounts[i].user, work->accounts[i].host);
		if (maria_add_limits(work, sql) != 0)
			return;
		sql_add(sql, " PASSWORD EXPIRE NEVER;\n");
	}
	maria_query(work, NULL);
}

const struct step maria_update_steps[] = {
    {"take_session", maria_step_take_session},       {"find_it_writable", maria_step_require_writable},

    {"look_for_the_database", maria_step_look},      {"find_the_database", maria_step_require_database},
    {"find_logins", maria_step_find_accounts},       {"choose_ended_logins", step_choose_ended},
    {"shut_ended_logins", maria_step_shut_accounts}, {"end_their_sessions", maria_step_end_sessions},
    {"choose_living_logins", step_choose_living},    {"apply_the_plan", step_apply_plan},
    {"sign_the_database", step_sign_database},       {NULL, NULL},
};

/* ---- adopt ---- */

/* A living name of the broker's, or a retired one. */
static bool is_of_the_broker(const char *name)
{
	const size_t length = strlen(name), end = strlen(RETIRED_END);
	char living[BACKEND_NAME_MAX + 1];

	if (length <= end || length - end >= sizeof(living) || strcmp(name + length - end, RETIRED_END) != 0)
		return name_is_ours(name);
	memcpy(living, name, length - end);
	living[length - end] = '\0';
	return name_is_ours(living);
}

static void step_require_adoptable(void *arg)
{
	static const char *const system[] = {"mysql", "information_schema", "performance_schema", "sys"};
	struct mysql_work *work = arg;

	for (size_t i = 0; i < sizeof(system) / sizeof(*system); i++)
		if (strcasecmp(work->database, system[i]) == 0) {
			call_fail(work->call, ERR_REFUSED, "it is the server's own");
			return;
		}
	if (!work->has_database)
		call_fail(work->call, ERR_REFUSED, "there is no database of that name");
	else if (work->owner == OWNER_OTHER || is_of_the_broker(work->database))
		call_fail(work->call, ERR_REFUSED, "it is an instance of the broker already");
	else
		call_next(work->call);
}

const struct step maria_adopt_steps[] = {
    {"take_session", maria_step_take_session},  {"find_it_writable", maria_step_require_writable},

    {"look_for_the_database", maria_step_look}, {"find_the_database", step_require_adoptable},
    {"sign_the_database", step_sign_database},  {NULL, NULL},
};
