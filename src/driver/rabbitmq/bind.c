/* bind and unbind: a user with rights in the vhost only. The server gets the password's hash, never the password.
 *
 * Sessions end by DELETE /api/connections/username/NAME: the server looks into a list that is
 * always current, while the other lists of connections are seconds behind. sweep.c has an eye on those that were just
 * beginning. */
#include "work.h"

/* ---- what both do ---- */

static void step_drop_login(void *arg)
{
	struct rabbit_work *work = arg;

	rabbitmq_path(work, "users", work->call->bind->login, NULL);
	rabbitmq_ask(work, "DELETE", rabbitmq_go_on);
}

static void step_end_sessions(void *arg)
{
	struct rabbit_work *work = arg;

	rabbitmq_path(work, "connections", "username", work->call->bind->login, NULL);
	rabbitmq_ask(work, "DELETE", rabbitmq_go_on);
}

static void step_plan_sweep(void *arg)
{
	struct rabbit_work *work = arg;

	rabbitmq_sweep_plan(&work->host->sweeps, work->call->backend->context, work->host->client, work->vhost,
	                    work->call->bind->login);
	call_next(work->call);
}

/* ---- bind ---- */

static void step_make_login(void *arg)
{
	struct rabbit_work *work = arg;

	rabbitmq_path(work, "users", work->call->bind->login, NULL);
	rabbitmq_write_user(work->call->password, &work->body);
	rabbitmq_ask(work, "PUT", rabbitmq_go_on);
}

static void end_step(struct rabbit_work *work)
{
	call_next(work->call);
}

static void step_set_limits(void *arg)
{
	struct rabbit_work *work = arg;

	rabbitmq_set_limits(work, &rabbitmq_user_limits, work->call->bind->login, end_step);
}

static void step_give_rights(void *arg)
{
	struct rabbit_work *work = arg;

	rabbitmq_path(work, "permissions", work->vhost, work->call->bind->login, NULL);
	rabbitmq_write_rights(work->call->read_only, &work->body);
	rabbitmq_ask(work, "PUT", rabbitmq_go_on);
}

static void step_tell(void *arg)
{
	struct rabbit_work *work = arg;
	struct driver_call *call = work->call;
	const struct rabbit_target *target = &work->host->target;
	struct text url;

	text_init(&url, KEPT_MAX);
	rabbitmq_target_app_url(target, work->vhost, call->bind->login, call->password, &url);
	call_result(call, "url", text_string(&url));
	call_result(call, "host", target->host);
	call_result(call, "port", target->port);
	call_result(call, "vhost", work->vhost);
	call_result(call, "user", call->bind->login);
	call_result(call, "password", call->password);
	call->arena.failed |= url.failed;
	text_wipe(&url);
	call_next(work->call);
}

#define BIND_BEGINS                                                                                                    \
	{"let_the_broker_in", rabbitmq_step_check_mark},                                                               \
	{                                                                                                              \
		"find_the_vhost", rabbitmq_step_require_vhost                                                          \
	}
#define BIND_ENDS                                                                                                      \
	{"make_the_login", step_make_login}, {"set_limits_of_the_login", step_set_limits},                             \
	{                                                                                                              \
		"give_rights_to_the_login", step_give_rights                                                           \
	}

const struct step rabbitmq_bind_steps[] = {
    BIND_BEGINS,
    BIND_ENDS,
    {"tell_the_environment", step_tell},
    {NULL, NULL},
};

/* Nobody knows the new password yet: whatever is connected at the end has an earlier one. */
const struct step rabbitmq_renew_steps[] = {
    BIND_BEGINS,
    {"drop_the_earlier_login", step_drop_login},
    BIND_ENDS,
    {"end_earlier_sessions", step_end_sessions},
    {"look_for_sessions_later", step_plan_sweep},
    {"tell_the_environment", step_tell},
    {NULL, NULL},
};

/* ---- unbind ---- */

const struct step rabbitmq_unbind_steps[] = {
    {"answer_the_broker", rabbitmq_step_check_admin},
    {"drop_the_login", step_drop_login},
    {"end_its_sessions", step_end_sessions},
    {"look_for_sessions_later", step_plan_sweep},
    {NULL, NULL},
};
