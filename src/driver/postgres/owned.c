/* The marks on what the broker made, and the questions before anything is changed or destroyed. */
#include "owned.h"

void owned_add_role_tags(struct sql *sql, const struct pg_work *work)
{
	if (work->tag[0] == '\0')
		return;
	sql_add(sql, "COMMENT ON ROLE %i IS %l;\n", work->owner, work->tag);
	sql_add(sql, "COMMENT ON ROLE %i IS %l;\n", work->reader, work->tag);
}

void owned_add_database_tag(struct sql *sql, const struct pg_work *work)
{
	if (work->tag[0] != '\0')
		sql_add(sql, "COMMENT ON DATABASE %i IS %l;\n", work->owner, work->tag);
}

const char *owned_incarnation(const struct pg_work *work)
{
	return work->tag[0] != '\0' ? work->tag + sizeof(TAG_INSTANCE) - 1 : "";
}

void owned_add_login_tag(struct sql *sql, const struct pg_work *work, const char *login)
{
	if (work->tag[0] != '\0')
		sql_add(sql, "COMMENT ON ROLE %i IS '" TAG_BIND "%s';\n", login, owned_incarnation(work));
}

/* ---- before anything is destroyed ---- */

static void require_own(struct pg_work *work, bool there, bool owned, const char *database)
{
	if (!there || owned)
		call_next(work->call);
	else
		call_fail(work->call, ERR_REFUSED,
		          "the database \"%s\" does not belong to the role \"%s\", so it is left alone; when it is the "
		          "instance's: ALTER DATABASE \"%s\" OWNER TO \"%s\", otherwise rename it",
		          database, work->owner, database, work->owner);
}

void step_require_own_database(void *arg)
{
	struct pg_work *work = arg;

	require_own(work, work->facts.database, work->facts.owned, work->owner);
}

void step_require_own_retired(void *arg)
{
	struct pg_work *work = arg;

	require_own(work, work->facts.retired, work->facts.retired_owned, work->retired);
}

/* Not ERR_NOT_FOUND, which tsuru takes for success on an update: the instance is known, its database is lost. */
void step_require_database(void *arg)
{
	struct pg_work *work = arg;

	if (!work->facts.database || !work->facts.owner)
		call_fail(work->call, ERR_REFUSED, "the database is not there any more");
	else
		step_require_own_database(work);
}
