/* What a server has of an instance before a call does anything: steps that look, and stop the call where the server is
 * not what the records say. */
#include <stdio.h>
#include <string.h>

#include "work.h"

/* ---- scripts ---- */

/* That there was none to stop, and that the right to is missing: what follows fails where it matters. */
static int take_stopped(struct redis_work *work, redisReply *const *replies, size_t count, struct error *error)
{
	(void)work;
	(void)replies;
	(void)count;
	(void)error;
	return 0;
}

void redis_step_stop_scripts(void *arg)
{
	struct redis_work *work = arg;

	batch_reset(&work->batch);
	redis_add_stop(work);
	redis_work_each(work, false, take_stopped);
}

/* ---- the role and the mark ---- */

void redis_add_mark_question(struct redis_batch *batch)
{
	batch_command(batch, "ACL", "GETUSER", MARK_USER, NULL);
}

const char *redis_mark_of(const redisReply *user)
{
	const char *channel = reply_text(reply_field(user, "channels"));

	return channel != NULL && strncmp(channel, MARK_CHANNEL, strlen(MARK_CHANNEL)) == 0
	           ? channel + strlen(MARK_CHANNEL)
	           : NULL;
}

static int take_role(struct redis_work *work, redisReply *const *replies, size_t count, struct error *error)
{
	int rc = redis_work_check(work, replies, count, error);

	if (rc == 0 && !reply_text_is(reply_item(replies[0], 0), "master"))
		rc = error_set(error, ERR_UNAVAILABLE, "it is a replica, which takes no writes");
	if (rc == 0 && count > 1)
		rc = mark_check(work->call, redis_mark_of(replies[1]), error);
	return rc;
}

void redis_step_check_role(void *arg)
{
	struct redis_work *work = arg;
	const struct driver_call *call = work->call;

	batch_reset(&work->batch);
	batch_command(&work->batch, "ROLE", NULL);
	if (call->mark != NULL && call->kind != CALL_WRITE_MARK)
		redis_add_mark_question(&work->batch);
	redis_work_each(work, true, take_role);
}

/* ---- the instance ---- */

static void ask_for_instance(struct redis_work *work)
{
	batch_reset(&work->batch);
	batch_command(&work->batch, "ACL", "GETUSER", work->template, NULL);
	batch_command(&work->batch, "ACL", "GETUSER", work->retired, NULL);
}

static int take_presence(struct redis_work *work, redisReply *const *replies, size_t count, struct error *error)
{
	int rc = redis_work_check(work, replies, count, error);

	if (rc != 0)
		return rc;
	if (reply_is_nil(replies[0]))
		return error_set(error, ERR_REFUSED,
		                 "the instance is not there any more; an update makes its user anew");
	if (!reply_is_nil(replies[1]))
		return error_set(error, ERR_REFUSED, "the instance is retired");
	return 0;
}

void redis_step_require_instance(void *arg)
{
	struct redis_work *work = arg;

	ask_for_instance(work);
	redis_work_each(work, true, take_presence);
}

static int take_known(struct redis_work *work, redisReply *const *replies, size_t count, struct error *error)
{
	int rc = redis_work_check(work, replies, count, error);

	work->found |= rc == 0 && !reply_is_nil(replies[0]);
	return rc;
}

void redis_step_look(void *arg)
{
	struct redis_work *work = arg;

	work->found = false;
	batch_reset(&work->batch);
	batch_command(&work->batch, "ACL", "GETUSER", work->template, NULL);
	redis_work_each(work, true, take_known);
}

/* What was brought back since an old backup of the records was made lives in the place of what they say is retired; and
 * the other way round. */
static int take_doomed(struct redis_work *work, redisReply *const *replies, size_t count, struct error *error)
{
	const bool retired = work->call->retired;
	int rc = take_known(work, replies, count, error);

	if (rc != 0 || reply_is_nil(replies[0]) || reply_is_nil(replies[1]) != retired)
		return rc;
	if (retired)
		return error_set(
		    error, ERR_REFUSED,
		    "the records say that it is retired, but it lives: there is no user \"%s\"; it is left alone "
		    "(\"ACL SETUSER %s reset\" would say that it may go)",
		    work->retired, work->retired);
	return error_set(error, ERR_REFUSED,
	                 "the records say that it lives, but the user \"%s\" says that it is retired; it is left alone "
	                 "(\"ACL DELUSER %s\" would say that it may go)",
	                 work->retired, work->retired);
}

void redis_step_look_at_doomed(void *arg)
{
	struct redis_work *work = arg;

	work->found = false;
	ask_for_instance(work);
	redis_work_each(work, true, take_doomed);
}

/* ---- its logins ---- */

static int take_logins(struct redis_work *work, redisReply *const *replies, size_t count, struct error *error)
{
	int rc = redis_work_check(work, replies, count, error);

	for (size_t i = 0; rc == 0 && i < count; i++)
		work->logins[i] = !reply_is_nil(replies[i]);
	return rc;
}

void redis_step_look_for_logins(void *arg)
{
	struct redis_work *work = arg;

	batch_reset(&work->batch);
	for (size_t i = 0; i < work->call->bind_count; i++)
		batch_command(&work->batch, "ACL", "GETUSER", work->call->binds[i].login, NULL);
	redis_work_each(work, true, take_logins);
}
