/* inspect and list: what a server has of the broker's, beside what it should have. Nothing is changed. */
#include <string.h>
#include <strings.h>

#include "accounts.h"
#include "look.h"
#include "password.h"
#include "query.h"
#include "rights.h"
#include "session.h"

/* MySQL shows beside each account, not beside its rights, whether it is locked. */
#define DB_WITH_LOCK                                                                                                   \
	"(SELECT d.User, d.Host, d.Db, d.Event_priv, a.account_locked FROM mysql.db d LEFT JOIN mysql.user a"          \
	" ON a.User = d.User AND a.Host = d.Host) u"

/* ---- the instance ---- */

static void step_find_lost(void *arg)
{
	struct mysql_work *work = arg;

	if (!work->has_database) {
		call_result(work->call, DRIFT_LOST, "the database is not there");
		call_finish(work->call);
		return;
	}
	if (work->owner == OWNER_OTHER)
		call_tell(work->call, DRIFT_TOLD,
		          "the database \"%s\" belongs to another instance of the broker, as its comment says",
		          work->database);
	else if (work->owner == OWNER_UNKNOWN && maria_is_mariadb(work) && work->call->seal != NULL)
		call_tell(work->call, DRIFT_INSTANCE, "the database's comment does not name the instance");
	if (work->has_retired)
		call_tell(
		    work->call, DRIFT_TOLD,
		    "the database \"%s\", where a removal puts tables, stands beside the living one: see what is in "
		    "it, and drop it",
		    work->retired);
	call_next(work->call);
}

/* An adopted one has what it had. */
static void on_charset(struct mysql_work *work, MYSQL_RES *rows)
{
	const struct options *options = &work->call->plan->options;
	const char *charset = options_text(options, "charset"), *collation = options_text(options, "collation");
	MYSQL_ROW row = mysql_fetch_row(rows);

	if (row != NULL && strcmp(row[2], "1") == 0 &&
	    ((strcmp(charset, "utf8") != 0 && strcasecmp(charset, row[0]) != 0) ||
	     (collation != NULL && strcasecmp(collation, row[1]) != 0)))
		call_tell(
		    work->call, DRIFT_TOLD,
		    "new tables of the database get the character set %s (%s), not the plan's: ALTER DATABASE `%s` "
		    "CHARACTER SET %s%s%s",
		    row[0], row[1], work->database, charset, collation != NULL ? " COLLATE " : "",
		    collation != NULL ? collation : "");
	call_next(work->call);
}

static void step_compare_charset(void *arg)
{
	struct mysql_work *work = arg;

	sql_add(maria_sql(work),
	        "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME, SCHEMA_NAME REGEXP %l"
	        " FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %l",
	        NAME_END "$", work->database);
	maria_query(work, on_charset);
}

/* ---- who else is in ---- */

static void tell_of_other(struct mysql_work *work, const char *user, const char *host, const char *object)
{
	if (user[0] == '\0')
		call_tell(work->call, DRIFT_TOLD,
		          "everybody may use the database: an anonymous account has rights on %s", object);
	else if (strcmp(user, "PUBLIC") == 0)
		call_tell(work->call, DRIFT_TOLD,
		          "everybody may use the database: REVOKE ALL PRIVILEGES ON %s FROM PUBLIC", object);
	else
		call_tell(
		    work->call, DRIFT_TOLD,
		    "'%s'@'%s', which no bind has, may use the database: REVOKE ALL PRIVILEGES ON %s FROM '%s'@'%s' "
		    "keeps it out",
		    user, host, object, user, host);
}

static void on_others(struct mysql_work *work, MYSQL_RES *rows)
{
	enum { USER, HOST, OBJECT, OWN, SHUT };
	MYSQL_ROW row;

	while ((row = mysql_fetch_row(rows)) != NULL) {
		if (strcmp(row[OWN], "1") != 0)
			tell_of_other(work, row[USER], row[HOST], row[OBJECT]);
		else if (!call_has_bind(work->call, row[USER]) && strcmp(row[SHUT], "1") != 0)
			call_tell(work->call, DRIFT_INSTANCE, "the login \"%s\", which no bind has, is not shut",
			          row[USER]);
	}
	call_next(work->call);
}

