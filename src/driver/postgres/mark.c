/* read_mark and write_mark. Who may connect to a server can read its databases' comments; only who owns the broker's
 * own database can write that one. */
#include "mark.h"

#include <string.h>

#include "postgres.h"
#include "work.h"

enum { ROW_MAY, ROW_OWNER_IS_SUPER, ROW_OWNER, ROW_SELF };

const char *mark_of_comment(const char *comment)
{
	return strncmp(comment, TAG_BEGIN, strlen(TAG_BEGIN)) == 0 ? comment + strlen(TAG_BEGIN) : NULL;
}

/* ---- reading ---- */

static void on_comment(struct pg_work *work, const struct rows *rows)
{
	const char *mark = mark_of_comment(rows_text(rows, 0, 0));

	if (mark != NULL)
		call_result(work->call, MARK_RESULT, mark);
	call_next(work->call);
}

static void step_read(void *arg)
{
	struct pg_work *work = arg;

	sql_add(work_sql(work), "SELECT " MARK_COMMENT);
	work_query(work, on_comment);
}

const struct step postgres_read_mark_steps[] = {
    {"take_session", step_take_session},
    {"read_the_mark", step_read},
    {NULL, NULL},
};

/* ---- writing ---- */

static void write_as(struct pg_work *work, const char *owner)
{
	struct sql *sql = work_sql(work);

	if (owner != NULL)
		sql_add(sql, "GRANT %s TO CURRENT_USER;\n", owner);
	sql_add(sql, "COMMENT ON DATABASE " HOME_DATABASE " IS '" TAG_BEGIN "%s';\n", work->call->mark);
	if (owner != NULL)
		sql_add(sql, "REVOKE %s FROM CURRENT_USER;\n", owner);
	work_query(work, NULL);
}

/* Before 16 who may create roles may act for any that is no superuser. */
static void on_rights(struct pg_work *work, const struct rows *rows)
{
	const char *owner = rows_text(rows, 0, ROW_OWNER), *self = rows_text(rows, 0, ROW_SELF);
	const bool super = rows_say(rows, ROW_OWNER_IS_SUPER);

	if (rows_say(rows, ROW_MAY))
		write_as(work, NULL);
	else if (super)
		call_fail(work->call, ERR_UNAVAILABLE,
		          "only the owner of the database \"" HOME_DATABASE
		          "\" may write the mark; as %s: ALTER DATABASE " HOME_DATABASE " OWNER TO %s",
		          owner, self);
	else if (work_version(work) < GRANTS_HAVE_OPTIONS)
		write_as(work, owner);
	else
		call_fail(work->call, ERR_UNAVAILABLE,
		          "only the owner of the database \"" HOME_DATABASE
		          "\" may write the mark; as a superuser: GRANT %s TO %s",
		          owner, self);
}

static void step_write(void *arg)
{
	struct pg_work *work = arg;

	sql_add(work_sql(work),
	        "SELECT pg_has_role(datdba, 'USAGE'), rolsuper, quote_ident(rolname), quote_ident(current_user)"
	        " FROM pg_database d JOIN pg_roles r ON r.oid = datdba WHERE datname = current_database()");
	work_query(work, on_rights);
}

const struct step postgres_write_mark_steps[] = {
    {"take_session", step_take_session},
    {"write_the_mark", step_write},
    {NULL, NULL},
};
