/* Who may do what, as the server's own tables say: logins beyond their instance, and the broker's account. */
#include "rights.h"

/* ---- logins ---- */

/* Of the row d of mysql.db, all but those of a reader. */
#define WRITES                                                                                                         \
	"d.Insert_priv, d.Update_priv, d.Delete_priv, d.Create_priv, d.Drop_priv, d.Grant_priv, d.References_priv,"    \
	" d.Index_priv, d.Alter_priv, d.Create_tmp_table_priv, d.Lock_tables_priv, d.Create_view_priv,"                \
	" d.Create_routine_priv, d.Alter_routine_priv, d.Execute_priv, d.Event_priv, d.Trigger_priv"

void maria_add_excess(struct mysql_work *work, struct sql *sql, const char *login, bool read_only)
{
	static const char *const tables[] = {"tables_priv", "columns_priv", "procs_priv"};
	const char *host = work->host->target.app_host;

	sql_add(
	    sql,
	    "(EXISTS (SELECT 1 FROM mysql.db d WHERE d.User = %l AND d.Host = %l AND (d.Db <> %l OR %s LIKE '%%Y%%'))",
	    login, host, work->pattern, read_only ? "CONCAT(" WRITES ")" : "d.Grant_priv");
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		sql_add(sql, " OR EXISTS (SELECT 1 FROM mysql.%s WHERE User = %l AND Host = %l AND (Db <> %l OR %d))",
		        tables[i], login, host, work->database, (int64_t)read_only);
	sql_add(sql,
	        " OR EXISTS (SELECT 1 FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE <> 'USAGE'"
	        " AND GRANTEE = CONCAT(QUOTE(%l), '@', QUOTE(%l))))",
	        login, host);
}

/* ---- the broker's own account ---- */

static const char *const of_server[] = {"CREATE USER", "PROCESS"};
/* All on a database that the oldest version has, MariaDB one more. They are named: ALL would ask for what later
 * versions add, which the broker's account lacks. */
static const char *const of_database[] = {
    "SELECT",        "INSERT",     "UPDATE",      "DELETE",    "CREATE",
    "DROP",          "REFERENCES", "INDEX",       "ALTER",     "CREATE TEMPORARY TABLES",
    "LOCK TABLES",   "EXECUTE",    "CREATE VIEW", "SHOW VIEW", "CREATE ROUTINE",
    "ALTER ROUTINE", "EVENT",      "TRIGGER",
};

#define OF_MARIADB "DELETE HISTORY"

static void add_all(const struct mysql_work *work, struct sql *sql)
{
	for (size_t i = 0; i < sizeof(of_database) / sizeof(*of_database); i++)
		sql_add(sql, "%s%s", i > 0 ? ", " : "", of_database[i]);
	if (maria_is_mariadb(work))
		sql_add(sql, ", " OF_MARIADB);
}

void maria_add_rights(struct mysql_work *work, struct sql *sql, const char *login, bool read_only)
{
	sql_add(sql, "GRANT ");
	if (read_only)
		sql_add(sql, "SELECT, SHOW VIEW");
	else
		add_all(work, sql);
	sql_add(sql, " ON %i.* TO %l@%l;\n", work->pattern, login, work->host->target.app_host);
}

static void add_needed(struct sql *sql, const char *const *rights, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sql_add(sql, " UNION ALL SELECT %l", rights[i]);
}

/* Rights that a role gives do not stand beside the account: then nothing is said. */
void maria_add_missing(struct mysql_work *work, struct sql *sql)
{
	const bool mariadb = maria_is_mariadb(work);

	sql_add(sql, "SELECT (SELECT GROUP_CONCAT(n.p SEPARATOR ', ') FROM (SELECT %l AS p",
	        mariadb ? "CONNECTION ADMIN" : "CONNECTION_ADMIN");
	add_needed(sql, of_server, sizeof(of_server) / sizeof(*of_server));
	add_needed(sql, of_database, sizeof(of_database) / sizeof(*of_database));
	if (mariadb)
		sql_add(sql, " UNION ALL SELECT '" OF_MARIADB "'");
	sql_add(sql, ") n WHERE COALESCE(CURRENT_ROLE(), 'NONE') = 'NONE' AND NOT EXISTS"
	             " (SELECT 1 FROM information_schema.USER_PRIVILEGES g WHERE g.PRIVILEGE_TYPE = n.p"
	             " AND g.IS_GRANTABLE = 'YES' AND g.GRANTEE = m.grantee)), m.grantee"
	             " FROM (SELECT CONCAT(QUOTE(LEFT(CURRENT_USER(), CHAR_LENGTH(CURRENT_USER()) - 1 -"
	             " CHAR_LENGTH(SUBSTRING_INDEX(CURRENT_USER(), '@', -1)))), '@',"
	             " QUOTE(SUBSTRING_INDEX(CURRENT_USER(), '@', -1))) AS grantee) m");
}

void maria_tell_missing(struct mysql_work *work, MYSQL_ROW row, const char *result)
{
	if (row == NULL || row[0] == NULL)
		return;
	work->spoiled = true;
	call_tell(work->call, result,
	          "the broker's account %s on the server \"%s\" lacks rights that its work needs: GRANT %s ON *.* TO %s"
	          " WITH GRANT OPTION",
	          row[1], work->host->target.name, row[0], row[1]);
}
