/* read_mark and write_mark: the server's mark is the host of a locked account without rights, which only those see and
 * change who may make accounts. */
#include "base/secret.h"
#include "look.h"
#include "query.h"

static void add_marks(struct mysql_work *work, MYSQL_RES *rows)
{
	MYSQL_ROW row;

	while ((row = mysql_fetch_row(rows)) != NULL)
		call_result(work->call, MARK_RESULT, row[0]);
	call_next(work->call);
}

static void step_read(void *arg)
{
	struct mysql_work *work = arg;

	sql_add(maria_sql(work), "SELECT Host FROM mysql.user WHERE User = %l", MARK_USER);
	maria_query(work, add_marks);
}

const struct step maria_read_mark_steps[] = {
    {"take_session", maria_step_take_session},
    {"read_its_mark", step_read},
    {NULL, NULL},
};

/* Nobody knows its password; a server that looks at passwords wants one also of an account that is locked. */
static void step_add_mark(void *arg)
{
	struct mysql_work *work = arg;
	struct sql *sql = maria_sql(work);
	char password[PASSWORD_LENGTH + 1];

	secret_password(password);
	sql_add(sql, "CREATE USER IF NOT EXISTS %l@%l IDENTIFIED BY %l ACCOUNT LOCK", MARK_USER, work->call->mark,
	        password);
	secret_wipe(password, sizeof(password));
	maria_query(work, NULL);
}

static void drop_marks(struct mysql_work *work, MYSQL_RES *rows)
{
	struct sql *sql = maria_sql(work);
	MYSQL_ROW row;

	while ((row = mysql_fetch_row(rows)) != NULL)
		sql_add(sql, "DROP USER IF EXISTS %l@%l;\n", MARK_USER, row[0]);
	maria_query(work, NULL);
}

static void step_drop_other_marks(void *arg)
{
	struct mysql_work *work = arg;

	sql_add(maria_sql(work), "SELECT Host FROM mysql.user WHERE User = %l AND Host <> %l", MARK_USER,
	        work->call->mark);
	maria_query(work, drop_marks);
}

/* The new one first: a server without any would look lost. */
const struct step maria_write_mark_steps[] = {
    {"take_session", maria_step_take_session},
    {"find_it_writable", maria_step_require_writable},
    {"add_its_mark", step_add_mark},
    {"drop_other_marks", step_drop_other_marks},
    {NULL, NULL},
};
