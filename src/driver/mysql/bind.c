/* bind and unbind: an account with rights in the instance's database alone. Whoever is to lose access does so first. */
#include <stdlib.h>
#include <string.h>

#include "accounts.h"
#include "look.h"
#include "password.h"
#include "query.h"
#include "rights.h"

/* ---- bind ---- */

static bool is_at_app_host(const struct mysql_work *work, const struct account *account)
{
	return strcmp(account->host, work->host->target.app_host) == 0;
}

/* Leaves the one at the configuration's host in work->accounts, if there is one. */
static void step_drop_accounts_elsewhere(void *arg)
{
	struct mysql_work *work = arg;
	struct sql *sql = maria_sql(work);
	size_t kept = 0;

	for (size_t i = 0; i < work->account_count; i++) {
		const struct account *account = &work->accounts[i];

		if (is_at_app_host(work, account)) {
			work->accounts[kept++] = *account;
			continue;
		}
		sql_add(sql, "DROP USER IF EXISTS %l@%l;\n", account->user, account->host);
	}
	work->account_count = kept;
	maria_query(work, NULL);
}

/* Only a login that may do more than it should loses something first. */
static void take_rights(struct mysql_work *work, MYSQL_RES *rows)
{
	MYSQL_ROW row = mysql_fetch_row(rows);
	struct sql *sql = maria_sql(work);

	if (strcmp(row[0], "1") == 0)
		sql_add(sql, "REVOKE ALL PRIVILEGES, GRANT OPTION FROM %l@%l;\n", work->login,
		        work->host->target.app_host);
	maria_add_rights(work, sql, work->login, work->call->read_only);
	maria_query(work, NULL);
}

static void step_grant_rights(void *arg)
{
	struct mysql_work *work = arg;
	struct sql *sql = maria_sql(work);

	sql_add(sql, "SELECT ");
	maria_add_excess(work, sql, work->login, work->call->read_only);
	maria_query(work, take_rights);
}

static void step_end_earlier_sessions(void *arg)
{
	struct mysql_work *work = arg;

	if (work->call->renew)
		maria_step_end_sessions(work);
	else
		call_finish(work->call);
}

static void step_find_earlier(void *arg)
{
	struct mysql_work *work = arg;

	if (work->call->renew)
		maria_step_find_login(work);
	else
		call_next(work->call);
}

static void step_tell(void *arg)
{
	struct mysql_work *work = arg;
	struct driver_call *call = work->call;
	const struct mysql_target *target = &work->host->target;
	struct text url;

	text_init(&url, SQL_MAX);
	maria_target_app_url(target, work->database, work->login, call->password,
	                     options_flag(&call->plan->options, "require_tls"), &url);
	call_result(call, "url", text_string(&url));
	call_result(call, "host", target->public_host);
	call_result(call, "port", target->public_port);
	call_result(call, "database", work->database);
	call_result(call, "user", work->login);
	call_result(call, "password", call->password);
	call->arena.failed |= url.failed;
	text_wipe(&url);
	call_next(call);
}

const struct step maria_bind_steps[] = {
    {"take_session", maria_step_take_session},
    {"find_it_writable", maria_step_require_writable},

    {"find_the_earlier_login", step_find_earlier},
    {"shut_the_earlier_login", maria_step_shut_accounts},
    {"end_its_sessions", maria_step_end_sessions},
    {"look_for_the_database", maria_step_look},
    {"find_the_database", maria_step_require_database},
    {"find_the_login", maria_step_find_login},
    {"drop_accounts_of_other_hosts", step_drop_accounts_elsewhere},
    {"choose_how_its_password_is_told", maria_step_choose_password_way},
    {"create_the_login", maria_step_create_account},
    {"grant_rights", step_grant_rights},
    {"tell_the_environment", step_tell},
    {"end_earlier_sessions", step_end_earlier_sessions},
    {NULL, NULL},
};

/* ---- unbind ---- */

/* Nothing is looked at outside the instance's database. (A trigger is in the database of its table; by TRIGGER_SCHEMA a
 * MariaDB would read all databases' tables.) */
static void on_definitions(struct mysql_work *work, MYSQL_RES *rows)
{
	enum { DEFINED, PASSED_OVER };
	MYSQL_ROW row = mysql_fetch_row(rows);

	if (strcmp(row[DEFINED], "0") != 0 || strcmp(row[PASSED_OVER], "0") != 0)
		call_finish(work->call);
	else
		call_next(work->call);
}

/* Views, routines and triggers act with the rights of the account that defined them when others of the instance use
 * them, and die with it: such an account stays, locked, until the instance goes. Its events do not run any more. So
 * does one of which it cannot be told, as another app's statement has a table for itself. */
static void step_look_for_definitions(void *arg)
{
	struct mysql_work *work = arg;
	struct sql *sql = maria_sql(work);

	if (work->account_count == 0) {
		call_finish(work->call);
		return;
	}
	maria_add_unwaiting(work, sql);
	sql_add(sql, "SELECT 0");
	for (size_t i = 0; i < work->account_count; i++) {
		static const char *const tables[][2] = {{"VIEWS", "TABLE_SCHEMA"},
		                                        {"ROUTINES", "ROUTINE_SCHEMA"},
		                                        {"TRIGGERS", "EVENT_OBJECT_SCHEMA"},
		                                        {"EVENTS", "EVENT_SCHEMA"}};

		for (size_t t = 0; t < sizeof(tables) / sizeof(*tables); t++)
			sql_add(sql,
			        " + EXISTS (SELECT 1 FROM information_schema.%s WHERE %s = %l"
			        " AND DEFINER = CONCAT(%l, '@', %l))",
			        tables[t][0], tables[t][1], work->database, work->accounts[i].user,
			        work->accounts[i].host);
	}
	sql_add(sql, " INTO @defined;\nSELECT @defined, %s", maria_is_mariadb(work) ? "@@warning_count" : "0");
	maria_query(work, on_definitions);
}

const struct step maria_unbind_steps[] = {
    {"take_session", maria_step_take_session},       {"find_it_writable", maria_step_require_writable},

    {"find_the_login", maria_step_find_login},       {"shut_the_login", maria_step_shut_accounts},
    {"end_sessions", maria_step_end_sessions},       {"look_for_the_database", maria_step_look},
    {"find_the_login_again", maria_step_find_login}, {"shut_the_login_again", maria_step_shut_accounts},
    {"end_sessions_again", maria_step_end_sessions}, {"look_for_what_it_defined", step_look_for_definitions},
    {"drop_the_login", maria_step_drop_accounts},    {NULL, NULL},
};
