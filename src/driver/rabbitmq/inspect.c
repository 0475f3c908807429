/* inspect and list: what a server has of the broker's vhosts and users, beside what it should have. */
#include <cjson/cJSON.h>

#include "work.h"

/* ---- inspect ---- */

static void take_vhost(struct work *work, bool found, const struct cJSON *answer)
{
	if (found) {
		if (!rabbitmq_answer_runs(answer))
			call_result(work->call, DRIFT_INSTANCE, "the vhost is stopped");
		steps_next(&work->steps);
		return;
	}
	call_result(work->call, DRIFT_LOST, "the vhost is not there any more");
	steps_finish(&work->steps);
}

static void step_find_vhost(void *arg)
{
	struct work *work = arg;

	rabbitmq_path(work, "vhosts", work->vhost, NULL);
	rabbitmq_ask(work, "GET", take_vhost);
}

static void compare_limits(struct work *work, bool found, const struct cJSON *answer)
{
	if (found && !rabbitmq_answer_vhost_fits(answer, &work->call->plan->options))
		call_result(work->call, DRIFT_INSTANCE, "the vhost's limits are not as the plan says");
	steps_next(&work->steps);
}

static void step_compare_limits(void *arg)
{
	struct work *work = arg;

	rabbitmq_path(work, "vhost-limits", work->vhost, NULL);
	rabbitmq_ask(work, "GET", compare_limits);
}

static void keep_permissions(struct work *work, bool found, const struct cJSON *answer)
{
	(void)found;
	work->permissions = cJSON_Duplicate(answer, true);
	if (work->permissions == NULL && answer != NULL)
		rabbitmq_fail(work, ERR_NO_MEMORY, "out of memory");
	else
		steps_next(&work->steps);
}

static void step_read_permissions(void *arg)
{
	struct work *work = arg;

	rabbitmq_path(work, "vhosts", work->vhost, "permissions", NULL);
	rabbitmq_ask(work, "GET", keep_permissions);
}

static void compare_login(struct work *work, bool found, const struct cJSON *answer)
{
	const struct bind *bind = &work->call->binds[work->bind_index - 1];
	bool read_only = false;

	/* What cannot be read was never bound. */
	if (driver_read_only(bind, &read_only, NULL) == 0 &&
	    (!found || !rabbitmq_answer_user_fits(answer, &work->call->plan->options) ||
	     !rabbitmq_answer_rights_fit(work->permissions, bind->login, read_only)))
		call_result(work->call, DRIFT_BIND, bind->login);
	rabbitmq_next_bind(work);
}

static void look_for_login(struct work *work, const struct bind *bind)
{
	rabbitmq_path(work, "users", bind->login, NULL);
	rabbitmq_ask(work, "GET", compare_login);
}

static void step_compare_logins(void *arg)
{
	rabbitmq_each_bind(arg, look_for_login);
}

static const struct step inspect_steps[] = {
    {"let_the_broker_in", rabbitmq_step_check_admin}, {"find_the_vhost", step_find_vhost},
    {"compare_limits", step_compare_limits},          {"read_rights", step_read_permissions},
    {"compare_a_login", step_compare_logins},         {NULL, NULL},
};

void rabbitmq_inspect(void *state, struct driver_call *call)
{
	rabbitmq_start(state, call, inspect_steps);
}

/* ---- list ---- */

static void add_vhost(struct work *work, const char *name)
{
	if (rabbitmq_answer_is_ours(name))
		call_result(work->call, LIST_INSTANCE, name);
}

static void add_user(struct work *work, const char *name)
{
	if (rabbitmq_answer_is_ours(name))
		call_result(work->call, LIST_LOGIN, name);
}

static void add_names(struct work *work, const struct cJSON *list, void (*add)(struct work *work, const char *name))
{
	const char *const *names = rabbitmq_answer_texts(list, "name", &work->arena);

	if (names == NULL) {
		rabbitmq_fail(work, ERR_NO_MEMORY, "out of memory");
		return;
	}
	for (; *names != NULL; names++)
		add(work, *names);
	steps_next(&work->steps);
}

static void take_vhosts(struct work *work, bool found, const struct cJSON *answer)
{
	(void)found;
	add_names(work, answer, add_vhost);
}

static void take_users(struct work *work, bool found, const struct cJSON *answer)
{
	(void)found;
	add_names(work, answer, add_user);
}

static void step_list_vhosts(void *arg)
{
	struct work *work = arg;

	rabbitmq_path(work, "vhosts", NULL);
	text_add(&work->path, "?columns=name");
	rabbitmq_ask(work, "GET", take_vhosts);
}

static void step_list_users(void *arg)
{
	struct work *work = arg;

	rabbitmq_path(work, "users", NULL);
	text_add(&work->path, "?columns=name");
	rabbitmq_ask(work, "GET", take_users);
}

static const struct step list_steps[] = {
    {"let_the_broker_in", rabbitmq_step_check_admin},
    {"list_its_vhosts", step_list_vhosts},
    {"list_its_users", step_list_users},
    {NULL, NULL},
};

void rabbitmq_list(void *state, struct driver_call *call)
{
	rabbitmq_start(state, call, list_steps);
}
