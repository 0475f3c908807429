/* inspect: what a server has of an instance's vhost and users, beside what it should have. */
#include <cjson/cJSON.h>
#include <string.h>

#include "work.h"

/* ---- the vhost ---- */

static void take_vhost(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	if (!found) {
		call_result(work->call, DRIFT_LOST, "the vhost is not there any more");
		call_finish(work->call);
		return;
	}
	if (!rabbitmq_vhost_is_of(answer, work->call->instance->incarnation)) {
		call_result(work->call, DRIFT_TOLD,
		            "the vhost is another instance's, by its description: nothing is done to it");
		call_finish(work->call);
		return;
	}
	if (rabbitmq_answer_is_retired(answer))
		call_result(work->call, DRIFT_TOLD,
		            "the vhost has the tag \"retired\", but the records say that it lives: take the tag away "
		            "(rabbitmqctl update_vhost_metadata)");
	else if (!rabbitmq_answer_runs(answer))
		call_result(work->call, DRIFT_INSTANCE, "the vhost is stopped");
	else if (rabbitmq_vhost_lacks(answer, work->call->instance->incarnation))
		call_result(work->call, DRIFT_INSTANCE, "the vhost does not say which instance it is");
	call_next(work->call);
}

static void step_find_vhost(void *arg)
{
	struct rabbit_work *work = arg;

	rabbitmq_path(work, "vhosts", work->vhost, NULL);
	rabbitmq_ask(work, "GET", take_vhost);
}

static void compare_limits(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	if (found && !rabbitmq_answer_vhost_fits(answer, &work->call->plan->options))
		call_result(work->call, DRIFT_INSTANCE, "the vhost's limits are not as the plan says");
	call_next(work->call);
}

static void step_compare_limits(void *arg)
{
	struct rabbit_work *work = arg;

	rabbitmq_path(work, "vhost-limits", work->vhost, NULL);
	rabbitmq_ask(work, "GET", compare_limits);
}

/* ---- rights ---- */

/* Those who had rights in a vhost that was adopted keep them; one of the broker's own is for its binds only. */
static void tell_of_others(struct rabbit_work *work, const struct cJSON *permissions)
{
	const struct cJSON *entry;

	if (!name_is_ours(work->vhost))
		return;
	cJSON_ArrayForEach(entry, permissions)
	{
		const char *user = rabbitmq_answer_text(entry, "user");

		if (user != NULL && !call_has_bind(work->call, user))
			call_tell(work->call, DRIFT_TOLD,
			          "the user \"%s\" has rights in the vhost \"%s\" and is of no bind: rabbitmqctl "
			          "clear_permissions \"%s\" -p \"%s\"",
			          user, work->vhost, user, work->vhost);
	}
}

static void keep_permissions(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	(void)found;
	tell_of_others(work, answer);
	work->permissions = cJSON_Duplicate(answer, true);
	if (work->permissions == NULL && answer != NULL)
		call_fail(work->call, ERR_NO_MEMORY, "out of memory");
	else
		call_next(work->call);
}

static void step_read_permissions(void *arg)
{
	struct rabbit_work *work = arg;

	rabbitmq_path(work, "vhosts", work->vhost, "permissions", NULL);
	rabbitmq_ask(work, "GET", keep_permissions);
}

static void tell_of_topics(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	const struct cJSON *entry;

	(void)found;
	cJSON_ArrayForEach(entry, answer)
	{
		const char *user = rabbitmq_answer_text(entry, "user");

		if (user != NULL && call_has_bind(work->call, user))
			call_tell(work->call, DRIFT_TOLD,
			          "the login \"%s\" is kept from topics in the vhost \"%s\": rabbitmqctl "
			          "clear_topic_permissions \"%s\" -p \"%s\"",
			          user, work->vhost, user, work->vhost);
	}
	call_next(work->call);
}

static void step_read_topics(void *arg)
{
	struct rabbit_work *work = arg;

	rabbitmq_path(work, "vhosts", work->vhost, "topic-permissions", NULL);
	rabbitmq_ask(work, "GET", tell_of_topics);
}

/* ---- logins ---- */

static void tell_of_reach(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	const struct cJSON *entry;

	(void)found;
	cJSON_ArrayForEach(entry, answer)
	{
		const char *vhost = rabbitmq_answer_text(entry, "vhost");

		if (vhost != NULL && strcmp(vhost, work->vhost) != 0)
			call_tell(work->call, DRIFT_TOLD,
			          "the login \"%s\" has rights in the vhost \"%s\", too: rabbitmqctl clear_permissions "
			          "\"%s\" -p "
			          "\"%s\"",
			          work->call->subject, vhost, work->call->subject, vhost);
	}
	rabbitmq_next_bind(work);
}

static bool login_fits(struct rabbit_work *work, const struct cJSON *user)
{
	const struct driver_call *call = work->call;
	const size_t i = work->bind_index - 1;
	const char *password = call->passwords != NULL ? call->passwords[i] : NULL;
	bool read_only = false;

	/* What cannot be read was never bound. */
	return driver_read_only(&call->binds[i], &read_only, NULL) != 0 ||
	       (rabbitmq_answer_user_fits(user, &call->plan->options) &&
	        rabbitmq_answer_rights_fit(work->permissions, work->call->subject, read_only) &&
	        (password == NULL || rabbitmq_answer_password_fits(user, password)));
}

static void compare_login(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	if (!login_fits(work, found ? answer : NULL))
		call_result(work->call, DRIFT_BIND, work->call->subject);
	rabbitmq_path(work, "users", work->call->subject, "permissions", NULL);
	rabbitmq_ask(work, "GET", tell_of_reach);
}

static void look_for_login(struct rabbit_work *work, const struct bind *bind)
{
	rabbitmq_path(work, "users", bind->login, NULL);
	rabbitmq_ask(work, "GET", compare_login);
}

static void step_compare_logins(void *arg)
{
	rabbitmq_each_bind(arg, look_for_login);
}

const struct step rabbitmq_inspect_steps[] = {
    {"answer_the_broker", rabbitmq_step_check_admin},
    {"find_the_vhost", step_find_vhost},
    {"compare_limits", step_compare_limits},
    {"read_rights", step_read_permissions},
    {"read_rights_to_topics", step_read_topics},
    {"compare_a_login", step_compare_logins},
    {NULL, NULL},
};
