/* deprovision: the logins first, then the keys in small steps, the instance's own users at last. A call that begins
 * anew begins with the first key again: what is gone is gone. */
#include "work.h"

#include <string.h>

#define SCAN_COUNT "500" /* keys that the server looks at in one command */

static void step_drop_logins(void *arg)
{
	struct work *work = arg;

	batch_reset(&work->batch);
	for (size_t i = 0; i < work->call->bind_count; i++)
		batch_command(&work->batch, "ACL", "DELUSER", work->call->binds[i].login, NULL);
	redis_work_each(work, false, NULL);
}

/* ---- keys ---- */

static void remove_from(struct work *work);

static void next_master(struct work *work)
{
	while (work->node < work->nodes.count && !work->nodes.items[work->node].is_master)
		work->node++;
	if (work->node < work->nodes.count)
		redis_work_open(work, remove_from);
	else
		steps_next(&work->steps);
}

static void add_scan(struct work *work, const char *cursor)
{
	char pattern[sizeof(work->prefix) + 1];

	strcpy(pattern, work->prefix);
	strcat(pattern, "*");
	batch_command(&work->batch, "SCAN", cursor, "MATCH", pattern, "COUNT", SCAN_COUNT, NULL);
}

/* The keys that were found are unlinked by the next batch, which also looks for more. */
static void add_unlink(struct work *work, const redisReply *keys)
{
	if (keys == NULL || keys->elements == 0)
		return;
	batch_word(&work->batch, "UNLINK");
	for (size_t i = 0; i < keys->elements; i++)
		batch_bytes(&work->batch, keys->element[i]->str, keys->element[i]->len);
	batch_end(&work->batch);
}

static int on_found(struct work *work, redisReply *const *replies, size_t count, struct error *error)
{
	const redisReply *last = replies[count - 1], *keys = reply_item(last, 1);
	const char *cursor = reply_text(reply_item(last, 0));
	const bool finished = cursor == NULL || strcmp(cursor, "0") == 0;
	int rc = redis_work_check(work, replies, count, error);

	if (rc != 0)
		return rc;
	if (work->finished || (finished && (keys == NULL || keys->elements == 0))) {
		work->node++;
		next_master(work);
		return 0;
	}
	work->finished = finished;
	batch_reset(&work->batch);
	add_unlink(work, keys);
	if (!finished)
		add_scan(work, cursor);
	redis_work_send(work, on_found);
	return 0;
}

static void remove_from(struct work *work)
{
	work->finished = false;
	batch_reset(&work->batch);
	add_scan(work, "0");
	redis_work_send(work, on_found);
}

/* What was never the instance's is not wiped: its provision found the server not empty. */
static void add_wipe(struct work *work)
{
	batch_reset(&work->batch);
	if (!work->found)
		return;
	batch_command(&work->batch, "FLUSHALL", "ASYNC", NULL);
	batch_command(&work->batch, "SCRIPT", "FLUSH", "ASYNC", NULL);
	batch_command(&work->batch, "FUNCTION", "FLUSH", "ASYNC", NULL);
}

static void step_remove_keys(void *arg)
{
	struct work *work = arg;

	if (work->redis->dedicated) {
		add_wipe(work);
		redis_work_each(work, true, NULL);
		return;
	}
	work->node = 0;
	next_master(work);
}

static void step_drop_instance(void *arg)
{
	struct work *work = arg;

	batch_reset(&work->batch);
	batch_command(&work->batch, "ACL", "DELUSER", work->template, work->retired, work->probe, NULL);
	redis_work_each(work, false, NULL);
}

static const struct step deprovision_steps[] = {
    WORK_BEGINS,
    {"look_for_the_instance", redis_step_look_at_doomed},
    {"drop_logins", step_drop_logins},
    {"remove_the_keys", step_remove_keys},
    {"drop_the_instance's_user", step_drop_instance},
    {"save_users", redis_step_save_users},
    {NULL, NULL},
};

void redis_deprovision(void *state, struct driver_call *call)
{
	struct work *work = redis_work_begin(state, call);

	if (work != NULL)
		redis_work_start(work, deprovision_steps);
}
