/* list: the vhosts and users of a server that have names as the broker gives them. */
#include <cjson/cJSON.h>

#include "work.h"

static void tell_of_vhosts(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	const struct cJSON *vhost;

	(void)found;
	cJSON_ArrayForEach(vhost, answer)
	{
		const char *name = rabbitmq_answer_text(vhost, "name");

		if (name != NULL && name_is_ours(name))
			call_result(work->call, rabbitmq_answer_is_retired(vhost) ? LIST_RETIRED : LIST_INSTANCE, name);
	}
	call_next(work->call);
}

static void tell_of_users(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	const struct cJSON *user;

	(void)found;
	cJSON_ArrayForEach(user, answer)
	{
		const char *name = rabbitmq_answer_text(user, "name");

		if (name != NULL && name_is_ours(name))
			call_result(work->call, LIST_LOGIN, name);
	}
	call_next(work->call);
}

static void step_list_vhosts(void *arg)
{
	struct rabbit_work *work = arg;

	rabbitmq_path(work, "vhosts", NULL);
	text_add(&work->path, "?columns=name,tags");
	rabbitmq_ask(work, "GET", tell_of_vhosts);
}

static void step_list_users(void *arg)
{
	struct rabbit_work *work = arg;

	rabbitmq_path(work, "users", NULL);
	text_add(&work->path, "?columns=name");
	rabbitmq_ask(work, "GET", tell_of_users);
}

const struct step rabbitmq_list_steps[] = {
    {"answer_the_broker", rabbitmq_step_check_admin},
    {"list_its_vhosts", step_list_vhosts},
    {"list_its_users", step_list_users},
    {NULL, NULL},
};
