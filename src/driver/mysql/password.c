/* A MariaDB is told the hash that it would keep of a password, so that none of its logs has the password. With a
 * plug-in that looks at passwords (strict_password_validation) it refuses hashes, and a MySQL salts its own: both have
 * to see the password. It is sent only over a connection that nobody else can read. A MariaDB masks it in no log, and
 * what stands in the binary log goes to replicas and backups: there CREATE USER leaves a password that counts for
 * nothing, since SET PASSWORD, which leaves a hash, follows while the account is locked. An account that has the
 * password keeps it: a plug-in that remembers refuses the same one twice. */
#include "password.h"

#include <string.h>

#include "accounts.h"
#include "base/secret.h"
#include "query.h"
#include "session.h"

/* ---- the way ---- */

void maria_add_wants_clear(const struct mysql_work *work, struct sql *sql)
{
	sql_add(sql, maria_is_mariadb(work) ? "@@GLOBAL.strict_password_validation AND EXISTS (SELECT 1 FROM"
	                                      " information_schema.PLUGINS WHERE PLUGIN_TYPE = 'PASSWORD VALIDATION'"
	                                      " AND PLUGIN_STATUS = 'ACTIVE')"
	                                    : "1");
}

bool maria_is_private(const struct mysql_work *work)
{
	const struct mysql_session *session = lease_session(&work->lease);

	return work->host->target.tls || maria_address_is_local(maria_session_address(session));
}

const char *maria_why_clear(const struct mysql_work *work)
{
	return maria_is_mariadb(work) ? "the server's plug-in has to see passwords (strict_password_validation)"
	                              : "a MySQL has to see passwords";
}

static void choose(struct mysql_work *work, enum password_way way)
{
	work->password_way = way;
	if (way == PASSWORD_CLEAR && !maria_is_private(work))
		call_fail(work->call, ERR_REFUSED, CLEAR_AND_OPEN, maria_why_clear(work), work->host->target.name);
	else
		call_next(work->call);
}

static void on_wanted(struct mysql_work *work, MYSQL_RES *rows)
{
	enum { WANTS_CLEAR, HAS_IT };
	MYSQL_ROW row = mysql_fetch_row(rows);

	if (strcmp(row[WANTS_CLEAR], "1") != 0)
		choose(work, PASSWORD_HASHED);
	else
		choose(work, strcmp(row[HAS_IT], "1") == 0 ? PASSWORD_KEPT : PASSWORD_CLEAR);
}

void maria_step_choose_password_way(void *arg)
{
	struct mysql_work *work = arg;
	struct sql *sql = maria_sql(work);
	char hash[PASSWORD_HASH_SIZE];

	if (!maria_is_mariadb(work)) {
		choose(work, PASSWORD_CLEAR);
		return;
	}
	sql->failed |= !maria_hash_password(work->call->password, hash);
	sql_add(sql, "SELECT ");
	maria_add_wants_clear(work, sql);
	sql_add(sql,
	        ", EXISTS (SELECT 1 FROM mysql.global_priv g WHERE g.User = %l AND g.Host = %l AND " ONE_LIVING_WAY_IN
	        " AND JSON_VALUE(g.Priv, '$.plugin') = 'mysql_native_password'"
	        " AND JSON_VALUE(g.Priv, '$.authentication_string') = %l)",
	        work->login, work->host->target.app_host, hash);
	maria_query(work, on_wanted);
}

/* ---- the statements ---- */

static void add_throwaway(struct sql *sql)
{
	char password[PASSWORD_LENGTH + 1];

	secret_password(password);
	maria_add_password(sql, false, password);
	secret_wipe(password, sizeof(password));
}

/* The account is locked so far. */
static void add_real_password(struct mysql_work *work, struct sql *sql)
{
	const char *host = work->host->target.app_host;

	sql_add(sql, "SET PASSWORD FOR %l@%l = PASSWORD(%l);\n", work->login, host, work->call->password);
	sql_add(sql, "ALTER USER %l@%l ACCOUNT UNLOCK", work->login, host);
}

void maria_step_create_account(void *arg)
{
	struct mysql_work *work = arg;
	const bool replaced = work->password_way == PASSWORD_CLEAR && maria_is_mariadb(work);
	struct sql *sql = maria_sql(work);

	sql_add(sql, "%s USER %l@%l ", work->account_count > 0 ? "ALTER" : "CREATE", work->login,
	        work->host->target.app_host);
	if (replaced)
		add_throwaway(sql);
	else if (work->password_way != PASSWORD_KEPT)
		maria_add_password(sql, work->password_way == PASSWORD_HASHED, work->call->password);
	if (maria_add_limits(work, sql) != 0)
		return;
	sql_add(sql, " PASSWORD EXPIRE NEVER ACCOUNT %s;\n", replaced ? "LOCK" : "UNLOCK");
	if (replaced)
		add_real_password(work, sql);
	maria_query(work, NULL);
}
