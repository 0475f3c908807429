/* retire and restore: access ends first; nobody has rights in a retired vhost, so nobody gets in; it keeps its content,
 * and the users keep their passwords. A tag says that it is retired, for RabbitMQ renames nothing. */
#include <cjson/cJSON.h>

#include "work.h"

/* ---- the tag ---- */

static void write_tag(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	const bool retired = work->call->kind == CALL_RETIRE;

	if (!found) {
		call_fail(work->call, ERR_REFUSED, "there is no vhost \"%s\"", work->vhost);
		return;
	}
	rabbitmq_path(work, "vhosts", work->vhost, NULL);
	rabbitmq_vhost_write(answer, retired, work->call->instance->incarnation, &work->body);
	rabbitmq_ask(work, "PUT", rabbitmq_go_on);
}

static void step_write_tag(void *arg)
{
	struct rabbit_work *work = arg;

	rabbitmq_path(work, "vhosts", work->vhost, NULL);
	rabbitmq_ask(work, "GET", write_tag);
}

static void take_vhost(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	if (!found && work->call->kind == CALL_RETIRE)
		call_finish(work->call);
	else if (!found)
		call_fail(work->call, ERR_REFUSED, "there is no vhost \"%s\"", work->vhost);
	else if (rabbitmq_check_vhost(work, answer, rabbitmq_answer_is_retired(answer)))
		call_next(work->call);
}

/* The call may be repeated: whether it has the tag already does not matter. */
static void step_find_vhost(void *arg)
{
	struct rabbit_work *work = arg;

	rabbitmq_path(work, "vhosts", work->vhost, NULL);
	rabbitmq_ask(work, "GET", take_vhost);
}

/* ---- retire ---- */

static void drop_rights(struct rabbit_work *work, const char *name)
{
	rabbitmq_path(work, "permissions", work->vhost, name, NULL);
	rabbitmq_ask(work, "DELETE", rabbitmq_end_sessions);
}

static void take_users(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	(void)found;
	rabbitmq_each_name(work, answer, "user", false, drop_rights);
}

static void step_drop_rights(void *arg)
{
	struct rabbit_work *work = arg;

	rabbitmq_path(work, "vhosts", work->vhost, "permissions", NULL);
	rabbitmq_ask(work, "GET", take_users);
}

/* Those whose rights an attempt before has taken are no longer listed. */
static void end_sessions(struct rabbit_work *work, const struct bind *bind)
{
	(void)bind;
	rabbitmq_end_sessions(work, true, NULL);
}

static void step_end_sessions(void *arg)
{
	rabbitmq_each_bind(arg, end_sessions);
}

const struct step rabbitmq_retire_steps[] = {
    {"answer_the_broker", rabbitmq_step_check_admin},
    {"find_the_vhost", step_find_vhost},
    {"take_all_rights_away", step_drop_rights},
    {"end_sessions", step_end_sessions},
    {"tag_the_vhost", step_write_tag},
    {NULL, NULL},
};

/* ---- restore ---- */

/* One that is missing is made by the drift pass, which has its password. */
static void give_rights(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	const struct bind *bind = &work->call->binds[work->bind_index - 1];
	bool read_only = false;
	struct error error;

	(void)answer;
	if (!found) {
		rabbitmq_next_bind(work);
		return;
	}
	if (driver_read_only(bind, &read_only, &error) != 0) {
		call_fail_because(work->call, &error);
		return;
	}
	rabbitmq_path(work, "permissions", work->vhost, bind->login, NULL);
	rabbitmq_write_rights(read_only, &work->body);
	rabbitmq_ask(work, "PUT", rabbitmq_go_on_walk);
}

static void look_for_login(struct rabbit_work *work, const struct bind *bind)
{
	rabbitmq_path(work, "users", bind->login, NULL);
	rabbitmq_ask(work, "GET", give_rights);
}

static void step_give_rights(void *arg)
{
	rabbitmq_each_bind(arg, look_for_login);
}

const struct step rabbitmq_restore_steps[] = {
    {"let_the_broker_in", rabbitmq_step_check_mark},
    {"find_the_vhost", step_find_vhost},
    {"take_the_tag_away", step_write_tag},
    {"give_the_rights_back", step_give_rights},
    {NULL, NULL},
};
