/* Replies are checked for their shape before they are believed. */
#include "reply.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 200 /* bytes of a server's own words */

/* ---- reading ---- */

/* hiredis sets aside room for as many as the server announces, and frees as many. In 0.14 a count is an int. */
#if HIREDIS_MAJOR < 1
static void *create_array(const redisReadTask *task, int count)
#else
static void *create_array(const redisReadTask *task, size_t count)
#endif
{
	struct reply_reader *reader = task->privdata;

	if ((long long)count < 0 || (size_t)count > reader->room)
		return NULL;
	reader->room -= (size_t)count;
	return reader->create_array(task, count);
}

bool reply_reader_open(struct reply_reader *reader)
{
	reader->redis = redisReaderCreate();
	if (reader->redis == NULL)
		return false;
	reader->functions = *reader->redis->fn;
	reader->create_array = reader->functions.createArray;
	reader->functions.createArray = create_array;
	reader->redis->fn = &reader->functions;
	reader->redis->privdata = reader;
	reader->room = REPLY_ELEMENTS_MAX;
	return true;
}

int reply_reader_take(struct reply_reader *reader, redisReply **ret_reply, struct error *error)
{
	void *reply = NULL;

	if (redisReaderGetReply(reader->redis, &reply) == REDIS_OK) {
		*ret_reply = reply;
		return 0;
	}
	if (reader->redis->err == REDIS_ERR_OOM)
		return error_set(error, ERR_UNAVAILABLE, "its answer has over %d elements, or memory is out",
		                 REPLY_ELEMENTS_MAX);
	return error_set(error, ERR_UNAVAILABLE, "what it answers is not Redis's protocol");
}

void reply_reader_close(struct reply_reader *reader)
{
	redisReaderFree(reader->redis);
	reader->redis = NULL;
}

/* ---- fields ---- */

static bool is_list(const redisReply *reply)
{
	return reply != NULL && reply->type == REDIS_REPLY_ARRAY;
}

const redisReply *reply_item(const redisReply *reply, size_t i)
{
	return is_list(reply) && i < reply->elements ? reply->element[i] : NULL;
}

const redisReply *reply_field(const redisReply *reply, const char *name)
{
	for (size_t i = 0; is_list(reply) && i + 1 < reply->elements; i += 2)
		if (reply_text_is(reply->element[i], name))
			return reply->element[i + 1];
	return NULL;
}

const char *reply_text(const redisReply *reply)
{
	if (reply == NULL || (reply->type != REDIS_REPLY_STRING && reply->type != REDIS_REPLY_STATUS))
		return NULL;
	return reply->str;
}

bool reply_text_is(const redisReply *reply, const char *text)
{
	const char *own = reply_text(reply);

	return own != NULL && strcmp(own, text) == 0;
}

bool reply_list_has(const redisReply *reply, const char *text)
{
	for (size_t i = 0; is_list(reply) && i < reply->elements; i++)
		if (reply_text_is(reply->element[i], text))
			return true;
	return false;
}

bool reply_is_nil(const redisReply *reply)
{
	return reply != NULL && reply->type == REDIS_REPLY_NIL;
}

/* ---- errors ---- */

struct redis_meaning {
	const char *beginning;
	int code;
	const char *sentence;
};

#define MOVES "its cluster is moving keys"

/* Most errors begin with a word of their own; ERR stands for whatever has none. */
static const struct redis_meaning meanings[] = {
    {"LOADING ", ERR_UNAVAILABLE, "it is loading its data"},
    {"BUSY ", ERR_UNAVAILABLE, "a script keeps it busy"},
    {"MASTERDOWN ", ERR_UNAVAILABLE, "its master is away"},
    {"NOMASTERLINK ", ERR_UNAVAILABLE, "its master is away"},
    {"READONLY ", ERR_UNAVAILABLE, "it takes no changes, as a replica"},
    {"UNBLOCKED ", ERR_UNAVAILABLE, "it became a replica meanwhile"},
    {"CLUSTERDOWN ", ERR_UNAVAILABLE, "its cluster is down"},
    {"TRYAGAIN ", ERR_UNAVAILABLE, MOVES},
    {"MOVED ", ERR_UNAVAILABLE, MOVES},
    {"ASK ", ERR_UNAVAILABLE, MOVES},
    {"OOM ", ERR_UNAVAILABLE, "it is out of memory"},
    {"MISCONF ", ERR_UNAVAILABLE, "it cannot write to its disk"},
    {"NOREPLICAS ", ERR_UNAVAILABLE, "it has too few replicas to take changes"},
    {"NOAUTH ", ERR_UNAVAILABLE, "it does not accept the broker's user and password"},
    {"WRONGPASS ", ERR_UNAVAILABLE, "it does not accept the broker's user and password"},
    {"NOPERM ", ERR_REFUSED, "the broker's user lacks the right"},
    {"ERR max number of clients", ERR_UNAVAILABLE, "it has as many clients as it takes"},
    {"ERR There was an error trying to save the ACLs", ERR_UNAVAILABLE, "it cannot write its file of users"},
    {"ERR unknown command", ERR_REFUSED, "the command was taken away from it, or has another name there"},
    {"ERR unknown subcommand", ERR_REFUSED, "version 7.0 or later is needed"},
};

