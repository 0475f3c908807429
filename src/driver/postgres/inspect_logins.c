/* inspect, of the logins: each that is not as a bind makes it is told by its name, and a bind of it puts it right. */
#include "inspect_logins.h"

#include <stdio.h>
#include <string.h>

#include "dialect.h"
#include "hinder.h"
#include "mend.h"
#include "roles.h"

bool inspect_login_is_told(const struct driver_call *call, const char *login)
{
	for (size_t i = 0; i < call->result_count; i++)
		if (strcmp(call->results[i].name, DRIFT_BIND) == 0 && strcmp(call->results[i].value, login) == 0)
			return true;
	return false;
}

void inspect_add_login(struct driver_call *call, const char *login)
{
	if (!inspect_login_is_told(call, login))
		call_result(call, DRIFT_BIND, login);
}

static bool is_reader(const struct bind *bind)
{
	bool reads = false;

	(void)driver_read_only(bind, &reads, NULL);
	return reads;
}

static void on_logins(struct pg_work *work, const struct rows *rows)
{
	for (int i = 0; i < rows_count(rows); i++) {
		if (strcmp(rows_text(rows, i, 0), DRIFT_BIND) == 0)
			inspect_add_login(work->call, rows_text(rows, i, 1));
		else
			call_result(work->call, rows_text(rows, i, 0), rows_text(rows, i, 1));
	}
	call_next(work->call);
}

/* How the server writes a setting of a role; NULL: in a way that is not worth following (lists). */
static void add_setting(struct sql *sql, const char *name, const char *value, bool *comma)
{
	struct text text;

	text_init(&text, SQL_MAX);
	text_add_format(&text, "%s=%s", name, value);
	sql_add(sql, *comma ? ", lower(%l)" : "lower(%l)", text_string(&text) != NULL ? text_string(&text) : "");
	text_release(&text);
	*comma = true;
}

static void add_expected(struct sql *sql, const struct pg_work *work, bool reads)
{
	const struct option *settings = options_find(&work->call->plan->options, "settings");
	const int64_t timeout = options_number(&work->call->plan->options, "statement_timeout");
	bool comma = false;
	char number[32];

	sql_add(sql, "ARRAY[");
	for (size_t i = 0; settings->set && i < settings->value.map.count; i++)
		if (!sql_takes_list(settings->value.map.items[i].name))
			add_setting(sql, settings->value.map.items[i].name, settings->value.map.items[i].value, &comma);
	snprintf(number, sizeof(number), "%lld", (long long)timeout);
	if (timeout > 0)
		add_setting(sql, "statement_timeout", number, &comma);
	add_setting(sql, reads ? "default_transaction_read_only" : "role", reads ? "on" : work->owner, &comma);
	sql_add(sql, "]::text[]");
}

/* l: the binds; r: their roles. */
static void add_binds(struct sql *sql, const struct pg_work *work)
{
	const struct driver_call *call = work->call;

	sql_add(sql, "WITH l(name, group_name, inherits, settings) AS (VALUES ");
	for (size_t i = 0; i < call->bind_count; i++) {
		const bool reads = is_reader(&call->binds[i]);

		sql_add(sql, "%s(%l, %l, %s, ", i > 0 ? ", " : "", call->binds[i].login,
		        reads ? work->reader : work->owner, reads ? "true" : "false");
		add_expected(sql, work, reads);
		sql_add(sql, ")");
	}
	sql_add(sql, ")\n");
}

/* A good login may log in for ever and connect, has the plan's limit and no attribute, and is a member of its group and
 * of nothing else. What a bind cannot take away, attributes of a superuser's and what others granted, is told. */
static void add_comparison(struct sql *sql, const struct pg_work *work)
{
	sql_add(sql,
	        "SELECT 'bind', l.name FROM l LEFT JOIN pg_roles r ON r.rolname = l.name::name WHERE NOT coalesce("
	        "r.rolcanlogin AND r.rolinherit = l.inherits AND r.rolconnlimit = %d AND NOT r.rolcreatedb AND NOT"
	        " r.rolcreaterole AND coalesce(r.rolvaliduntil = 'infinity', true)"
	        " AND has_database_privilege(r.oid, d.oid, 'CONNECT')"
	        " AND (SELECT array_agg(DISTINCT g.rolname) FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid"
	        "  WHERE a.member = r.oid AND (g.rolname = l.group_name::name OR " MEND_MAY_REVOKE "))"
	        " = ARRAY[l.group_name::name], false)\n",
	        plan_connection_limit(work->call->plan));
	sql_add(sql,
	        "UNION ALL SELECT 'told', format('the login \"%%s\" is a member of \"%%s\", too: REVOKE \"%%s\" FROM"
	        " \"%%s\"', r.rolname, g.rolname, g.rolname, r.rolname) || " MEND_GRANTED_BY " FROM l JOIN pg_roles r"
	        " ON r.rolname = l.name::name JOIN pg_auth_members a ON a.member = r.oid JOIN pg_roles g ON g.oid ="
	        " a.roleid WHERE g.rolname <> l.group_name::name AND NOT (" MEND_MAY_REVOKE ")\n");
}

static void add_attributes(struct sql *sql, bool superuser)
{
	if (superuser)
		sql_add(sql, "UNION ALL SELECT 'bind', r.rolname");
	else
		sql_add(sql,
		        "UNION ALL SELECT 'told', format('the login \"%%s\" has what it should not: ALTER ROLE \"%%s\""
		        " NOSUPERUSER NOREPLICATION NOBYPASSRLS', r.rolname, r.rolname)");
	sql_add(sql, " FROM l JOIN pg_roles r ON r.rolname = l.name::name"
	             " WHERE r.rolsuper OR r.rolreplication OR r.rolbypassrls\n");
}

/* The settings that a bind gives its login in the database: all there with their values, and no others. */
static void add_settings(struct sql *sql, const struct pg_work *work)
{
	const struct option *settings = options_find(&work->call->plan->options, "settings");
	int64_t lists = 0;

	for (size_t i = 0; settings->set && i < settings->value.map.count; i++)
		lists += sql_takes_list(settings->value.map.items[i].name);
	sql_add(sql,
	        "UNION ALL SELECT 'bind', l.name FROM l JOIN pg_roles r ON r.rolname = l.name::name WHERE NOT EXISTS ("
	        "SELECT FROM pg_db_role_setting s WHERE s.setrole = r.oid AND s.setdatabase = d.oid"
	        " AND lower(s.setconfig::text)::text[] @> l.settings AND (SELECT count(*) FROM unnest(s.setconfig) c"
	        " WHERE c !~ '" SETTING_OF_NO_USE "') = cardinality(l.settings)");
	sql_add(sql, " + %d)\n", lists);
	sql_add(sql, "UNION ALL SELECT 'bind', l.name FROM l JOIN pg_roles r ON r.rolname = l.name::name JOIN"
	             " pg_db_role_setting s ON s.setrole = r.oid AND s.setdatabase = 0, unnest(s.setconfig) c"
	             " WHERE " HINDER_SETTING "\n");
}

void step_compare_logins(void *arg)
{
	struct pg_work *work = arg;
	struct sql *sql = work_sql(work);

	if (work->call->bind_count > 0) {
		add_binds(sql, work);
		sql_add(sql, "SELECT kind, found FROM pg_database d, LATERAL (\n");
		add_comparison(sql, work);
		add_attributes(sql, work_is_superuser(work));
		add_settings(sql, work);
		sql_add(sql, ") f(kind, found) WHERE d.datname = %l ORDER BY kind, found", work->owner);
	}
	work_query(work, on_logins);
}