/* By any pattern that takes the database in. Logins of the instance, also ended ones, have their rights by its own. */
static void step_compare_rights_of_others(void *arg)
{
	static const char *const tables[][2] = {
	    {"tables_priv", "Table_name"}, {"columns_priv", "Table_name"}, {"procs_priv", "Routine_name"}};
	struct mysql_work *work = arg;
	struct sql *sql = maria_sql(work);
	const bool literal = maria_session_has_literal_grants(lease_session(&work->lease));

	sql_add(
	    sql,
	    "SELECT u.User, u.Host, CONCAT('`', u.Db, '`.*'), u.Db = %l AND u.User REGEXP %l, u.Event_priv = 'N' AND %s"
	    " FROM mysql.db %s WHERE %l %s u.Db",
	    work->pattern, NAME_END "$", maria_locked(work), maria_is_mariadb(work) ? "u" : DB_WITH_LOCK,
	    work->database, literal ? "=" : "LIKE");
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		sql_add(sql,
		        " UNION SELECT User, Host, CONCAT('`', Db, '`.`', %s, '`'), 0, 0 FROM mysql.%s WHERE Db = %l"
		        " AND User NOT REGEXP %l",
		        tables[i][1], tables[i][0], work->database, NAME_END "$");
	maria_query(work, on_others);
}

/* ---- its logins ---- */

static void on_logins(struct mysql_work *work, MYSQL_RES *rows)
{
	MYSQL_ROW row;

	while ((row = mysql_fetch_row(rows)) != NULL)
		if (strcmp(row[1], "1") != 0)
			call_result(work->call, DRIFT_BIND, row[0]);
	call_next(work->call);
}

/* What the server's own defaults end after a while, and what an app changed itself. A MySQL keeps passwords in a way
 * that takes long to compare. */
static void add_password(struct mysql_work *work, struct sql *sql, const char *password)
{
	const bool mariadb = maria_is_mariadb(work);
	char hash[PASSWORD_HASH_SIZE];

	if (mariadb)
		sql_add(sql, " AND EXISTS (SELECT 1 FROM mysql.global_priv g WHERE g.User = u.User AND g.Host = u.Host"
		             " AND " ONE_LIVING_WAY_IN
		             " AND IF(COALESCE(JSON_VALUE(g.Priv, '$.password_lifetime'), -1) >= 0,"
		             " JSON_VALUE(g.Priv, '$.password_lifetime'), @@GLOBAL.default_password_lifetime) = 0)");
	else
		sql_add(sql, " AND u.password_expired = 'N'"
		             " AND COALESCE(u.password_lifetime, @@GLOBAL.default_password_lifetime) = 0");
	if (password == NULL)
		return;
	sql->failed |= !maria_hash_password(password, hash);
	sql_add(sql, " AND (u.plugin %s 'mysql_native_password' %s u.authentication_string = %l)", mariadb ? "=" : "<>",
	        mariadb ? "AND" : "OR", hash);
}

static void add_limits(struct mysql_work *work, struct sql *sql)
{
	const struct options *options = &work->call->plan->options;

	sql_add(sql,
	        " AND u.max_user_connections = %d AND u.max_questions = %d AND u.max_updates = %d"
	        " AND (u.ssl_type <> '') = %d",
	        options_number(options, "connection_limit"), options_number(options, "queries_per_hour"),
	        options_number(options, "updates_per_hour"), (int64_t)options_flag(options, "require_tls"));
	if (maria_is_mariadb(work))
		sql_add(sql, " AND u.max_statement_time = %d / 1000", options_number(options, "statement_timeout"));
}

/* A good login has its account at the configured host alone, unlocked, with the password that its app knows, the plan's
 * limits, its rights and no others. */
static int add_login(struct mysql_work *work, struct sql *sql, size_t number)
{
	const struct driver_call *call = work->call;
	const struct bind *bind = &call->binds[number];
	const char *host = work->host->target.app_host;
	struct error error;
	bool read_only;

	if (driver_read_only(bind, &read_only, &error) != 0) {
		call_fail_because(work->call, &error);
		return error.code;
	}
	sql_add(sql,
	        "SELECT %l, EXISTS (SELECT 1 FROM mysql.user u JOIN mysql.db d ON d.User = u.User AND d.Host = u.Host"
	        " WHERE u.User = %l AND u.Host = %l AND d.Db = %l AND d.Select_priv = 'Y' AND d.Show_view_priv = 'Y'"
	        " AND d.Insert_priv = %l AND d.Event_priv = %l AND NOT %s",
	        bind->login, bind->login, host, work->pattern, read_only ? "N" : "Y", read_only ? "N" : "Y",
	        maria_locked(work));
	add_limits(work, sql);
	add_password(work, sql, call->passwords != NULL ? call->passwords[number] : NULL);
	sql_add(sql, ") AND NOT EXISTS (SELECT 1 FROM mysql.user WHERE User = %l AND Host <> %l) AND NOT ", bind->login,
	        host);
	maria_add_excess(work, sql, bind->login, read_only);
	return 0;
}

