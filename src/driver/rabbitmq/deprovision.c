/* deprovision: the vhost is compared with what the records say of it; then the logins go, then the vhost with all that
 * is in it, which ends its connections. */
#include "work.h"

/* ---- the look ---- */

static void take_doomed(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	if (!found || rabbitmq_check_vhost(work, answer, work->call->retired))
		call_next(work->call);
}

static void step_look(void *arg)
{
	struct rabbit_work *work = arg;

	rabbitmq_path(work, "vhosts", work->vhost, NULL);
	rabbitmq_ask(work, "GET", take_doomed);
}

/* ---- logins ---- */

static void drop_login(struct rabbit_work *work, const struct bind *bind)
{
	rabbitmq_path(work, "users", bind->login, NULL);
	rabbitmq_ask(work, "DELETE", rabbitmq_end_sessions);
}

static void step_drop_logins(void *arg)
{
	rabbitmq_each_bind(arg, drop_login);
}

/* ---- logins that no bind knows of ---- */

/* A login that somebody has let into other vhosts is not only this instance's. */
static void drop_confined(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	if (!found || !rabbitmq_answer_is_confined(answer, work->vhost)) {
		rabbitmq_next_name(work);
		return;
	}
	rabbitmq_path(work, "users", work->call->subject, NULL);
	rabbitmq_ask(work, "DELETE", rabbitmq_end_sessions);
}

static void look_at_stray(struct rabbit_work *work, const char *name)
{
	rabbitmq_path(work, "users", name, "permissions", NULL);
	rabbitmq_ask(work, "GET", drop_confined);
}

static void take_users(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	(void)found;
	rabbitmq_each_name(work, answer, "user", true, look_at_stray);
}

static void step_drop_strays(void *arg)
{
	struct rabbit_work *work = arg;

	rabbitmq_path(work, "vhosts", work->vhost, "permissions", NULL);
	rabbitmq_ask(work, "GET", take_users);
}

/* ---- the vhost ---- */

static void step_drop_vhost(void *arg)
{
	struct rabbit_work *work = arg;

	rabbitmq_path(work, "vhosts", work->vhost, NULL);
	rabbitmq_ask(work, "DELETE", rabbitmq_go_on);
}

const struct step rabbitmq_deprovision_steps[] = {
    {"answer_the_broker", rabbitmq_step_check_admin},
    {"look_at_the_vhost", step_look},
    {"drop_a_login", step_drop_logins},
    {"drop_a_forgotten_login", step_drop_strays},
    {"drop_the_vhost", step_drop_vhost},
    {NULL, NULL},
};
