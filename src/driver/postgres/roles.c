/* Roles belong to the whole server and cannot be dropped while anything in any database refers to them: their sessions
 * end first, then what they left in databases is handed over, and only then they go. */
#include "roles.h"

#include <string.h>
#include <strings.h>

#include "behind.h"
#include "dialect.h"
#include "enter.h"
#include "extensions.h"
#include "handover.h"
#include "owned.h"

#define WAIT               "'2s'" /* for what somebody else holds */
#define CLEAR_WAIT         "'5s'" /* of one database: others may have granted a login more than can be taken back */
#define CLEAR_FAILURES_MAX 3      /* databases that cannot be cleared; then the rest is not tried */

int64_t plan_connection_limit(const struct plan *plan)
{
	return options_number(&plan->options, "connection_limit");
}

/* A plan's search_path finds the plan's extensions, too. */
static void add_setting(struct sql *sql, const struct pg_work *work, const char *role, const struct pair *setting)
{
	const bool is_path = strcasecmp(setting->name, "search_path") == 0 &&
	                     options_find(&work->call->plan->options, "extensions")->set &&
	                     strstr(setting->value, EXTENSIONS_SCHEMA) == NULL;
	struct text path;

	text_init(&path, SQL_MAX);
	text_add(&path, setting->value);
	if (is_path)
		text_add(&path, ", " EXTENSIONS_SCHEMA);
	sql->failed |= path.failed;
	if (!path.failed)
		sql_add_setting(sql, role, work->owner, setting->name, text_string(&path));
	text_wipe(&path);
}

/* One by one: RESET ALL fails where a login has set itself what cannot be reset, and does not count. What it set for
 * all databases goes, too. */
static void add_resets(struct sql *sql, const struct pg_work *work, const char *role, bool everywhere)
{
	struct sql query;

	sql_begin_part(&query, sql);
	sql_add(&query,
	        "SELECT format('ALTER ROLE %%I%%s RESET %%s', r.rolname, CASE WHEN d.oid IS NULL THEN '' ELSE format("
	        "' IN DATABASE %%I', d.datname) END, (SELECT string_agg(quote_ident(p), '.') FROM"
	        " unnest(string_to_array(split_part(c, '=', 1), '.')) p)) FROM pg_roles r JOIN pg_db_role_setting s"
	        " ON s.setrole = r.oid LEFT JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) c"
	        " WHERE r.rolname = %l AND (d.datname = %l OR %s AND s.setdatabase = 0) AND c !~ '" SETTING_OF_NO_USE
	        "'",
	        role, work->owner, everywhere ? "true" : "false");
	sql_end_loop(sql, &query);
}

void roles_add_settings(struct sql *sql, const struct pg_work *work, const char *role, enum role_kind kind)
{
	const struct options *options = &work->call->plan->options;
	const struct option *settings = options_find(options, "settings");
	const int64_t timeout = options_number(options, "statement_timeout");

	add_resets(sql, work, role, kind != ROLE_OWNER);
	for (size_t i = 0; settings->set && i < settings->value.map.count; i++)
		add_setting(sql, work, role, &settings->value.map.items[i]);
	if (timeout > 0)
		sql_add(sql, "ALTER ROLE %i IN DATABASE %i SET statement_timeout TO %d;\n", role, work->owner, timeout);
	if (kind == ROLE_WRITER)
		sql_add(sql, "ALTER ROLE %i IN DATABASE %i SET role TO %l;\n", role, work->owner, work->owner);
	if (kind == ROLE_READER)
		sql_add(sql, "ALTER ROLE %i IN DATABASE %i SET default_transaction_read_only TO on;\n", role,
		        work->owner);
}

void roles_add_names(struct sql *sql, const struct pg_work *work)
{
	for (size_t i = 0; i < work->role_count; i++)
		sql_add(sql, i > 0 ? ", %l" : "%l", work->roles[i].name);
}

bool roles_is_bound(const struct pg_work *work, const char *role)
{
	for (size_t i = 0; i < work->call->bind_count; i++) {
		if (strcmp(work->call->binds[i].login, role) == 0)
			return true;
	}
	return false;
}

bool roles_have_readers(const struct pg_work *work)
{
	bool reads = false;

	for (size_t i = 0; i < work->call->bind_count && !reads; i++)
		(void)driver_read_only(&work->call->binds[i], &reads, NULL);
	return reads;
}

