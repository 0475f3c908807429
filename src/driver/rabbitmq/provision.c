/* provision, update and adopt: the vhost with the limits of its plan. */
#include "work.h"

#define PAUSE ((int64_t)200) /* ms between two looks at a vhost that starts */

/* ---- provision ---- */

static void make_vhost(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	(void)found;
	(void)answer;
	rabbitmq_path(work, "vhosts", work->vhost, NULL);
	rabbitmq_write_vhost(work->call->instance, &work->body);
	rabbitmq_ask(work, "PUT", rabbitmq_go_on);
}

static void step_make_vhost(void *arg)
{
	make_vhost(arg, true, NULL);
}

/* RabbitMQ stops to make a vhost in the middle when it ends, and also when the connection of the request does. What is
 * left has not all of its exchanges, so that nothing could be published: nothing is lost with it. */
static void replace_part(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	if (!found || rabbitmq_answer_is_whole(answer)) {
		call_next(work->call);
		return;
	}
	rabbitmq_path(work, "vhosts", work->vhost, NULL);
	rabbitmq_ask(work, "DELETE", make_vhost);
}

static void step_replace_part(void *arg)
{
	struct rabbit_work *work = arg;

	rabbitmq_path(work, "exchanges", work->vhost, NULL);
	text_add(&work->path, "?columns=name");
	rabbitmq_ask(work, "GET", replace_part);
}

static void start_on(struct rabbit_work *work, const char *node)
{
	rabbitmq_path(work, "vhosts", work->vhost, "start", node, NULL);
	rabbitmq_ask(work, "POST", rabbitmq_go_on_walk);
}

static void start_where_stopped(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	(void)found;
	rabbitmq_each_of(work, rabbitmq_answer_stopped(answer, &work->arena), false, start_on);
}

/* The same for one that has its exchanges and was not begun with. */
static void step_start(void *arg)
{
	struct rabbit_work *work = arg;

	rabbitmq_path(work, "vhosts", work->vhost, NULL);
	rabbitmq_ask(work, "GET", start_where_stopped);
}

static void look_whether_it_runs(void *arg);

static void take_state(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	if (!found)
		call_fail(work->call, ERR_REFUSED, "there is no vhost \"%s\"", work->vhost);
	else if (rabbitmq_answer_runs(answer))
		call_next(work->call);
	else if (timer_start(work->call->backend->context->timers, &work->pause, PAUSE) != 0)
		call_fail(work->call, ERR_NO_MEMORY, "out of memory");
}

static void look_whether_it_runs(void *arg)
{
	struct rabbit_work *work = arg;

	rabbitmq_path(work, "vhosts", work->vhost, NULL);
	rabbitmq_ask(work, "GET", take_state);
}

static void step_wait(void *arg)
{
	struct rabbit_work *work = arg;

	timer_init(&work->pause, look_whether_it_runs, work);
	look_whether_it_runs(work);
}

/* Who makes a vhost gets all rights in it, which the broker has no use for. */
static void step_drop_own_rights(void *arg)
{
	struct rabbit_work *work = arg;

	rabbitmq_path(work, "permissions", work->vhost, work->host->username, NULL);
	rabbitmq_ask(work, "DELETE", rabbitmq_go_on);
}

const struct step rabbitmq_provision_steps[] = {
    {"let_the_broker_in", rabbitmq_step_check_mark},
    {"make_the_vhost", step_make_vhost},
    {"make_the_vhost_whole", step_replace_part},
    {"start_the_vhost", step_start},
    {"wait_for_the_vhost", step_wait},
    {"drop_the_broker's_own_rights", step_drop_own_rights},
    {"set_limits", rabbitmq_step_set_vhost_limits},
    {NULL, NULL},
};

/* ---- update ---- */

/* One that is missing is not made without its password: the drift pass sees to it. */
static void limit_login(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	(void)answer;
	if (found)
		rabbitmq_set_limits(work, &rabbitmq_user_limits, work->call->subject, rabbitmq_next_bind);
	else
		rabbitmq_next_bind(work);
}

static void look_for_login(struct rabbit_work *work, const struct bind *bind)
{
	rabbitmq_path(work, "users", bind->login, NULL);
	rabbitmq_ask(work, "GET", limit_login);
}

static void step_limit_logins(void *arg)
{
	rabbitmq_each_bind(arg, look_for_login);
}

static void write_incarnation(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	const char *incarnation = work->call->instance->incarnation;

	if (!found || !rabbitmq_vhost_lacks(answer, incarnation)) {
		call_next(work->call);
		return;
	}
	rabbitmq_path(work, "vhosts", work->vhost, NULL);
	rabbitmq_vhost_write(answer, rabbitmq_answer_is_retired(answer), incarnation, &work->body);
	rabbitmq_ask(work, "PUT", rabbitmq_go_on);
}

/* Vhosts that an earlier version has made do not say whose they are; one that is adopted may say whose it was. */
static void step_write_incarnation(void *arg)
{
	struct rabbit_work *work = arg;

	rabbitmq_path(work, "vhosts", work->vhost, NULL);
	rabbitmq_ask(work, "GET", write_incarnation);
}

const struct step rabbitmq_update_steps[] = {
    {"let_the_broker_in", rabbitmq_step_check_mark},
    {"find_the_vhost", rabbitmq_step_require_vhost},
    {"write_the_incarnation", step_write_incarnation},
    {"start_the_vhost", step_start},
    {"wait_for_the_vhost", step_wait},
    {"set_limits", rabbitmq_step_set_vhost_limits},
    {"set_limits_of_a_login", step_limit_logins},
    {NULL, NULL},
};

/* ---- adopt ---- */

const struct step rabbitmq_adopt_steps[] = {
    {"let_the_broker_in", rabbitmq_step_check_mark},
    {"find_the_vhost", rabbitmq_step_require_vhost},
    {"write_the_incarnation", step_write_incarnation},
    {"set_limits", rabbitmq_step_set_vhost_limits},
    {NULL, NULL},
};
