/* retire and restore: the logins are switched off and on again with their passwords; the keys stay where they are, and
 * a user that is switched off for good says that the instance is retired. */
#include "work.h"

static void switch_logins(struct redis_work *work, const char *state)
{
	for (size_t i = 0; i < work->call->bind_count; i++) {
		if (work->logins[i])
			batch_command(&work->batch, "ACL", "SETUSER", work->call->binds[i].login, state, NULL);
	}
}

/* Access first. A login that the masters have is switched off on every node: where it was missing, it is made so. */
static void step_lock(void *arg)
{
	struct redis_work *work = arg;

	batch_reset(&work->batch);
	switch_logins(work, "off");
	for (size_t i = 0; i < work->call->bind_count; i++) {
		if (work->logins[i])
			batch_command(&work->batch, "CLIENT", "KILL", "USER", work->call->binds[i].login, NULL);
	}
	batch_command(&work->batch, "ACL", "SETUSER", work->retired, "reset", NULL);
	redis_work_each(work, false, NULL);
}

static void step_unlock(void *arg)
{
	struct redis_work *work = arg;

	batch_reset(&work->batch);
	switch_logins(work, "on");
	batch_command(&work->batch, "ACL", "DELUSER", work->retired, NULL);
	redis_work_each(work, false, NULL);
}

const struct step redis_retire_steps[] = {
    WORK_BEGINS,
    {"look_for_logins", redis_step_look_for_logins},
    {"lock_it_away", step_lock},
    {"save_users", redis_step_save_users},
    {NULL, NULL},
};

const struct step redis_restore_steps[] = {
    WORK_BEGINS,
    {"look_for_logins", redis_step_look_for_logins},
    {"open_it_again", step_unlock},
    {"save_users", redis_step_save_users},
    {NULL, NULL},
};
