/* deprovision: the logins first, so that nobody is left to hold the database, then what the records say: a living
 * database, or a retired one. What stands under the other name is left alone and told. Any part may be gone. */
#include <string.h>

#include "accounts.h"
#include "look.h"
#include "query.h"

/* ---- a living one ---- */

static void on_retired_tables(struct mysql_work *work, MYSQL_RES *rows)
{
	if (mysql_num_rows(rows) != 0)
		call_fail(work->call, ERR_REFUSED,
		          "tables of the database \"%s\" are put away in \"%s\", which the records do not say, so that "
		          "is left alone: drop it or rename its tables to another database, then try again",
		          work->database, work->retired);
	else
		call_next(work->call);
}

static void step_spare_retired(void *arg)
{
	struct mysql_work *work = arg;

	if (work->has_retired)
		sql_add(maria_sql(work), "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = %l LIMIT 1",
		        work->retired);
	else
		maria_sql(work);
	maria_query(work, on_retired_tables);
}

static void on_referring(struct mysql_work *work, MYSQL_RES *rows)
{
	MYSQL_ROW row = mysql_fetch_row(rows);

	if (row != NULL)
		call_fail(
		    work->call, ERR_LOCKED,
		    "the table %s of another database refers to %s by a foreign key: ALTER TABLE ... DROP FOREIGN "
		    "KEY",
		    row[0], row[1]);
	else
		call_next(work->call);
}

/* Tables that were put away and those that could not be may refer to each other either way. So both databases go
 * without a look at foreign keys, once it is known that no other database has any to them. InnoDB writes other letters
 * in another way: such a database, which can only be an adopted one, goes with that look. */
static bool drops_unchecked(const struct mysql_work *work)
{
	const char *plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

	return work->has_database && work->has_retired && work->retired_owner != OWNER_OTHER &&
	       strspn(work->database, plain) == strlen(work->database);
}

static void step_look_for_referring(void *arg)
{
	struct mysql_work *work = arg;
	struct sql *sql = maria_sql(work);

	if (drops_unchecked(work))
		sql_add(sql,
		        "SELECT FOR_NAME, REF_NAME FROM information_schema.%s"
		        " WHERE SUBSTRING_INDEX(REF_NAME, '/', 1) IN (%l, %l)"
		        " AND SUBSTRING_INDEX(FOR_NAME, '/', 1) NOT IN (%l, %l) LIMIT 1",
		        maria_is_mariadb(work) ? "INNODB_SYS_FOREIGN" : "INNODB_FOREIGN", work->database, work->retired,
		        work->database, work->retired);
	maria_query(work, on_referring);
}

static void step_drop_databases(void *arg)
{
	struct mysql_work *work = arg;
	struct sql *sql = maria_sql(work);

	if (drops_unchecked(work)) {
		work->spoiled = true;
		sql_add(sql, "SET SESSION foreign_key_checks = 0;\n");
	}
	if (work->has_database) {
		maria_add_writable(work, sql, work->database);
		sql_add(sql, "DROP DATABASE IF EXISTS %i;\n", work->database);
	}
	if (work->has_retired && work->retired_owner != OWNER_OTHER)
		sql_add(sql, "DROP DATABASE IF EXISTS %i;\n", work->retired);
	maria_query(work, NULL);
}

const struct step maria_deprovision_steps[] = {
    {"take_session", maria_step_take_session},
    {"find_it_writable", maria_step_require_writable},

    {"find_logins", maria_step_find_accounts},
    {"shut_logins", maria_step_shut_accounts},
    {"end_sessions", maria_step_end_sessions},
    {"look_for_the_database", maria_step_look},
    {"find_the_database", maria_step_require_own},
    {"find_logins_again", maria_step_find_accounts},
    {"shut_logins_again", maria_step_shut_accounts},
    {"end_sessions_again", maria_step_end_sessions},
    {"spare_the_retired_database", step_spare_retired},
    {"find_the_engines", maria_step_require_engines},
    {"look_for_referring_tables", step_look_for_referring},
    {"drop_the_database", step_drop_databases},
    {"drop_logins", maria_step_drop_accounts},
    {NULL, NULL},
};

/* ---- a retired one ---- */

/* What retire could not move stays behind in the first database, whose logins are all locked. */
static bool is_living(const struct mysql_work *work)
{
	for (size_t i = 0; work->has_database && i < work->account_count; i++)
		if (!work->accounts[i].locked)
			return true;
	return work->has_database && !work->has_retired;
}

/* Nobody in it is disturbed: its logins are not touched either. */
static void step_spare_living(void *arg)
{
	struct mysql_work *work = arg;

	if (is_living(work))
		call_fail(
		    work->call, ERR_REFUSED,
		    "the records say that the database is put away as \"%s\", but \"%s\" is alive: it is left alone; "
		    "\"ctl forget\" keeps it without the broker",
		    work->retired, work->database);
	else if (work->retired_owner == OWNER_OTHER)
		call_fail(work->call, ERR_REFUSED,
		          "the database \"%s\" belongs to another instance, as its comment says: it is left alone",
		          work->retired);
	else
		call_next(work->call);
}

/* The retired one last: it tells a purge that begins again that the other is no living one. */
const struct step maria_deprovision_retired_steps[] = {
    {"take_session", maria_step_take_session},
    {"find_it_writable", maria_step_require_writable},

    {"look_for_the_database", maria_step_look},
    {"find_the_database", maria_step_require_own},
    {"find_logins", maria_step_find_accounts},
    {"spare_the_living_database", step_spare_living},
    {"shut_logins", maria_step_shut_accounts},
    {"end_sessions", maria_step_end_sessions},
    {"find_the_engines", maria_step_require_engines},
    {"look_for_referring_tables", step_look_for_referring},
    {"drop_the_databases", step_drop_databases},
    {"drop_logins", maria_step_drop_accounts},
    {NULL, NULL},
};
