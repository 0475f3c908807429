/* Answers of Redis: lists of nodes from a cluster and from sentinels, and what errors mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "driver/redis/reply.h"

static redisReply *read_reply(const char *bytes)
{
	redisReader *reader = redisReaderCreate();
	void *reply = NULL;

	assert_non_null(reader);
	assert_int_equal(redisReaderFeed(reader, bytes, strlen(bytes)), REDIS_OK);
	assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
	assert_non_null(reply);
	redisReaderFree(reader);
	return reply;
}

/* Whether a reader takes the answer, of which it may not be all. */
static bool is_taken(struct reply_reader *reader, const char *bytes)
{
	redisReply *reply = NULL;
	struct error error;
	int rc;

	assert_int_equal(redisReaderFeed(reader->redis, bytes, strlen(bytes)), REDIS_OK);
	rc = reply_reader_take(reader, &reply, &error);
	freeReplyObject(reply);
	if (rc != 0) {
		assert_int_equal(rc, ERR_UNAVAILABLE);
		assert_non_null(strstr(error.text, "elements"));
	}
	return rc == 0;
}

/* The elements are counted as they are announced, inside others, too, and over the answers to a batch. */
static void test_a_reader_sets_no_room_aside_for_what_is_announced(void **state)
{
	static const char *const announced[] = {"*250001\r\n", "*2147483647\r\n", "*2\r\n*249999\r\n",
	                                        "*1\r\n*1\r\n*249999\r\n"};
	struct reply_reader reader;

	(void)state;
	for (size_t i = 0; i < sizeof(announced) / sizeof(*announced); i++) {
		assert_true(reply_reader_open(&reader));
		assert_false(is_taken(&reader, announced[i]));
		reply_reader_close(&reader);
	}
	assert_true(reply_reader_open(&reader));
	assert_true(is_taken(&reader, "*2\r\n:1\r\n*1\r\n:2\r\n"));
	assert_int_equal(reader.room, REPLY_ELEMENTS_MAX - 3);
	reader.room = 2;
	assert_true(is_taken(&reader, "*2\r\n:1\r\n:2\r\n"));
	assert_false(is_taken(&reader, "*1\r\n:1\r\n"));
	reply_reader_close(&reader);
}

static redisReply *text_reply(const char *text)
{
	char bytes[2048];

	snprintf(bytes, sizeof(bytes), "$%zu\r\n%s\r\n", strlen(text), text);
	return read_reply(bytes);
}

static void expect_nodes(const char *text, const char *expected)
{
	redisReply *reply = text_reply(text);
	struct arena arena;
	struct nodes nodes;
	struct error error;
	char shown[512] = "";
	size_t length = 0;

	arena_init(&arena);
	if (reply_cluster_nodes(reply, "seed", &arena, &nodes, &error) != 0)
		snprintf(shown, sizeof(shown), "%s", error.text);
	else
		for (size_t i = 0; i < nodes.count; i++)
			length +=
			    (size_t)snprintf(shown + length, sizeof(shown) - length, "%s|%s|%s ", nodes.items[i].host,
			                     nodes.items[i].port, nodes.items[i].is_master ? "master" : "replica");
	assert_string_equal(shown, expected);
	arena_release(&arena);
	freeReplyObject(reply);
}

static void test_cluster_nodes(void **state)
{
	(void)state;
	expect_nodes("a 10.0.0.1:7000@17000 myself,master - 0 0 1 connected 0-5460\n"
	             "b 10.0.0.2:7000@17000,two.example slave a 0 0 1 connected\n"
	             "c fd00::1:7002@17002 master,fail? - 0 0 1 connected 5461-16383\n",
	             "10.0.0.1|7000|master 10.0.0.2|7000|replica fd00::1|7002|master ");
	/* a node alone does not know its address; those that are gone are left out, but a master with slots is missed
	 */
	expect_nodes("a :7000@17000 myself,master - 0 0 1 connected 0-16383\n", "seed|7000|master ");
	expect_nodes("a 10.0.0.1:7000@17000 master - 0 0 1 connected 0-16383\n"
	             "b 10.0.0.2:7000@17000 slave,fail a 0 0 1 disconnected\n"
	             "c :0@0 slave,noaddr a 0 0 1 disconnected\n"
	             "d 10.0.0.4:7000@17000 handshake - 0 0 0 disconnected\n",
	             "10.0.0.1|7000|master ");
	expect_nodes("a 10.0.0.1:7000@17000 master,fail - 0 0 1 disconnected 0-16383\n",
	             "a master of the cluster is down");
	expect_nodes("", "its list of nodes is empty");
	expect_nodes("nonsense\n", "its list of nodes cannot be read");
}

