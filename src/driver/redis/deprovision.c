/* deprovision: the logins first, then the keys in small steps, the instance's own users at last. A call that begins
 * anew goes on with the keys where the one before ended (progress.h). */
#include "work.h"

#include <stdio.h>
#include <string.h>

#define SCAN_COUNT "500" /* keys that the server looks at in one command */

static void step_drop_logins(void *arg)
{
	struct redis_work *work = arg;

	batch_reset(&work->batch);
	for (size_t i = 0; i < work->call->bind_count; i++)
		batch_command(&work->batch, "ACL", "DELUSER", work->call->binds[i].login, NULL);
	redis_work_each(work, false, NULL);
}

/* ---- keys ---- */

static void remove_from(struct redis_work *work);

static void next_master(struct redis_work *work)
{
	while (work->node < work->nodes.count && !work->nodes.items[work->node].is_master)
		work->node++;
	if (work->node < work->nodes.count) {
		redis_work_open(work, remove_from);
		return;
	}
	progress_forget(&work->host->progresses, work->resource);
	call_next(work->call);
}

static void note_progress(const struct redis_work *work, const char *cursor)
{
	progress_note(&work->host->progresses, work->resource, &work->nodes.items[work->node], work->run, cursor);
}

static void add_scan(struct redis_work *work, const char *cursor)
{
	char pattern[sizeof(work->prefix) + 1];

	snprintf(work->cursor, sizeof(work->cursor), "%s", cursor);
	strcpy(pattern, work->prefix);
	strcat(pattern, "*");
	batch_command(&work->batch, "SCAN", cursor, "MATCH", pattern, "COUNT", SCAN_COUNT, NULL);
}

/* The keys that were found are unlinked by the next batch, which also looks for more. */
static void add_unlink(struct redis_work *work, const redisReply *keys)
{
	if (keys == NULL || keys->elements == 0)
		return;
	batch_word(&work->batch, "UNLINK");
	for (size_t i = 0; i < keys->elements; i++)
		batch_bytes(&work->batch, keys->element[i]->str, keys->element[i]->len);
	batch_end(&work->batch);
}

static int on_found(struct redis_work *work, redisReply *const *replies, size_t count, struct error *error)
{
	const redisReply *last = replies[count - 1], *keys = reply_item(last, 1);
	const char *cursor = reply_text(reply_item(last, 0));
	const bool finished = cursor == NULL || strcmp(cursor, "0") == 0;
	int rc = redis_work_check(work, replies, count, error);

	if (rc != 0)
		return rc;
	if (work->finished || (finished && (keys == NULL || keys->elements == 0))) {
		note_progress(work, "");
		work->node++;
		next_master(work);
		return 0;
	}
	note_progress(work, work->cursor);
	work->finished = finished;
	batch_reset(&work->batch);
	add_unlink(work, keys);
	if (!finished)
		add_scan(work, cursor);
	redis_work_send(work, on_found);
	return 0;
}

/* Another run of the same node may have its keys in another order. */
static int on_run(struct redis_work *work, redisReply *const *replies, size_t count, struct error *error)
{
	const struct node *node = &work->nodes.items[work->node];
	const char *cursor;
	int rc = redis_work_check(work, replies, count, error);

	if (rc != 0)
		return rc;
	if (!reply_info(replies[0], "run_id", work->run, sizeof(work->run)))
		work->run[0] = '\0';
	cursor = progress_cursor(&work->host->progresses, work->resource, node, work->run);
	if (cursor[0] == '\0') {
		work->node++;
		next_master(work);
		return 0;
	}
	work->finished = false;
	batch_reset(&work->batch);
	add_scan(work, cursor);
	redis_work_send(work, on_found);
	return 0;
}

static void remove_from(struct redis_work *work)
{
	batch_reset(&work->batch);
	batch_command(&work->batch, "INFO", "server", NULL);
	redis_work_send(work, on_run);
}

/* What was never the instance's is not wiped: its provision found the server not empty. */
static void add_wipe(struct redis_work *work)
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
	struct redis_work *work = arg;

	if (work->host->dedicated) {
		add_wipe(work);
		redis_work_each(work, true, NULL);
		return;
	}
	work->node = 0;
	next_master(work);
}

static void step_drop_instance(void *arg)
{
	struct redis_work *work = arg;

	batch_reset(&work->batch);
	batch_command(&work->batch, "ACL", "DELUSER", work->template, work->retired, work->probe, NULL);
	redis_work_each(work, false, NULL);
}

const struct step redis_deprovision_steps[] = {
    WORK_BEGINS,
    {"look_for_the_instance", redis_step_look_at_doomed},
    {"drop_logins", step_drop_logins},
    {"remove_the_keys", step_remove_keys},
    {"drop_the_instance's_user", step_drop_instance},
    {"save_users", redis_step_save_users},
    {NULL, NULL},
};
