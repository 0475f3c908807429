/* What a tenant owns, it may alter: its database's settings and flags, and the locks on them by a transaction that it
 * prepared. A call looks for what is against it with the other facts, and undoes it before it goes on. What is for the
 * tenant's own apps only stays as it is. */
#include "hinder.h"

#include "dialect.h"

void hinder_add_opening(struct sql *sql, const char *database, const char *owner)
{
	struct sql query;

	sql_begin_part(&query, sql);
	sql_add(&query,
	        "SELECT format('ALTER DATABASE %%I ALLOW_CONNECTIONS true%%s', datname, CASE WHEN datconnlimit = 0 THEN"
	        " ' CONNECTION LIMIT -1' ELSE '' END) FROM pg_database WHERE datname = %l AND pg_get_userbyid(datdba) ="
	        " %l AND (NOT datallowconn OR datconnlimit = 0)",
	        database, owner);
	sql_end_loop(sql, &query);
}

void hinder_add_settings(struct sql *sql, const char *database)
{
	struct sql query;

	sql_begin_part(&query, sql);
	sql_add(
	    &query,
	    "SELECT format('ALTER DATABASE %%I RESET %%I', d.datname, split_part(c, '=', 1)) FROM pg_database d JOIN"
	    " pg_db_role_setting s ON s.setdatabase = d.oid AND s.setrole = 0, unnest(s.setconfig) c"
	    " WHERE d.datname = %l AND " HINDER_SETTING,
	    database);
	sql_end_loop(sql, &query);
}