void roles_take_one(struct pg_work *work, const char *name)
{
	work->roles = arena_alloc(&work->arena, sizeof(*work->roles));
	if (work->roles == NULL)
		return;
	work->roles[0].name = name;
	work->role_count = 1;
}

/* ---- finding ---- */

static void take_roles(struct pg_work *work, const struct rows *rows)
{
	const int count = rows_count(rows);

	work->role_count = 0;
	work->roles = arena_alloc(&work->arena, (size_t)count * sizeof(*work->roles) + 1);
	for (int i = 0; work->roles != NULL && i < count; i++) {
		work->roles[i].name = arena_text(&work->arena, rows_text(rows, i, 0));
		work->roles[i].reads = rows_text(rows, i, 1)[0] == 't';
		work->role_count++;
	}
	if (arena_failed(&work->arena))
		call_fail(work->call, ERR_NO_MEMORY, "out of memory");
	else
		call_next(work->call);
}

/* An operator's own role that was made a member, whose name does not end as the broker's do, is left alone. */
static void find_roles(struct pg_work *work, bool all)
{
	const char *incarnation = owned_incarnation(work);
	const struct driver_call *call = work->call;
	struct sql *sql = work_sql(work);

	sql_add(sql,
	        "WITH own AS (SELECT m.member, bool_or(g.rolname = %l) AS reads FROM pg_auth_members m"
	        " JOIN pg_roles g ON g.oid = m.roleid WHERE g.rolname IN (%l, %l) GROUP BY m.member)\n"
	        "SELECT r.rolname, coalesce(own.reads, false) FROM pg_roles r LEFT JOIN own ON own.member = r.oid"
	        " WHERE r.rolname <> current_user"
	        " AND NOT coalesce(starts_with(shobj_description(r.oid, 'pg_authid'), %l)"
	        " AND right(shobj_description(r.oid, 'pg_authid'), %d) <> %l, false)"
	        " AND (own.member IS NOT NULL AND r.rolname ~ %l OR r.oid IN (SELECT objoid FROM pg_shdescription"
	        " WHERE classoid = 'pg_authid'::regclass AND description = %l || %l)",
	        work->reader, work->owner, work->reader, TAG_BEGIN, (int64_t)INCARNATION_LENGTH, incarnation,
	        NAME_END "$", TAG_BIND, incarnation);
	for (size_t i = 0; i < call->bind_count; i++)
		sql_add(sql, " OR r.rolname = %l", call->binds[i].login);
	if (all)
		sql_add(sql, " OR r.rolname IN (%l, %l)", work->owner, work->reader);
	sql_add(sql, ")");
	work_query(work, take_roles);
}

void step_find_logins(void *arg)
{
	find_roles(arg, false);
}

void step_find_roles(void *arg)
{
	find_roles(arg, true);
}

/* ---- the way out ---- */

static void take_databases(struct pg_work *work, const struct rows *rows)
{
	const int count = rows_count(rows);

	work->database = work->database_count = 0;
	work->databases = arena_alloc(&work->arena, (size_t)count * sizeof(*work->databases) + 1);
	for (int i = 0; work->databases != NULL && i < count; i++)
		work->databases[work->database_count++] = arena_text(&work->arena, rows_text(rows, i, 0));
	if (arena_failed(&work->arena))
		call_fail(work->call, ERR_NO_MEMORY, "out of memory");
	else
		call_next(work->call);
}

/* What was granted on the server's own objects can be taken away from any database, so from the one at hand; the
 * right to connect to the instance's database is not sought: every login has it. What the roles have is found first and
 * once: joined with the databases, the server reads all dependencies of all roles again for each database. What they
 * own in another database is no content of the instance: there nothing is touched, and they stay behind, shut. The
 * instance's own database comes first: whatever others there are, what is in it is handed over. */
void step_find_leftovers(void *arg)
{
	struct pg_work *work = arg;
	struct sql *sql = work_sql(work);

	if (work->role_count > 0) {
		sql_add(sql, "WITH left_over AS MATERIALIZED (SELECT dbid, classid, objid, deptype FROM pg_shdepend"
		             " WHERE refclassid = 'pg_authid'::regclass AND refobjid = ANY (ARRAY("
		             "SELECT oid FROM pg_roles WHERE rolname IN (");
		roles_add_names(sql, work);
		sql_add(sql,
		        "))))\n"
		        "SELECT datname FROM pg_database d WHERE datallowconn AND EXISTS (SELECT FROM left_over"
		        " WHERE dbid = d.oid OR dbid = 0 AND datname = current_database() AND (classid, objid)"
		        " NOT IN (SELECT 'pg_database'::regclass, oid FROM pg_database WHERE datname = %l))"
		        " AND (datname = %l OR NOT EXISTS (SELECT FROM left_over WHERE dbid = d.oid AND deptype = 'o'))"
		        " ORDER BY datname <> %l",
		        work->owner, work->owner, work->owner);
	}
	work_query(work, take_databases);
}

