/* A subscription is dropped in its own database by its owner or a superuser. Its slot on the other server is given up
 * first (slot_name NONE): to drop that one, too, this server would have to reach the other, and wait for it. */
#include "subscription.h"

#include "dialect.h"
#include "empty.h"
#include "enter.h"
#include "hinder.h"

enum { ROW_NAME, ROW_OWNER, ROW_OURS, ROW_SELF };

/* Only those of this database: the catalog is the whole server's. */
static void add_statements(struct sql *sql, const char *statement)
{
	struct sql query;

	sql_begin_part(&query, sql);
	sql_add(&query,
	        "SELECT format(%l, s.subname) FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid"
	        " WHERE d.datname = current_database()",
	        statement);
	sql_end_loop(sql, &query);
}

static void end_subscriptions(struct pg_work *work)
{
	struct sql *sql = work_sql(work);

	add_statements(sql, "ALTER SUBSCRIPTION %I DISABLE");
	if (work->call->kind == CALL_DEPROVISION) {
		add_statements(sql, "ALTER SUBSCRIPTION %I SET (slot_name = NONE)");
		add_statements(sql, "DROP SUBSCRIPTION %I");
	}
	work_query_inside(work, NULL);
}

static void enter_database(struct pg_work *work, const struct rows *rows)
{
	(void)rows;
	work_enter(work, empty_database(work), end_subscriptions);
}

static void on_found(struct pg_work *work, const struct rows *rows)
{
	const char *name, *owner;
	struct sql *sql;

	if (rows_count(rows) == 0) {
		call_next(work->call);
		return;
	}
	name = rows_text(rows, 0, ROW_NAME);
	owner = rows_text(rows, 0, ROW_OWNER);
	if (!rows_say(rows, ROW_OURS)) {
		call_fail(work->call, ERR_LOCKED,
		          "the subscription %s of %s is in the database: DROP SUBSCRIPTION %s in it as that role or a "
		          "superuser, or GRANT %s TO %s",
		          name, owner, name, owner, rows_text(rows, 0, ROW_SELF));
		return;
	}
	sql = work_sql(work);
	hinder_add_opening(sql, empty_database(work), work->owner);
	work_query(work, enter_database);
}

void step_end_subscriptions(void *arg)
{
	struct pg_work *work = arg;
	struct sql *sql = work_sql(work);
	const char *database = empty_database(work);

	if (database != NULL) {
		sql_add(sql,
		        "SELECT quote_ident(s.subname), quote_ident(pg_get_userbyid(s.subowner)), "
		        "pg_has_role(s.subowner, 'USAGE'), quote_ident(current_user) FROM"
		        " pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = %l",
		        database);
		sql_add(sql, work->call->kind == CALL_DEPROVISION ? "" : " AND s.subenabled");
		sql_add(sql, " ORDER BY 3 LIMIT 1");
	}
	work_query(work, on_found);
}
