/* read_mark and write_mark. The mark is in a locked user's one channel, so that one question tells it, and one command
 * puts another in its place. Users are not replicated: every node has the mark of its own, and a replica that came
 * later, or was away, gets the master's when that is read, or a failover would leave the server with none. A server
 * that keeps its users in memory only gets back, when it has restarted, what it had under this process. */
#include <stdio.h>
#include <string.h>

#include "work.h"

static void add_mark(struct redis_batch *batch, const char *mark)
{
	batch_word(batch, "ACL");
	batch_word(batch, "SETUSER");
	batch_word(batch, MARK_USER);
	batch_word(batch, "reset");
	batch_format(batch, MARK_CHANNEL "%s", mark);
	batch_end(batch);
}

/* ---- read_mark ---- */

static bool is_told(const struct driver_call *call, const char *mark)
{
	for (size_t i = 0; i < call->result_count; i++)
		if (strcmp(call->results[i].value, mark) == 0)
			return true;
	return false;
}

static int take_mark(struct redis_work *work, redisReply *const *replies, size_t count, struct error *error)
{
	int rc = redis_work_check(work, replies, count, error);
	const char *mark = rc == 0 ? redis_mark_of(replies[0]) : NULL;

	if (mark != NULL && !is_told(work->call, mark))
		call_result(work->call, MARK_RESULT, mark);
	work->marked &= mark != NULL;
	return rc;
}

static void step_read_mark(void *arg)
{
	struct redis_work *work = arg;

	work->marked = true;
	batch_reset(&work->batch);
	redis_add_mark_question(&work->batch);
	redis_work_each(work, true, take_mark);
}

static void go_on_with_replica(struct redis_work *work);

/* Whether it could be saved is not asked: the next look tells. */
static int take_copied(struct redis_work *work, redisReply *const *replies, size_t count, struct error *error)
{
	int rc = redis_work_check(work, replies, count - 1, error);

	if (rc == 0) {
		work->node++;
		go_on_with_replica(work);
	}
	return rc;
}

static int take_replica_mark(struct redis_work *work, redisReply *const *replies, size_t count, struct error *error)
{
	const char *master = work->call->results[0].value, *own;
	int rc = redis_work_check(work, replies, count, error);

	if (rc != 0)
		return rc;
	own = redis_mark_of(replies[0]);
	if (own != NULL && strcmp(own, master) == 0) {
		work->node++;
		go_on_with_replica(work);
		return 0;
	}
	batch_reset(&work->batch);
	add_mark(&work->batch, master);
	batch_command(&work->batch, "ACL", "SAVE", NULL);
	redis_work_send(work, take_copied);
	return 0;
}

static void look_at_replica(struct redis_work *work)
{
	batch_reset(&work->batch);
	redis_add_mark_question(&work->batch);
	redis_work_send(work, take_replica_mark);
}

static void go_on_with_replica(struct redis_work *work)
{
	while (work->node < work->nodes.count && work->nodes.items[work->node].is_master)
		work->node++;
	if (work->node < work->nodes.count)
		redis_work_open(work, look_at_replica);
	else
		call_next(work->call);
}

static void step_bring_back(void *arg)
{
	struct redis_work *work = arg;
	struct redis_host *host = work->host;

	batch_reset(&work->batch);
	if (work->call->result_count == 0 && host->forgets_users && host->mark[0] != '\0') {
		add_mark(&work->batch, host->mark);
		call_result(work->call, MARK_RESULT, host->mark);
	}
	redis_work_each(work, true, NULL);
}

/* Only where the masters agree. */
static void step_mark_replicas(void *arg)
{
	struct redis_work *work = arg;

	if (work->call->result_count == 1)
		snprintf(work->host->mark, sizeof(work->host->mark), "%s", work->call->results[0].value);
	work->node = work->marked && work->call->result_count == 1 ? 0 : work->nodes.count;
	go_on_with_replica(work);
}

const struct step redis_read_mark_steps[] = {
    WORK_BEGINS,
    {"read_the_mark", step_read_mark},
    {"bring_the_mark_back", step_bring_back},
    {"mark_its_replicas", step_mark_replicas},
    {NULL, NULL},
};

/* ---- write_mark ---- */

static void step_write_mark(void *arg)
{
	struct redis_work *work = arg;

	batch_reset(&work->batch);
	add_mark(&work->batch, work->call->mark);
	redis_work_each(work, false, NULL);
}

static void step_remember(void *arg)
{
	struct redis_work *work = arg;

	snprintf(work->host->mark, sizeof(work->host->mark), "%s", work->call->mark);
	call_next(work->call);
}

const struct step redis_write_mark_steps[] = {
    WORK_BEGINS,
    {"write_the_mark", step_write_mark},
    {"save_users", redis_step_save_users},
    {"remember_the_mark", step_remember},
    {NULL, NULL},
};
