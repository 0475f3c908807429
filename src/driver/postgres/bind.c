/* bind: a login that acts as the owner, or one that reads. The server gets a SCRAM verifier, never the password. */
#include "base/secret.h"
#include "enter.h"
#include "handover.h"
#include "inside.h"
#include "look.h"
#include "mend.h"
#include "owned.h"
#include "postgres.h"
#include "roles.h"
#include "shut.h"

static int make_verifier(struct pg_work *work)
{
	unsigned char salt[VERIFIER_SALT_BYTES];

	secret_random(salt, sizeof(salt));
	return verifier_make(work->call->password, salt, work->verifier);
}

static bool should_wait(struct pg_work *work)
{
	return turn_should_pass(&work->turn, work->call->backend->context->base);
}

/* False: on_resume is called in a later turn, or the call has failed. */
static bool has_verifier(struct pg_work *work, void (*on_resume)(void *work))
{
	if (work->verifier[0] != '\0')
		return true;
	if (should_wait(work)) {
		work_yield(work, on_resume);
		return false;
	}
	if (make_verifier(work) == 0)
		return true;
	call_fail(work->call, ERR_NO_MEMORY, "out of memory");
	return false;
}

/* While the server looks there is time for the verifier. One that cannot be made now is made by step_create_login. */
static void step_look_and_make_verifier(void *arg)
{
	struct pg_work *work = arg;

	step_look(work);
	if (work->verifier[0] == '\0' && !should_wait(work))
		(void)make_verifier(work);
}

/* A new password is the server's before anything is waited for: the earlier one may be in the wrong hands. */
static void step_see_what_to_renew(void *arg)
{
	struct pg_work *work = arg;

	if (work->call->renew)
		step_peek(work);
	else
		call_next(work->call);
}

static void step_change_password(void *arg)
{
	struct pg_work *work = arg;

	if (!work->call->renew || !work->facts.login) {
		call_next(work->call);
		return;
	}
	if (!has_verifier(work, step_change_password))
		return;
	roles_take_one(work, work->login);
	step_shut_roles(work);
}

/* Somebody in the database may hold what is to be taken; then the bind is tried again. */
#define TAKE_WAIT  "'2s'"
#define TAKE_LIMIT "'5s'"

static void take_rights(struct pg_work *work)
{
	struct sql *sql = work_sql(work);

	sql_add(sql, "SET LOCAL lock_timeout TO " TAKE_WAIT ";\nSET LOCAL statement_timeout TO " TAKE_LIMIT ";\n");
	handover_add(sql, work, work->login);
	sql_add(sql, "DROP OWNED BY %i;\n", work->login);
	handover_add_end(sql, work);
	work_query_inside(work, NULL);
}

static void on_membership(struct pg_work *work, const struct rows *rows)
{
	if (rows_say(rows, 0))
		work_enter(work, work->owner, take_rights);
	else
		call_next(work->call);
}

/* A login that could write until now, and is to read only, owns what it made as itself, and has what it gave itself as
 * the owner. It is a writer until its membership changes, so this is done again after a crash. */
static void step_take_a_writers_rights(void *arg)
{
	struct pg_work *work = arg;

	if (work->call->read_only && work->facts.login)
		sql_add(work_sql(work), "SELECT pg_has_role(%l, %l, 'MEMBER')", work->login, work->owner);
	else
		(void)work_sql(work);
	work_query(work, on_membership);
}

static void grant_reading(struct pg_work *work)
{
	struct sql *sql = work_sql(work);

	sql_add(sql, "BEGIN;\n");
	inside_add_grants(sql, work);
	sql_add(sql, "COMMIT;\n");
	work_query_inside(work, NULL);
}

/* What was made for the reader by default grants is readable already; this is for what was given to the owner. */
static void step_grant_reading(void *arg)
{
	struct pg_work *work = arg;

	if (work->call->read_only)
		work_enter(work, work->owner, grant_reading);
	else
		call_next(work->call);
}

/* Without inheritance an app that does SET ROLE NONE has no rights left to make things that the next app could not
 * use; a reader has nothing to act as. */
static void add_login(struct sql *sql, const struct pg_work *work)
{
	const char *group = work->call->read_only ? work->reader : work->owner;

	sql_add(
	    sql,
	    "%s ROLE %i LOGIN %s NOCREATEDB NOCREATEROLE%s CONNECTION LIMIT %d VALID UNTIL 'infinity' PASSWORD %l;\n",
	    work->facts.login ? "ALTER" : "CREATE", work->login, work->call->read_only ? "INHERIT" : "NOINHERIT",
	    work_is_superuser(work) ? " NOSUPERUSER NOREPLICATION NOBYPASSRLS" : "",
	    plan_connection_limit(work->call->plan), work->verifier);
	owned_add_login_tag(sql, work, work->login);
	if (work->facts.login)
		mend_add_memberships(sql, work->login, group);
	sql_add(sql, "GRANT %i TO %i;\n", group, work->login);
	sql_add(sql, "GRANT CONNECT ON DATABASE %i TO %i;\n", work->owner, work->login);
	roles_add_settings(sql, work, work->login, work->call->read_only ? ROLE_READER : ROLE_WRITER);
	/* To end its sessions one has to be a member. */
	if (work->call->renew && !work_is_superuser(work))
		sql_add(sql, "GRANT %i TO CURRENT_USER;\n", work->login);
}

static void step_create_login(void *arg)
{
	struct pg_work *work = arg;

	if (!has_verifier(work, step_create_login))
		return;
	add_login(work_sql(work), work);
	work_query(work, NULL);
}

static void step_end_earlier_sessions(void *arg)
{
	struct pg_work *work = arg;

	if (!work->call->renew) {
		call_finish(work->call);
		return;
	}
	roles_take_one(work, work->login);
	step_end_sessions(work);
}

static void step_leave_login(void *arg)
{
	struct pg_work *work = arg;
	struct sql *sql = work_sql(work);

	if (!work_is_superuser(work))
		sql_add(sql, "REVOKE %i FROM CURRENT_USER;\n", work->login);
	work_query(work, NULL);
}

static void step_tell(void *arg)
{
	struct pg_work *work = arg;
	struct driver_call *call = work->call;
	const struct pg_target *target = &work->host->target;
	struct text url;

	text_init(&url, SQL_MAX);
	target_app_url(target, work->owner, work->login, call->password, &url);
	call_result(call, "url", text_string(&url));
	call_result(call, "host", target->public_host);
	call_result(call, "port", target->public_port);
	call_result(call, "database", work->owner);
	call_result(call, "user", work->login);
	call_result(call, "password", call->password);
	call->arena.failed |= url.failed;
	text_wipe(&url);
	call_next(call);
}

const struct step postgres_bind_steps[] = {
    {"take_session", step_take_session},
    {"see_what_to_renew", step_see_what_to_renew},
    {"change_password", step_change_password},
    {"end_sessions", step_end_sessions},
    {"look_for_roles_and_database", step_look_and_make_verifier},
    {"find_the_database", step_require_database},
    {"act_for_the_owner", step_join_owner},
    {"undo_hindrances", step_undo_hindrances},
    {"take_a_writers_rights", step_take_a_writers_rights},
    {"grant_reading", step_grant_reading},
    {"create_login", step_create_login},
    {"tell_the_environment", step_tell},
    {"end_earlier_sessions", step_end_earlier_sessions},
    {"leave_login", step_leave_login},
    {NULL, NULL},
};