static bool begins_with(const char *text, const char *beginning)
{
	return strncmp(text, beginning, strlen(beginning)) == 0;
}

int reply_check(const redisReply *reply, struct error *error)
{
	if (reply == NULL)
		return error_set(error, ERR_UNAVAILABLE, "it gave no answer");
	if (reply->type != REDIS_REPLY_ERROR)
		return 0;
	for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++)
		if (begins_with(reply->str, meanings[i].beginning))
			return error_set(error, meanings[i].code, "%s: %.*s", meanings[i].sentence, SHOWN_MAX,
			                 reply->str);
	return error_set(error, ERR_REFUSED, "%.*s", SHOWN_MAX, reply->str);
}

int reply_check_greeting(const redisReply *reply, struct error *error)
{
	if (reply == NULL || (reply->type != REDIS_REPLY_ERROR && !is_list(reply)))
		return error_set(error, ERR_UNAVAILABLE, "it does not answer as Redis 7.0 and later do");
	if (reply->type != REDIS_REPLY_ERROR)
		return 0;
	if (begins_with(reply->str, "WRONGPASS ") || begins_with(reply->str, "NOAUTH "))
		return error_set(error, ERR_UNAVAILABLE, "it does not accept the broker's user and password");
	if (begins_with(reply->str, "NOPERM "))
		return error_set(error, ERR_UNAVAILABLE, "the broker's user may not use HELLO and CLIENT SETNAME");
	if (begins_with(reply->str, "LOADING "))
		return error_set(error, ERR_UNAVAILABLE, "it is loading its data");
	if (begins_with(reply->str, "ERR max number of clients"))
		return error_set(error, ERR_UNAVAILABLE, "it has as many clients as it takes");
	if (begins_with(reply->str, "DENIED "))
		return error_set(error, ERR_UNAVAILABLE, "it is in protected mode");
	return error_set(error, ERR_UNAVAILABLE, "it refused the greeting: version 7.0 or later is needed");
}

bool reply_lacks_aclfile(const redisReply *reply)
{
	return reply->type == REDIS_REPLY_ERROR && strstr(reply->str, "not configured to use an ACL file") != NULL;
}

/* ---- nodes ---- */

static int make_room(struct nodes *nodes, size_t capacity, struct arena *arena, struct error *error)
{
	*nodes = (struct nodes){0};
	if (capacity > NODES_MAX)
		return error_set(error, ERR_REFUSED, "it has more than %d nodes", NODES_MAX);
	nodes->items = arena_alloc(arena, (capacity + 1) * sizeof(*nodes->items));
	return nodes->items == NULL ? error_no_memory(error) : 0;
}

/* The next field of a line; the line moves behind it. */
static char *next_field(char **line)
{
	return strsep(line, " ");
}

static bool has_flag(const char *flags, const char *flag)
{
	const size_t length = strlen(flag);

	for (const char *at = flags; at != NULL; at = strchr(at, ',')) {
		at += *at == ',' ? 1 : 0;
		if (strncmp(at, flag, length) == 0 && (at[length] == ',' || at[length] == '\0'))
			return true;
	}
	return false;
}

/* "address:port@bus,name": the address may be empty or have colons of its own. */
static bool take_address(char *text, const char *seed, struct node *ret_node)
{
	char *port;

	text[strcspn(text, "@")] = '\0';
	port = strrchr(text, ':');
	if (port == NULL)
		return false;
	*port++ = '\0';
	ret_node->host = text[0] != '\0' ? text : seed;
	ret_node->port = port;
	return port[0] != '\0' && strcmp(port, "0") != 0;
}

