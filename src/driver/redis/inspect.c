/* inspect and list: what a server has of the broker's users, beside what it should have. */
#include <ctype.h>
#include <string.h>

#include "work.h"

#define HASH_DIGITS 10 /* after a '_', how the broker's names end */

/* ---- inspect ---- */

/* Whichever node differs, it is told once. */
static int take_users(struct work *work, redisReply *const *replies, size_t count, struct error *error)
{
	const struct driver_call *call = work->call;
	int rc = redis_work_check(work, replies, count, error);

	if (rc != 0)
		return rc;
	if (!work->found && (reply_is_nil(replies[0]) || !acl_template_fits(replies[0], &work->acl))) {
		work->found = true;
		call_result(work->call, DRIFT_INSTANCE, "the instance's user is missing, or not as the plan says");
	}
	for (size_t i = 0; i < call->bind_count; i++) {
		const redisReply *login = replies[i + 1];
		bool read_only = false;

		if (work->logins[i] || driver_read_only(&call->binds[i], &read_only, NULL) != 0)
			continue;
		if (!reply_is_nil(login) &&
		    (reply_is_nil(replies[0]) || acl_login_fits(login, replies[0], &work->acl, read_only)))
			continue;
		work->logins[i] = true;
		call_result(work->call, DRIFT_BIND, call->binds[i].login);
	}
	return 0;
}

static void step_compare(void *arg)
{
	struct work *work = arg;

	work->found = false;
	batch_reset(&work->batch);
	batch_command(&work->batch, "ACL", "GETUSER", work->template, NULL);
	for (size_t i = 0; i < work->call->bind_count; i++)
		batch_command(&work->batch, "ACL", "GETUSER", work->call->binds[i].login, NULL);
	redis_work_each(work, false, take_users);
}

static const struct step inspect_steps[] = {
    WORK_BEGINS,
    {"compare_users", step_compare},
    {NULL, NULL},
};

void redis_inspect(void *state, struct driver_call *call)
{
	struct work *work = redis_work_begin(state, call);

	if (work != NULL)
		redis_work_start(work, inspect_steps);
}

/* ---- list ---- */

static bool is_ours(const char *name)
{
	const size_t length = strlen(name);
	const char *digits = name + length - HASH_DIGITS;

	if (length <= HASH_DIGITS + 1 || digits[-1] != '_')
		return false;
	return strspn(digits, "0123456789abcdef") == HASH_DIGITS;
}

static int take_list(struct work *work, redisReply *const *replies, size_t count, struct error *error)
{
	int rc = redis_work_check(work, replies, count, error);

	for (size_t i = 0; rc == 0 && i < replies[0]->elements; i++) {
		const char *name = reply_text(replies[0]->element[i]);

		if (name == NULL || strncmp(name, ACL_RETIRED, strlen(ACL_RETIRED)) == 0)
			continue;
		if (strncmp(name, ACL_INSTANCE, strlen(ACL_INSTANCE)) == 0)
			call_result(work->call, LIST_INSTANCE, name + strlen(ACL_INSTANCE));
		else if (is_ours(name))
			call_result(work->call, LIST_LOGIN, name);
	}
	/* Every node has the same users: the first one's do. */
	if (rc == 0)
		work->node = work->nodes.count;
	return rc;
}

static void step_list(void *arg)
{
	struct work *work = arg;

	batch_reset(&work->batch);
	batch_command(&work->batch, "ACL", "USERS", NULL);
	redis_work_each(work, true, take_list);
}

static const struct step list_steps[] = {
    WORK_BEGINS,
    {"list_its_users", step_list},
    {NULL, NULL},
};

void redis_list(void *state, struct driver_call *call)
{
	struct work *work = redis_work_begin(state, call);

	if (work != NULL)
		redis_work_start(work, list_steps);
}
