/* Rights of the broker's own user: one row for each, in the words of docs/drivers/redis.md. */
#include "rights.h"

#include <string.h>

#include "reply.h"

#define KEY "tsuru-broker:nothing" /* some key: the broker's user has to reach every one */

enum needed_by { ALWAYS, DEDICATED, SHARED, CLUSTER };

static const struct right {
	const char *rule;
	const char *words[4]; /* a command that needs it */
	enum needed_by by;
} rights[] = {
    {"+acl|setuser", {"ACL", "SETUSER", "x"}, ALWAYS},
    {"+acl|getuser", {"ACL", "GETUSER", "x"}, ALWAYS},
    {"+acl|deluser", {"ACL", "DELUSER", "x"}, ALWAYS},
    {"+acl|users", {"ACL", "USERS"}, ALWAYS},
    {"+acl|save", {"ACL", "SAVE"}, ALWAYS},
    {"+client|kill", {"CLIENT", "KILL", "USER", "x"}, ALWAYS},
    {"+info", {"INFO"}, ALWAYS},
    {"+role", {"ROLE"}, ALWAYS},
    {"+script|kill", {"SCRIPT", "KILL"}, ALWAYS},
    {"+function|kill", {"FUNCTION", "KILL"}, ALWAYS},
    {"~* +scan", {"SCAN", "0"}, SHARED},
    {"~* +unlink", {"UNLINK", KEY}, SHARED},
    {"+dbsize", {"DBSIZE"}, DEDICATED},
    {"+flushall", {"FLUSHALL"}, DEDICATED},
    {"+script|flush", {"SCRIPT", "FLUSH"}, DEDICATED},
    {"+function|flush", {"FUNCTION", "FLUSH"}, DEDICATED},
    {"+cluster|nodes", {"CLUSTER", "NODES"}, CLUSTER},
};
#define RIGHTS_COUNT (sizeof(rights) / sizeof(*rights))

static bool is_needed(const struct right *right, const struct redis_host *host)
{
	return right->by == ALWAYS || right->by == (host->dedicated ? DEDICATED : SHARED) ||
	       (right->by == CLUSTER && host->target.kind == TARGET_CLUSTER);
}

void redis_add_rights_question(struct redis_work *work)
{
	struct redis_batch *batch = &work->batch;

	for (size_t i = 0; i < RIGHTS_COUNT; i++) {
		if (!is_needed(&rights[i], work->host))
			continue;
		batch_word(batch, "ACL");
		batch_word(batch, "DRYRUN");
		batch_word(batch, work->host->target.login.user);
		for (size_t k = 0; k < 4 && rights[i].words[k] != NULL; k++)
			batch_word(batch, rights[i].words[k]);
		batch_end(batch);
	}
}

static bool may_not_ask(const redisReply *reply)
{
	return reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "NOPERM ", strlen("NOPERM ")) == 0;
}

/* DRYRUN answers OK, or a text that says why not; other errors say nothing of rights. */
static bool is_denied(const redisReply *reply)
{
	return reply->type == REDIS_REPLY_STRING;
}

void redis_tell_missing(struct redis_work *work, redisReply *const *replies, size_t count, const char *result)
{
	const char *user = work->host->target.login.user;
	struct text missing;
	size_t answer = 0;

	if (count > 0 && may_not_ask(replies[0])) {
		call_tell(work->call, result,
		          "the broker's user \"%s\" may not see what its rights are: ACL SETUSER %s +acl|dryrun", user,
		          user);
		return;
	}
	text_init(&missing, CALL_TOLD_MAX);
	for (size_t i = 0; i < RIGHTS_COUNT && answer < count; i++)
		if (is_needed(&rights[i], work->host) && is_denied(replies[answer++]))
			text_add_format(&missing, " %s", rights[i].rule);
	if (missing.length > 0)
		call_tell(work->call, result, "the broker's user \"%s\" lacks rights: ACL SETUSER %s%s", user, user,
		          text_string(&missing));
	text_release(&missing);
}