/* A line: id, address, flags, master, ping, pong, epoch, state, slots. */
static int take_line(char *line, const char *seed, struct nodes *nodes, struct error *error)
{
	struct node *node = &nodes->items[nodes->count];
	char *address, *flags, *slots;

	(void)next_field(&line);
	address = next_field(&line);
	flags = next_field(&line);
	for (int i = 0; i < 5; i++)
		(void)next_field(&line);
	slots = line;
	if (flags == NULL)
		return error_set(error, ERR_UNAVAILABLE, "its list of nodes cannot be read");
	node->is_master = has_flag(flags, "master");
	if (has_flag(flags, "fail") || has_flag(flags, "handshake") || has_flag(flags, "noaddr") ||
	    !take_address(address, seed, node)) {
		if (node->is_master && slots != NULL && slots[0] != '\0')
			return error_set(error, ERR_UNAVAILABLE, "a master of the cluster is down");
		return 0;
	}
	nodes->count++;
	return 0;
}

int reply_cluster_nodes(const redisReply *reply, const char *seed, struct arena *arena, struct nodes *ret_nodes,
                        struct error *error)
{
	struct nodes nodes;
	char *text = arena_text(arena, reply_text(reply)), *line;
	size_t lines = 0;
	int rc;

	if (text == NULL)
		return error_set(error, ERR_UNAVAILABLE, "its list of nodes cannot be read");
	for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	rc = make_room(&nodes, lines + 1, arena, error);
	while (rc == 0 && (line = strsep(&text, "\n")) != NULL)
		if (line[0] != '\0')
			rc = take_line(line, seed, &nodes, error);
	if (rc == 0 && nodes.count == 0)
		rc = error_set(error, ERR_UNAVAILABLE, "its list of nodes is empty");
	if (rc == 0)
		*ret_nodes = nodes;
	return rc;
}

static void add_node(struct nodes *nodes, const redisReply *host, const redisReply *port, bool is_master,
                     struct arena *arena)
{
	struct node *node = &nodes->items[nodes->count];

	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): make_room fails without items */
	node->host = arena_text(arena, reply_text(host));
	node->port = arena_text(arena, reply_text(port));
	node->is_master = is_master;
	if (node->host != NULL && node->port != NULL)
		nodes->count++;
}

/* Flags are joined by commas: a replica that is s_down or disconnected gets its users when it is back. */
static bool is_up(const redisReply *replica)
{
	const char *flags = reply_text(reply_field(replica, "flags"));

	return flags != NULL && !has_flag(flags, "s_down") && !has_flag(flags, "o_down") &&
	       !has_flag(flags, "disconnected");
}

int reply_sentinel_nodes(const redisReply *master, const redisReply *replicas, struct arena *arena,
                         struct nodes *ret_nodes, struct error *error)
{
	struct nodes nodes;
	int rc;

	if (reply_is_nil(master))
		return error_set(error, ERR_UNAVAILABLE, "it knows no master of that name");
	rc = reply_check(master, error);
	if (rc == 0)
		rc = reply_check(replicas, error);
	if (rc == 0)
		rc = make_room(&nodes, is_list(replicas) ? replicas->elements + 1 : 1, arena, error);
	if (rc != 0)
		return rc;
	add_node(&nodes, reply_item(master, 0), reply_item(master, 1), true, arena);
	if (nodes.count == 0)
		return error_set(error, ERR_UNAVAILABLE, "its answer about the master cannot be read");
	for (size_t i = 0; is_list(replicas) && i < replicas->elements; i++)
		if (is_up(replicas->element[i]))
			add_node(&nodes, reply_field(replicas->element[i], "ip"),
			         reply_field(replicas->element[i], "port"), false, arena);
	*ret_nodes = nodes;
	return arena_failed(arena) ? error_no_memory(error) : 0;
}

bool reply_info(const redisReply *info, const char *name, char *ret_value, size_t size)
{
	const char *text = reply_text(info), *at = text != NULL ? strstr(text, name) : NULL;
	const size_t length = strlen(name);

	if (at == NULL || (at != text && at[-1] != '\n') || at[length] != ':')
		return false;
	at += length + 1;
	snprintf(ret_value, size, "%.*s", (int)strcspn(at, "\r\n"), at);
	return true;
}