static void test_too_many_nodes(void **state)
{
	char text[1200];

	(void)state;
	memset(text, '\n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	expect_nodes(text, "it has more than 1000 nodes");
}

static void test_sentinel_nodes(void **state)
{
	redisReply *master = read_reply("*2\r\n$8\r\n10.0.0.1\r\n$4\r\n6379\r\n");
	redisReply *replicas =
	    read_reply("*2\r\n"
	               "*6\r\n$2\r\nip\r\n$8\r\n10.0.0.2\r\n$4\r\nport\r\n$4\r\n6379\r\n$5\r\nflags\r\n$5\r\nslave\r\n"
	               "*6\r\n$2\r\nip\r\n$8\r\n10.0.0.3\r\n$4\r\nport\r\n$4\r\n6379\r\n"
	               "$5\r\nflags\r\n$25\r\ns_down,slave,disconnected\r\n");
	redisReply *nothing = read_reply("*-1\r\n");
	struct arena arena;
	struct nodes nodes;
	struct error error;

	(void)state;
	arena_init(&arena);
	assert_int_equal(reply_sentinel_nodes(master, replicas, &arena, &nodes, &error), 0);
	assert_int_equal(nodes.count, 2);
	assert_true(nodes.items[0].is_master && !nodes.items[1].is_master);
	assert_string_equal(nodes.items[0].host, "10.0.0.1");
	assert_string_equal(nodes.items[1].host, "10.0.0.2");
	assert_int_equal(reply_sentinel_nodes(nothing, replicas, &arena, &nodes, &error), ERR_UNAVAILABLE);
	assert_int_equal(reply_sentinel_nodes(replicas, replicas, &arena, &nodes, &error), ERR_UNAVAILABLE);
	arena_release(&arena);
	freeReplyObject(master);
	freeReplyObject(replicas);
	freeReplyObject(nothing);
}

static void expect_code(const char *bytes, int code, int greeting_code)
{
	redisReply *reply = read_reply(bytes);

	assert_int_equal(reply_check(reply, NULL), code);
	assert_int_equal(reply_check_greeting(reply, NULL), greeting_code);
	freeReplyObject(reply);
}

static void expect_sentence(const char *wire, int code, const char *sentence)
{
	redisReply *reply = read_reply(wire);
	struct error error;

	assert_int_equal(reply_check(reply, &error), code);
	assert_string_equal(error.text, sentence);
	freeReplyObject(reply);
}

static void test_errors(void **state)
{
	redisReply *reply;
	struct error error;

	(void)state;
	expect_code("+OK\r\n", 0, ERR_UNAVAILABLE);
	expect_code("*0\r\n", 0, 0);
	expect_code("-LOADING Redis is loading the dataset in memory\r\n", ERR_UNAVAILABLE, ERR_UNAVAILABLE);
	expect_code("-MISCONF Errors writing to the AOF file\r\n", ERR_UNAVAILABLE, ERR_UNAVAILABLE);
	expect_code("-OOM command not allowed\r\n", ERR_UNAVAILABLE, ERR_UNAVAILABLE);
	expect_code("-ERR Error in ACL SETUSER modifier\r\n", ERR_REFUSED, ERR_UNAVAILABLE);
	assert_int_equal(reply_check(NULL, NULL), ERR_UNAVAILABLE);

	expect_sentence("-READONLY You can't write\r\n", ERR_UNAVAILABLE,
	                "it takes no changes, as a replica: READONLY You can't write");
	expect_sentence("-NOPERM this user has no permissions\r\n", ERR_REFUSED,
	                "the broker's user lacks the right: NOPERM this user has no permissions");
	expect_sentence("-ERR unknown command 'ACL'\r\n", ERR_REFUSED,
	                "the command was taken away from it, or has another name there: ERR unknown command 'ACL'");
	expect_sentence("-ERR max number of clients reached\r\n", ERR_UNAVAILABLE,
	                "it has as many clients as it takes: ERR max number of clients reached");
	expect_sentence("-ERR value is not an integer\r\n", ERR_REFUSED, "ERR value is not an integer");

	/* an error of HELLO may hold the password */
	reply = read_reply("-ERR Syntax error in HELLO option 'sekret'\r\n");
	assert_int_equal(reply_check_greeting(reply, &error), ERR_UNAVAILABLE);
	assert_null(strstr(error.text, "sekret"));
	freeReplyObject(reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_reader_sets_no_room_aside_for_what_is_announced),
	                                   cmocka_unit_test(test_cluster_nodes), cmocka_unit_test(test_too_many_nodes),
	                                   cmocka_unit_test(test_sentinel_nodes), cmocka_unit_test(test_errors)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
