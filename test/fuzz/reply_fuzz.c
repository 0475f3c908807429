/* Answers of Redis servers, read by hiredis: lists of nodes, users, errors. The first reply stands for each of them. */
#include <hiredis/hiredis.h>
#include <stdint.h>
#include <stdlib.h>

#include "driver/redis/acl.h"
#include "driver/redis/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_nodes(const redisReply *reply)
{
	struct arena arena;
	struct nodes nodes = {0};

	arena_init(&arena);
	if (reply_cluster_nodes(reply, "seed", &arena, &nodes, NULL) == 0)
		for (size_t i = 0; i < nodes.count; i++)
			if (nodes.items[i].host[0] == '\0' || nodes.items[i].port[0] == '\0')
				abort();
	if (reply_sentinel_nodes(reply, reply, &arena, &nodes, NULL) == 0 && !nodes.items[0].is_master)
		abort();
	arena_release(&arena);
}

/* The plan has no rules of its own. */
static void try_users(const redisReply *reply)
{
	static const struct config_key key = {.name = "commands", .type = KEY_LIST};
	static const struct option own = {.key = &key};
	static const struct plan plan = {.options = {.items = &own, .count = 1}};
	const struct acl acl = {.prefix = "p:", .plan = &plan};

	(void)acl_template_fits(reply, reply);
	(void)acl_login_fits(reply, reply, &acl, true, "p");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reply_reader reader;
	redisReply *reply = NULL;

	if (!reply_reader_open(&reader))
		return 0;
	if (redisReaderFeed(reader.redis, (const char *)data, size) == REDIS_OK &&
	    reply_reader_take(&reader, &reply, NULL) == 0 && reply != NULL) {
		try_nodes(reply);
		try_users(reply);
		(void)reply_check(reply, NULL);
		(void)reply_check_greeting(reply, NULL);
		(void)reply_lacks_aclfile(reply);
		freeReplyObject(reply);
	}
	reply_reader_close(&reader);
	return 0;
}
