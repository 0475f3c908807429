/* A session begins with what its database is set to, and the owner of the database sets what it likes: an
 * idle_session_timeout of a millisecond ends every session of ours between two statements, and with synchronous_commit
 * off what we committed there may be lost. What a session asks for when it connects comes before that. So the server is
 * asked first which settings the database has, and the session asks for the value that the home session has of each. */
#include "enter.h"

#include <assert.h>

#include "dialect.h"

static void on_inside(void *arg, int code, const struct error *error)
{
	struct pg_work *work = arg;

	if (code != 0)
		work_fail(work, "", error);
	else
		work->on_inside(work);
}

static void on_settings(struct pg_work *work, const struct rows *rows)
{
	enum { OPTIONS, STATEMENT };
	const struct pg_settings *ours = &work->host->target.settings;

	work->entrance.settings = (struct pg_settings){
	    .options = arena_format(&work->arena, "%s%s", rows_text(rows, 0, OPTIONS), ours->options),
	    .statement = arena_format(&work->arena, "%s%s", rows_text(rows, 0, STATEMENT), ours->statement),
	};
	if (arena_failed(&work->arena)) {
		call_fail(work->call, ERR_NO_MEMORY, "out of memory");
		return;
	}
	work_forgive(work, work->on_shut_out);
	assert(work->inside == NULL);
	work->inside = session_open(work->call->backend->context, &work->host->target, work->entered, &work->entrance,
	                            on_inside, work);
	if (work->inside == NULL)
		call_fail(work->call, ERR_NO_MEMORY, "out of memory");
}

void work_enter(struct pg_work *work, const char *database, void (*on_entered)(struct pg_work *work))
{
	struct sql *sql = work_sql(work);

	work->entered = database;
	work->on_inside = on_entered;
	work->on_shut_out = work->on_failed;
	sql_add(sql,
	        "SELECT coalesce(string_agg(DISTINCT format('-c %%s=%%s ', s.name,"
	        " regexp_replace(s.reset_val, '([\\\\[:space:]])', '\\\\\\1', 'g')), ''), ''),"
	        " coalesce(string_agg(DISTINCT format('SELECT pg_catalog.set_config(%%L, %%L, false);', s.name,"
	        " s.reset_val), ' '), '')"
	        " FROM pg_db_role_setting r JOIN pg_database d ON d.oid = r.setdatabase, unnest(r.setconfig) c"
	        " JOIN pg_settings s ON lower(s.name) = lower(split_part(c, '=', 1)) AND s.context = 'user'"
	        " AND c !~ '" SETTING_OF_NO_USE "'"
	        " WHERE d.datname = %l AND r.setrole = 0",
	        database);
	work_query(work, on_settings);
}
