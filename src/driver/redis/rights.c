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

static bool is_needed(const struct right *right, bool dedicated, bool cluster)
{
	return right->by == ALWAYS || right->by == (dedicated ? DEDICATED : SHARED) ||
	       (right->by == CLUSTER && cluster);
}

size_t rights_ask(struct redis_batch *batch, const char *user, bool dedicated, bool cluster)
{
	size_t count = 0;

	for (size_t i = 0; i < RIGHTS_COUNT; i++) {
		if (!is_needed(&rights[i], dedicated, cluster))
			continue;
		batch_word(batch, "ACL");
		batch_word(batch, "DRYRUN");
		batch_word(batch, user);
		for (size_t k = 0; k < 4 && rights[i].words[k] != NULL; k++)
			batch_word(batch, rights[i].words[k]);
		batch_end(batch);
		count++;
	}
	return count;
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

void rights_read(redisReply *const *replies, size_t count, const char *user, bool dedicated, bool cluster,
                 struct text *ret_sentence)
{
	size_t answer = 0;

	if (count > 0 && may_not_ask(replies[0])) {
		text_add_format(ret_sentence,
		                "the broker's user \"%s\" may not see what its rights are: ACL SETUSER %s +acl|dryrun",
		                user, user);
		return;
	}
	for (size_t i = 0; i < RIGHTS_COUNT; i++) {
		if (!is_needed(&rights[i], dedicated, cluster) || answer == count || !is_denied(replies[answer++]))
			continue;
		if (ret_sentence->length == 0)
			text_add_format(ret_sentence, "the broker's user \"%s\" lacks rights: ACL SETUSER %s", user,
			                user);
		text_add_format(ret_sentence, " %s", rights[i].rule);
	}
}
