/* provision and update: the instance's template user on every node, and the rules of its logins by the plan. A whole
 * server has to be empty before it is given to anybody. */
#include <stdlib.h>
#include <string.h>

#include "work.h"

/* Of every database: INFO has a line for each one that holds keys. */
static int take_size(struct redis_work *work, redisReply *const *replies, size_t count, struct error *error)
{
	int rc = redis_work_check(work, replies, count, error);
	const char *info = rc == 0 ? reply_text(replies[0]) : NULL,
	           *held = info != NULL ? strstr(info, ":keys=") : NULL;

	if (rc != 0)
		return rc;
	if (info == NULL)
		return error_set(error, ERR_UNAVAILABLE, "it does not say what keys it has");
	if (held != NULL)
		return error_set(error, ERR_REFUSED, "the server is not empty: %lld keys are left in it",
		                 strtoll(held + strlen(":keys="), NULL, 10));
	return 0;
}

/* An instance that is there already may have keys: the call is repeated. */
static void step_require_empty(void *arg)
{
	struct redis_work *work = arg;

	batch_reset(&work->batch);
	if (work->host->dedicated && !work->found)
		batch_command(&work->batch, "INFO", "keyspace", NULL);
	redis_work_each(work, true, take_size);
}

static void step_make_template(void *arg)
{
	struct redis_work *work = arg;

	batch_reset(&work->batch);
	acl_add_template(&work->batch, &work->acl, work->template);
	redis_work_each(work, false, NULL);
}

const struct step redis_provision_steps[] = {
    WORK_BEGINS,
    {"look_for_the_instance", redis_step_look},
    {"find_it_empty", step_require_empty},
    {"make_the_instance's_user", step_make_template},
    {"save_users", redis_step_save_users},
    {NULL, NULL},
};

/* ---- update ---- */

/* One that is missing is not made without its password: the drift pass sees to it. */
static void step_apply_plan(void *arg)
{
	struct redis_work *work = arg;
	struct error error;

	batch_reset(&work->batch);
	for (size_t i = 0; i < work->call->bind_count; i++) {
		const struct bind *bind = &work->call->binds[i];
		bool read_only = false;

		if (!work->logins[i])
			continue;
		if (driver_read_only(bind, &read_only, &error) != 0) {
			call_fail_because(work->call, &error);
			return;
		}
		acl_add_rules(&work->batch, &work->acl, bind->login, read_only);
	}
	redis_work_each(work, false, NULL);
}

const struct step redis_update_steps[] = {
    WORK_BEGINS,
    {"make_the_instance's_user", step_make_template},
    {"look_for_logins", redis_step_look_for_logins},
    {"apply_the_plan", step_apply_plan},
    {"save_users", redis_step_save_users},
    {NULL, NULL},
};