static void step_compare_logins(void *arg)
{
	struct mysql_work *work = arg;
	struct sql *sql = maria_sql(work);

	for (size_t i = 0; i < work->call->bind_count; i++) {
		if (i > 0)
			sql_add(sql, " UNION ALL ");
		if (add_login(work, sql, i) != 0)
			return;
	}
	maria_query(work, on_logins);
}

static void on_roles(struct mysql_work *work, MYSQL_RES *rows)
{
	MYSQL_ROW row;

	while ((row = mysql_fetch_row(rows)) != NULL)
		call_tell(work->call, DRIFT_TOLD,
		          "the login '%s'@'%s' was given the rights of another: REVOKE %s FROM '%s'@'%s'", row[0],
		          row[1], row[2], row[0], row[1]);
	call_next(work->call);
}

/* What only the one who gave it, or the server's own admin, can take away. Apps may let other logins act as themselves,
 * of which no use can be made. */
static void step_compare_roles(void *arg)
{
	struct mysql_work *work = arg;
	const struct driver_call *call = work->call;
	struct sql *sql = maria_sql(work);

	if (call->bind_count == 0) {
		call_next(work->call);
		return;
	}
	sql_add(sql,
	        "SELECT r.User, r.Host, r.gift FROM (SELECT User, Host, CONCAT('PROXY ON ', QUOTE(Proxied_user), '@',"
	        " QUOTE(Proxied_host)) AS gift FROM mysql.proxies_priv WHERE Proxied_user NOT REGEXP %l",
	        NAME_END "$");
	sql_add(sql, maria_is_mariadb(work)
	                 ? " UNION SELECT User, Host, CONCAT('`', Role, '`') FROM mysql.roles_mapping"
	                 : " UNION SELECT TO_USER, TO_HOST, CONCAT(QUOTE(FROM_USER), '@', QUOTE(FROM_HOST))"
	                   " FROM mysql.role_edges");
	sql_add(sql, ") r WHERE r.User IN ('?'");
	for (size_t i = 0; i < call->bind_count; i++)
		sql_add(sql, ", %l", call->binds[i].login);
	sql_add(sql, ")");
	maria_query(work, on_roles);
}

/* ---- what the other calls need ---- */

static void on_missing(struct mysql_work *work, MYSQL_RES *rows)
{
	maria_tell_missing(work, mysql_fetch_row(rows), DRIFT_TOLD);
	call_next(work->call);
}

static void step_compare_own_rights(void *arg)
{
	struct mysql_work *work = arg;

	maria_add_missing(work, maria_sql(work));
	maria_query(work, on_missing);
}

const struct step maria_inspect_steps[] = {
    {"take_session", maria_step_take_session},
    {"look_for_the_database", maria_step_look},
    {"compare_own_rights", step_compare_own_rights},
    {"find_the_lost", step_find_lost},
    {"compare_the_character_set", step_compare_charset},
    {"compare_rights_of_others", step_compare_rights_of_others},
    {"compare_its_logins", step_compare_logins},
    {"compare_their_roles", step_compare_roles},
    {NULL, NULL},
};

/* ---- list ---- */

static void on_list(struct mysql_work *work, MYSQL_RES *rows)
{
	MYSQL_ROW row;

	while ((row = mysql_fetch_row(rows)) != NULL)
		call_result(work->call, row[0], row[1]);
	call_next(work->call);
}

/* A database that has a retired half is a retired one. An account that was kept for what it defined has rights in an
 * instance, and goes with it. */
static void step_list(void *arg)
{
	struct mysql_work *work = arg;
	struct sql *sql = maria_sql(work);

	sql_add(sql,
	        "SELECT %l, SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME REGEXP %l AND"
	        " CONCAT(SCHEMA_NAME, %l) NOT IN (SELECT SCHEMA_NAME FROM information_schema.SCHEMATA)"
	        " UNION SELECT %l, REGEXP_REPLACE(SCHEMA_NAME, %l, '') FROM information_schema.SCHEMATA"
	        " WHERE SCHEMA_NAME REGEXP %l",
	        LIST_INSTANCE, NAME_END "$", RETIRED_END, LIST_RETIRED, RETIRED_END "$", NAME_END RETIRED_END "$");
	sql_add(sql, " UNION SELECT DISTINCT %l, User FROM mysql.user u WHERE User REGEXP %l AND ", LIST_LOGIN,
	        NAME_END "$");
	sql_add(sql, "(NOT %s OR NOT EXISTS (SELECT 1 FROM mysql.db d WHERE d.User = u.User))", maria_locked(work));
	maria_query(work, on_list);
}

const struct step maria_list_steps[] = {
    {"take_session", maria_step_take_session},
    {"list_databases_and_logins", step_list},
    {NULL, NULL},
};
