/* A transaction is rolled back in its own database, and by nobody but its owner or a superuser. What cannot be rolled
 * back is passed over for the rest of the round, and whoever needs it gone says so. */
#include "prepared.h"

#include "enter.h"
#include "hinder.h"

struct prepared {
	const char *id, *database, *owner;
	struct prepared *next; /* of work->spared */
};

void prepared_add_condition(struct sql *sql, const struct pg_work *work, enum prepared_which which)
{
	sql_add(sql, "(");
	if (which == PREPARED_HINDERING) {
		sql_add(sql, PREPARED_HINDERS, work->owner, work->reader, work->owner);
	} else {
		sql_add(sql, "x.owner IN (NULL");
		for (size_t i = 0; i < work->role_count; i++)
			sql_add(sql, ", %l", work->roles[i].name);
		if (which == PREPARED_ALL)
			sql_add(sql, ", %l, %l", work->owner, work->reader);
		sql_add(sql, ")");
		if (work->call->bind == NULL)
			sql_add(sql, " OR x.database IN (%l, %l)", work->owner, work->retired);
	}
	sql_add(sql, ")");
	for (const struct prepared *one = work->spared; one != NULL; one = one->next)
		sql_add(sql, " AND x.gid <> %l", one->id);
}

static void find_next(void *arg);

static void leave_and_go_on(struct pg_work *work, const struct rows *rows)
{
	(void)rows;
	work_leave(work);
	work_pause(work, find_next);
}

static bool on_not_rolled_back(struct pg_work *work, const char *sqlstate)
{
	(void)sqlstate;
	work->prepared->next = work->spared;
	work->spared = work->prepared;
	leave_and_go_on(work, NULL);
	return true;
}

static void roll_back(struct pg_work *work, const struct rows *rows)
{
	(void)rows;
	sql_add(work_sql(work), "ROLLBACK PREPARED %l", work->prepared->id);
	work_forgive(work, on_not_rolled_back);
	work_query_inside(work, leave_and_go_on);
}

/* Who is no superuser has to be the one that prepared it. */
static void become_owner(struct pg_work *work)
{
	if (work_is_superuser(work)) {
		roll_back(work, NULL);
		return;
	}
	sql_add(work_sql(work), "GRANT %i TO CURRENT_USER;\nSET ROLE %i", work->prepared->owner, work->prepared->owner);
	work_forgive(work, on_not_rolled_back);
	work_query_inside(work, roll_back);
}

static void enter_database(struct pg_work *work, const struct rows *rows)
{
	(void)rows;
	work_forgive(work, on_not_rolled_back);
	work_enter(work, work->prepared->database, become_owner);
}

static void on_found(struct pg_work *work, const struct rows *rows)
{
	struct prepared *prepared;
	struct sql *sql;

	if (rows_count(rows) == 0) {
		work_pause(work, work->on_prepared_ended);
		return;
	}
	prepared = arena_alloc(&work->arena, sizeof(*prepared));
	if (prepared != NULL)
		*prepared = (struct prepared){.id = arena_text(&work->arena, rows_text(rows, 0, 0)),
		                              .database = arena_text(&work->arena, rows_text(rows, 0, 1)),
		                              .owner = arena_text(&work->arena, rows_text(rows, 0, 2))};
	if (prepared == NULL || arena_failed(&work->arena)) {
		call_fail(work->call, ERR_NO_MEMORY, "out of memory");
		return;
	}
	work->prepared = prepared;
	/* A removal that was tried before has shut the database already; it does so again. */
	sql = work_sql(work);
	hinder_add_opening(sql, prepared->database, work->owner);
	work_forgive(work, on_not_rolled_back);
	work_query(work, enter_database);
}

static void find_next(void *arg)
{
	struct pg_work *work = arg;
	struct sql *sql = work_sql(work);

	sql_add(sql, "SELECT x.gid, x.database, x.owner FROM pg_prepared_xacts x WHERE ");
	prepared_add_condition(sql, work, work->prepared_which);
	sql_add(sql, " ORDER BY x.prepared LIMIT 1");
	work_query(work, on_found);
}

void prepared_end(struct pg_work *work, enum prepared_which which, void (*on_ended)(void *work))
{
	work->on_prepared_ended = on_ended;
	work->prepared_which = which;
	find_next(work);
}