static void clear_next_database(struct pg_work *work, const struct rows *rows)
{
	(void)rows;
	work_leave(work);
	work->database++;
	step_clear_leftovers(work);
}

/* The database cannot be entered, or somebody in it holds what has to be changed: then the role stays behind, shut. */
static bool on_not_cleared(struct pg_work *work, const char *sqlstate)
{
	(void)sqlstate;
	if (++work->clear_failures == CLEAR_FAILURES_MAX)
		work->database = work->database_count - 1;
	clear_next_database(work, NULL);
	return true;
}

static void clear_database(struct pg_work *work)
{
	const bool own = strcmp(work->databases[work->database], work->owner) == 0;
	struct sql *sql = work_sql(work);

	sql_add(sql, "SET LOCAL lock_timeout TO " WAIT ";\nSET LOCAL statement_timeout TO " CLEAR_WAIT ";\n");
	for (size_t i = 0; i < work->role_count; i++) {
		if (own)
			handover_add(sql, work, work->roles[i].name);
		sql_add(sql, "DROP OWNED BY %i;\n", work->roles[i].name);
		if (own)
			handover_add_end(sql, work);
	}
	work_forgive(work, on_not_cleared);
	work_query_inside(work, clear_next_database);
}

void step_clear_leftovers(void *arg)
{
	struct pg_work *work = arg;

	if (work->database >= work->database_count) {
		call_next(work->call);
		return;
	}
	work_forgive(work, on_not_cleared);
	work_enter(work, work->databases[work->database], clear_database);
}

/* ---- dropping ---- */

/* In a block of its own each: a role that something still depends on does not keep the others. */
static void add_drops(struct sql *sql, const struct pg_work *work)
{
	sql_add(sql, "BEGIN\n");
	for (size_t i = 0; i < work->role_count; i++)
		sql_add(sql,
		        "BEGIN DROP ROLE IF EXISTS %i; EXCEPTION WHEN dependent_objects_still_exist"
		        " OR lock_not_available THEN NULL; END;\n",
		        work->roles[i].name);
	sql_add(sql, "END");
}

static void on_told(struct pg_work *work, const struct rows *rows)
{
	if (rows_count(rows) == 0)
		call_next(work->call);
	else
		call_fail(work->call, ERR_LOCKED, "%s", rows_text(rows, 0, 0));
}

static void tell_what_keeps_them(struct pg_work *work)
{
	struct sql *sql = work_sql(work);

	behind_add_sentences(sql, "r.rolname IN (");
	roles_add_names(sql, work);
	sql_add(sql, ") ORDER BY f.first IS NULL, r.rolname LIMIT 1");
	work_query(work, on_told);
}

/* What could not be cleared now will not be a moment later. A removal comes back until all is gone, and says why. An
 * unbind is done: access has ended, and whoever holds the role, another tenant perhaps, must not hold up the rest of
 * the instance; inspect tells it. */
static void on_dropped(struct pg_work *work, const struct rows *rows)
{
	const bool is_gone = strcmp(rows_text(rows, 0, 0), "0") == 0;

	if (!is_gone && work->clear_failures == 0 && work_once_more(work))
		return;
	if (is_gone || work->call->kind == CALL_UNBIND)
		call_next(work->call);
	else
		tell_what_keeps_them(work);
}

void step_drop_roles(void *arg)
{
	struct pg_work *work = arg;
	struct sql *sql = work_sql(work);
	struct sql block;

	if (work->role_count == 0) {
		call_next(work->call);
		return;
	}
	sql_begin_part(&block, sql);
	add_drops(&block, work);
	sql_add(sql, "SET LOCAL lock_timeout TO " WAIT ";\n");
	sql_end_block(sql, &block);
	sql_add(sql, "SELECT count(*) FROM pg_roles WHERE rolname IN (");
	roles_add_names(sql, work);
	sql_add(sql, ")");
	work_query(work, on_dropped);
}
