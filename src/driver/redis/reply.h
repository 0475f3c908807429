/* What Redis answers: fields, the meaning of its errors, and lists of nodes. Pure: replies in, values out. */
#ifndef DRIVER_REDIS_REPLY_H
#define DRIVER_REDIS_REPLY_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

struct node {
	const char *host, *port;
	bool is_master;
};

struct nodes {
	struct node *items;
	size_t count;
};

#define NODES_MAX 1000

/* A reader of replies for one connection, which refuses those that announce too many elements. */
struct reply_reader {
	redisReader *redis; /* NULL: closed */
	redisReplyObjectFunctions functions;
	__typeof__(((redisReplyObjectFunctions *)0)->createArray) create_array; /* hiredis's own */
	size_t room; /* elements that may follow; the caller sets it for each batch */
};

#define REPLY_ELEMENTS_MAX 250000 /* of the answers to one batch: to free them takes 10 ms */

/* False: memory is out. The reader may not be moved. */
bool reply_reader_open(struct reply_reader *reader);
void reply_reader_close(struct reply_reader *reader);
/* 0 and the next reply, which is the caller's, or NULL when it is not complete; ERR_UNAVAILABLE. */
int reply_reader_take(struct reply_reader *reader, redisReply **ret_reply, struct error *error);

/* The value of a field in a flat list of names and values; NULL: not there. */
const redisReply *reply_field(const redisReply *reply, const char *name);
/* The i-th of a list; NULL: not there. */
const redisReply *reply_item(const redisReply *reply, size_t i);
/* A reply's text; NULL when it has none. It may hold NULs. */
const char *reply_text(const redisReply *reply);
bool reply_text_is(const redisReply *reply, const char *text);
/* Whether a list holds the text. */
bool reply_list_has(const redisReply *reply, const char *text);
bool reply_is_nil(const redisReply *reply);

/* The value of "name:value\r\n" in an INFO, cut to size; false: not there. */
bool reply_info(const redisReply *info, const char *name, char *ret_value, size_t size);

/* 0, or the failure that an error of the server means. */
int reply_check(const redisReply *reply, struct error *error);
/* The same for HELLO, whose errors may repeat the password: none is shown as it is. */
int reply_check_greeting(const redisReply *reply, struct error *error);
/* Whether the server says that it has no file to keep users in. */
bool reply_lacks_aclfile(const redisReply *reply);

/* CLUSTER NODES: those that can be worked on. seed stands for a node that does not know its own address. */
int reply_cluster_nodes(const redisReply *reply, const char *seed, struct arena *arena, struct nodes *ret_nodes,
                        struct error *error);
/* SENTINEL GET-MASTER-ADDR-BY-NAME and SENTINEL REPLICAS: the master first, then the replicas that are up. */
int reply_sentinel_nodes(const redisReply *master, const redisReply *replicas, struct arena *arena,
                         struct nodes *ret_nodes, struct error *error);

#endif
