/* check and observe: how a server and an instance are. */
#include <string.h>

#include "rights.h"
#include "work.h"

#define SHOWN_MAX 128

/* ---- check ---- */

/* A server that keeps its users in memory only has lost them when it restarted. To say once that it was away makes the
 * broker look at everything on it. */
static int take_run(struct redis_work *work, redisReply *const *replies, struct error *error)
{
	struct redis_host *host = work->host;
	char run[RUN_BYTES] = "";
	bool restarted;
	int rc = redis_work_check(work, replies, 1, error);

	if (rc != 0 || work->node > 0 || !reply_info(replies[0], "run_id", run, sizeof(run)))
		return rc;
	restarted = host->run[0] != '\0' && strcmp(host->run, run) != 0;
	strcpy(host->run, run);
	if (restarted && host->forgets_users)
		return error_set(error, ERR_UNAVAILABLE,
		                 "it was restarted and has no file to keep its users in; they are made again");
	return 0;
}

static bool is_open(const redisReply *user)
{
	const redisReply *flags = reply_field(user, "flags");
	const char *keys = reply_text(reply_field(user, "keys"));

	return reply_list_has(flags, "on") && reply_list_has(flags, "nopass") &&
	       ((keys != NULL && keys[0] != '\0') || reply_item(reply_field(user, "selectors"), 0) != NULL);
}

static int take_answer(struct redis_work *work, redisReply *const *replies, size_t count, struct error *error)
{
	int rc = take_run(work, replies, error);

	if (rc != 0)
		return rc;
	if (work->node == 0) /* one is enough to tell */
		redis_tell_missing(work, replies + 2, count - 2, CHECK_WARNING);
	if (is_open(replies[1]) && !work->found) {
		work->found = true;
		call_result(
		    work->call, CHECK_WARNING,
		    "the user \"default\" needs no password: whoever reaches the server has every tenant's data; "
		    "\"ACL SETUSER default off\" shuts it");
	}
	return 0;
}

static void step_answer(void *arg)
{
	struct redis_work *work = arg;

	batch_reset(&work->batch);
	batch_command(&work->batch, "INFO", "server", NULL);
	batch_command(&work->batch, "ACL", "GETUSER", "default", NULL);
	redis_add_rights_question(work);
	redis_work_each(work, true, take_answer);
}

const struct step redis_check_steps[] = {
    WORK_BEGINS,
    {"answer", step_answer},
    {NULL, NULL},
};

/* ---- observe ---- */

static int take_info(struct redis_work *work, redisReply *const *replies, size_t count, struct error *error)
{
	struct driver_call *call = work->call;
	char value[SHOWN_MAX];
	int rc = redis_work_check(work, replies, count, error);

	if (rc != 0)
		return rc;
	if (reply_is_nil(replies[0]))
		return error_set(error, ERR_NOT_FOUND, "the instance's user is not there");
	if (reply_info(replies[1], "used_memory_human", value, sizeof(value)))
		call_result(call, "Memory of the server", value);
	if (reply_info(replies[2], "redis_version", value, sizeof(value)))
		call_result(call, "Version", value);
	if (work->host->dedicated && replies[3]->type == REDIS_REPLY_INTEGER)
		call_tell(call, "Keys", "%lld", replies[3]->integer);
	if (work->host->forgets_users)
		call_result(call, "Users", "kept in memory only: the server has no aclfile");
	work->node = work->nodes.count; /* one master is enough to look at */
	return 0;
}

static void step_show(void *arg)
{
	struct redis_work *work = arg;

	batch_reset(&work->batch);
	batch_command(&work->batch, "ACL", "GETUSER", work->template, NULL);
	batch_command(&work->batch, "INFO", "memory", NULL);
	batch_command(&work->batch, "INFO", "server", NULL);
	batch_command(&work->batch, "DBSIZE", NULL);
	redis_work_each(work, true, take_info);
}

const struct step redis_observe_steps[] = {
    WORK_BEGINS,
    {"show_the_instance", step_show},
    {NULL, NULL},
};
