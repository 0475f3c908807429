/* inspect: what a server has of an instance's users, beside what it should have. */
#include <string.h>

#include "rights.h"
#include "work.h"

/* The first answers of step_compare. */
enum { MADE_PROBE, PROBE_USER, DROPPED_PROBE, TEMPLATE_USER, LOGINS };

static void compare_login(struct redis_work *work, size_t i, const redisReply *login, const redisReply *probe)
{
	const struct driver_call *call = work->call;
	const char *password = call->passwords != NULL ? call->passwords[i] : NULL;
	bool read_only = false;

	/* What cannot be read was never bound. */
	if (work->logins[i] || driver_read_only(&call->binds[i], &read_only, NULL) != 0 ||
	    acl_login_fits(login, probe, &work->acl, read_only, password))
		return;
	work->logins[i] = true;
	call_result(work->call, DRIFT_BIND, call->binds[i].login);
}

/* Whichever node differs, it is told once. */
static int take_users(struct redis_work *work, redisReply *const *replies, size_t count, struct error *error)
{
	const redisReply *probe = replies[PROBE_USER];
	int rc = redis_work_check(work, replies, count, error);

	/* What the broker may not do was told. */
	if (rc != 0)
		return work->call->result_count > 0 ? 0 : rc;
	if (!work->found && !acl_template_fits(replies[TEMPLATE_USER], probe)) {
		work->found = true;
		call_result(work->call, DRIFT_INSTANCE, "the instance's user is missing, or not as the plan says");
	}
	for (size_t i = 0; i < work->call->bind_count; i++)
		compare_login(work, i, replies[LOGINS + i], probe);
	return 0;
}

/* What the plan's rules come to is the server's knowledge, by its version and modules: it is asked to make a locked
 * user of them, and drops it at once. */
static void step_compare(void *arg)
{
	struct redis_work *work = arg;

	work->found = false;
	batch_reset(&work->batch);
	acl_add_template(&work->batch, &work->acl, work->probe);
	batch_command(&work->batch, "ACL", "GETUSER", work->probe, NULL);
	batch_command(&work->batch, "ACL", "DELUSER", work->probe, NULL);
	batch_command(&work->batch, "ACL", "GETUSER", work->template, NULL);
	for (size_t i = 0; i < work->call->bind_count; i++)
		batch_command(&work->batch, "ACL", "GETUSER", work->call->binds[i].login, NULL);
	redis_work_each(work, false, take_users);
}

static int take_rights(struct redis_work *work, redisReply *const *replies, size_t count, struct error *error)
{
	(void)error;
	redis_tell_missing(work, replies, count, DRIFT_TOLD);
	work->node = work->nodes.count; /* one is enough to tell */
	return 0;
}

static void step_compare_rights(void *arg)
{
	struct redis_work *work = arg;

	batch_reset(&work->batch);
	redis_add_rights_question(work);
	redis_work_each(work, true, take_rights);
}

const struct step redis_inspect_steps[] = {
    WORK_BEGINS,
    {"compare_its_rights", step_compare_rights},
    {"compare_users", step_compare},
    {NULL, NULL},
};
