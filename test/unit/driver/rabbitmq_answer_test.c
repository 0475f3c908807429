/* What RabbitMQ's answers mean, also those that it should never give; and the bodies that are sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "base/secret.h"
#include "driver/rabbitmq/answer.h"
#include "driver/rabbitmq/description.h"

static const struct config_key keys[] = {
    {.name = "max_connections", .type = KEY_NUMBER},
    {.name = "max_queues", .type = KEY_NUMBER},
    {.name = "max_user_connections", .type = KEY_NUMBER},
    {.name = "max_user_channels", .type = KEY_NUMBER},
};
/* Two limits of four. */
static const struct option given[] = {
    {.key = &keys[0], .set = true, .value.number = 10},
    {.key = &keys[1]},
    {.key = &keys[2]},
    {.key = &keys[3], .set = true, .value.number = 5},
};
static const struct options plan = {given, 4};

static bool try(bool (*ask)(const cJSON *root), const char *json)
{
	cJSON *root = cJSON_Parse(json);
	bool yes = ask(root);

	cJSON_Delete(root);
	return yes;
}

/* ---- statuses ---- */

static int read_answer(int status, const char *body, bool *ret_found, struct error *error)
{
	struct cJSON *root = NULL;
	int rc = rabbitmq_answer_read(status, body, ret_found, &root, error);

	cJSON_Delete(root);
	return rc;
}

static void test_statuses(void **state)
{
	struct error error;
	bool found = false;

	(void)state;
	assert_int_equal(read_answer(200, "{\"name\":\"a\"}", &found, &error), 0);
	assert_true(found);
	assert_int_equal(read_answer(204, "", &found, &error), 0);
	assert_int_equal(read_answer(404, "{\"error\":\"Object Not Found\"}", &found, &error), 0);
	assert_false(found);
	assert_int_equal(read_answer(404, "<html>", &found, &error), ERR_UNAVAILABLE);
	assert_int_equal(read_answer(200, "<html>", &found, &error), ERR_UNAVAILABLE);
	assert_int_equal(read_answer(200, "{\"name\":", &found, &error), ERR_UNAVAILABLE);
	assert_int_equal(read_answer(200, "7", &found, &error), ERR_UNAVAILABLE);
	assert_int_equal(read_answer(401, "{\"reason\":\"Login failed\"}", &found, &error), ERR_UNAVAILABLE);
	assert_string_equal(error.text, "it does not let the broker's user in: Login failed");
	assert_int_equal(read_answer(401, "{\"reason\":\"Not administrator user\"}", &found, &error), ERR_UNAVAILABLE);
	assert_string_equal(error.text, "the broker's user lacks the right, which the tag administrator gives: "
	                                "Not administrator user");
	assert_int_equal(read_answer(401, "{\"reason\":\"User can only log in via localhost\"}", &found, &error),
	                 ERR_UNAVAILABLE);
	assert_string_equal(error.text, "the broker's user may log in from the server's own machine alone "
	                                "(loopback_users): User can only log in via localhost");
	assert_int_equal(read_answer(403, "", &found, &error), ERR_UNAVAILABLE);
	assert_int_equal(read_answer(500, "", &found, &error), ERR_UNAVAILABLE);
	assert_int_equal(read_answer(301, "", &found, &error), ERR_UNAVAILABLE);
	assert_int_equal(read_answer(429, "", &found, &error), ERR_BUSY);
	assert_int_equal(read_answer(405, "", &found, &error), ERR_REFUSED);
	assert_int_equal(read_answer(400, "{\"reason\":\"Validation failed\\n\\nmore\\n\"}", &found, &error),
	                 ERR_REFUSED);
	assert_string_equal(error.text, "it answered 400: Validation failed  more ");
	assert_int_equal(read_answer(400, "{\"reason\":[\"no_such_user\",7,\"x\"]}", &found, &error), ERR_REFUSED);
	assert_string_equal(error.text, "it answered 400: no_such_user  x");
	assert_int_equal(read_answer(400, "{\"reason\":{\"a\":1}}", &found, &error), ERR_REFUSED);
	assert_string_equal(error.text, "it answered 400");
	assert_int_equal(read_answer(400, "{\"reason\":\"\\u001b[2J\"}", &found, &error), ERR_REFUSED);
	assert_string_equal(error.text, "it answered 400");
}

/* ---- who the broker is, and its vhosts ---- */

static bool is_admin(const cJSON *root)
{
	return rabbitmq_answer_check_admin(root, NULL) == 0;
}

static void test_admin(void **state)
{
	(void)state;
	assert_true(try(is_admin, "{\"name\":\"a\",\"tags\":[\"management\",\"administrator\"]}"));
	assert_true(try(is_admin, "{\"name\":\"a\",\"tags\":\"monitoring,administrator\"}"));
	assert_false(try(is_admin, "{\"name\":\"a\",\"tags\":\"administrators\"}"));
	assert_false(try(is_admin, "{\"name\":\"a\",\"tags\":[\"monitoring\",1,null]}"));
	assert_false(try(is_admin, "{\"tags\":[\"administrator\"]}"));
	assert_false(try(is_admin, "[]"));
	assert_false(is_admin(NULL));
}

static void test_vhosts(void **state)
{
	(void)state;
	assert_true(try(rabbitmq_answer_runs, "{\"cluster_state\":{\"a\":\"stopped\",\"b\":\"running\"}}"));
	assert_false(try(rabbitmq_answer_runs, "{\"cluster_state\":{\"a\":\"stopped\",\"b\":1}}"));
	assert_false(try(rabbitmq_answer_runs, "{\"cluster_state\":{}}"));
	assert_true(try(rabbitmq_answer_runs, "{\"name\":\"v\"}"));
	assert_false(try(rabbitmq_answer_runs, "[]"));
	assert_false(rabbitmq_answer_runs(NULL));
	assert_true(try(rabbitmq_answer_is_retired, "{\"tags\":[\"a\",\"retired\"]}"));
	assert_false(try(rabbitmq_answer_is_retired, "{\"tags\":[\"a\"]}"));
	assert_false(try(rabbitmq_answer_is_retired, "{\"tags\":7}"));
}

static void test_whole(void **state)
{
	(void)state;
	assert_true(try(
	    rabbitmq_answer_is_whole,
	    "[{\"name\":\"amq.direct\"},{\"name\":\"amq.fanout\"},{\"name\":\"amq.headers\"},{\"name\":\"own\"},"
	    "{\"name\":\"amq.match\"},{\"name\":\"amq.topic\"},{\"name\":\"amq.rabbitmq.trace\"},{\"name\":\"\"}]"));
	assert_false(try(rabbitmq_answer_is_whole, "[{\"name\":\"\"},{\"name\":\"amq.direct\"},{\"name\":7},[]]"));
	assert_false(try(rabbitmq_answer_is_whole, "[]"));
	assert_false(rabbitmq_answer_is_whole(NULL));
}

static void test_stopped(void **state)
{
	cJSON *vhost =
	    cJSON_Parse("{\"cluster_state\":{\"a\":\"stopped\",\"b\":\"running\",\"c\":7,\"d\":\"stopped\"}}");
	const char *const *nodes;
	struct arena arena;

	(void)state;
	arena_init(&arena);
	nodes = rabbitmq_answer_stopped(vhost, &arena);
	assert_string_equal(nodes[0], "a");
	assert_string_equal(nodes[1], "d");
	assert_null(nodes[2]);
	assert_null(rabbitmq_answer_stopped(NULL, &arena)[0]);
	arena_release(&arena);
	cJSON_Delete(vhost);
}

static void check_mark(const char *json, bool retired, const char *wanted)
{
	cJSON *vhost = cJSON_Parse(json);
	struct text body;

	text_init(&body, 4096);
	rabbitmq_vhost_write(vhost, retired, "abc", &body);
	assert_string_equal(text_string(&body), wanted);
	text_release(&body);
	cJSON_Delete(vhost);
}

static void test_marks(void **state)
{
	(void)state;
	check_mark("{\"description\":\"d \\\"q\\\"\",\"tags\":[\"a\",1],\"default_queue_type\":\"undefined\"}", true,
	           "{\"description\":\"d \\\"q\\\"\",\"tags\":\"a,retired\"}");
	check_mark("{\"tags\":[\"retired\",\"a\"],\"default_queue_type\":\"quorum\"}", false,
	           "{\"description\":\"\",\"tags\":\"a\",\"default_queue_type\":\"quorum\"}");
	check_mark("{\"tags\":[\"retired\"]}", true, "{\"description\":\"\",\"tags\":\"retired\"}");
	check_mark("[]", false, "{\"description\":\"\",\"tags\":\"\"}");
	/* Only what the broker has made says whose it is, and says it anew when it changes hands. */
	check_mark("{\"description\":\"tsuru: a of the service b\"}", false,
	           "{\"description\":\"tsuru: a of the service b, instance abc\",\"tags\":\"\"}");
	check_mark("{\"description\":\"tsuru: a of the service b, instance abc\"}", true,
	           "{\"description\":\"tsuru: a of the service b, instance abc\",\"tags\":\"retired\"}");
	check_mark("{\"description\":\"tsuru: a of the service b, instance x, instance y\"}", false,
	           "{\"description\":\"tsuru: a of the service b, instance x, instance abc\",\"tags\":\"\"}");
	check_mark("{\"description\":\"ours, instance y\"}", false,
	           "{\"description\":\"ours, instance y\",\"tags\":\"\"}");
}

static bool is_of(const cJSON *root)
{
	return rabbitmq_vhost_is_of(root, "abc");
}

static bool lacks(const cJSON *root)
{
	return rabbitmq_vhost_lacks(root, "abc");
}

static void test_incarnations(void **state)
{
	static const char ours[] = "{\"description\":\"tsuru: a, instance abc\"}";
	static const char other[] = "{\"description\":\"tsuru: a, instance abcd\"}";
	static const char old[] = "{\"description\":\"tsuru: a\"}", foreign[] = "{\"description\":\"x, instance y\"}";

	(void)state;
	assert_true(try(is_of, ours));
	assert_false(try(is_of, other));
	assert_true(try(is_of, old));
	assert_true(try(is_of, foreign));
	assert_true(try(is_of, "{\"description\":7}"));
	assert_true(is_of(NULL));
	assert_false(try(lacks, ours));
	assert_true(try(lacks, other));
	assert_true(try(lacks, old));
	assert_false(try(lacks, foreign));
	assert_false(lacks(NULL));
}

/* ---- what is compared ---- */

static bool vhost_fits(const cJSON *root)
{
	return rabbitmq_answer_vhost_fits(root, &plan);
}

static bool user_fits(const cJSON *root)
{
	return rabbitmq_answer_user_fits(root, &plan);
}

static void test_limits(void **state)
{
	(void)state;
	assert_true(try(vhost_fits, "[{\"vhost\":\"v\",\"value\":{\"max-connections\":10}}]"));
	assert_true(try(vhost_fits, "[{\"value\":{\"max-connections\":10,\"max-queues\":-1}}]"));
	assert_false(try(vhost_fits, "[{\"value\":{\"max-connections\":10,\"max-queues\":0}}]"));
	assert_false(try(vhost_fits, "[{\"value\":{\"max-connections\":11}}]"));
	assert_false(try(vhost_fits, "[{\"value\":{\"max-connections\":\"10\"}}]"));
	assert_false(try(vhost_fits, "[]"));
	assert_false(try(vhost_fits, "{\"value\":[]}"));
	assert_true(try(user_fits, "{\"tags\":[],\"limits\":{\"max-channels\":5}}"));
	assert_true(try(user_fits, "{\"tags\":\"\",\"limits\":{\"max-channels\":5}}"));
	assert_false(try(user_fits, "{\"tags\":[\"management\"],\"limits\":{\"max-channels\":5}}"));
	assert_false(try(user_fits, "{\"tags\":\"administrator\",\"limits\":{\"max-channels\":5}}"));
	assert_false(try(user_fits, "{\"tags\":[],\"limits\":{\"max-channels\":5,\"max-connections\":1}}"));
	assert_false(try(user_fits, "{\"tags\":[],\"limits\":[5]}"));
	assert_false(user_fits(NULL));
}

static bool writes(const cJSON *root)
{
	return rabbitmq_answer_rights_fit(root, "u", false);
}

static bool reads(const cJSON *root)
{
	return rabbitmq_answer_rights_fit(root, "u", true);
}

static bool is_confined(const cJSON *root)
{
	return rabbitmq_answer_is_confined(root, "v");
}

static void test_rights(void **state)
{
	static const char all[] =
	    "[7,{\"user\":\"x\"},{\"user\":\"u\",\"configure\":\".*\",\"write\":\".*\",\"read\":\".*\"}]";
	static const char reading[] = "[{\"user\":\"u\",\"configure\":\"^$\",\"write\":\"^$\",\"read\":\".*\"}]";

	(void)state;
	assert_true(try(writes, all));
	assert_false(try(reads, all));
	assert_true(try(reads, reading));
	assert_false(try(writes, reading));
	assert_false(try(writes, "[{\"user\":\"u\",\"configure\":1,\"write\":null}]"));
	assert_false(try(writes, "[]"));
	assert_false(writes(NULL));
	assert_true(try(is_confined, "[{\"vhost\":\"v\"}]"));
	assert_false(try(is_confined, "[{\"vhost\":\"v\"},{\"vhost\":\"w\"}]"));
	assert_false(try(is_confined, "[{\"vhost\":\"w\"}]"));
	assert_false(try(is_confined, "{\"a\":{\"vhost\":\"v\"}}"));
}

/* ---- lists ---- */

static void test_lists(void **state)
{
	cJSON *list =
	    cJSON_Parse("[{\"name\":\"a\",\"n\":2},{\"name\":7,\"n\":-1},{\"n\":1e300},7,{\"name\":\"b\",\"n\":3}]");
	const char *const *texts;
	struct arena arena;

	(void)state;
	arena_init(&arena);
	assert_int_equal(rabbitmq_answer_count(list), 5);
	assert_int_equal(rabbitmq_answer_sum(list, "n"), 5);
	texts = rabbitmq_answer_texts(list, "name", &arena);
	assert_string_equal(texts[0], "a");
	assert_string_equal(texts[1], "b");
	assert_null(texts[2]);
	assert_null(rabbitmq_answer_texts(NULL, "name", &arena)[0]);
	assert_null(rabbitmq_answer_texts(cJSON_GetArrayItem(list, 0), "name", &arena)[0]);
	assert_int_equal(rabbitmq_answer_count(NULL), 0);
	arena_release(&arena);
	cJSON_Delete(list);
}

static void test_sessions(void **state)
{
	cJSON *list = cJSON_Parse(
	    "[{\"name\":\"a\",\"user\":\"u\",\"connected_at\":9},{\"name\":\"b\",\"user\":\"u\",\"connected_at\":10},"
	    "{\"name\":\"c\",\"user\":\"x\",\"connected_at\":9},{\"name\":\"d\",\"user\":\"u\"},"
	    "{\"user\":\"u\",\"connected_at\":9},7]");
	const char *const *names;
	struct arena arena;

	(void)state;
	arena_init(&arena);
	names = rabbitmq_answer_sessions(list, "u", 10, &arena);
	assert_string_equal(names[0], "a");
	assert_null(names[1]);
	assert_null(rabbitmq_answer_sessions(NULL, "u", 10, &arena)[0]);
	arena_release(&arena);
	cJSON_Delete(list);
}

/* ---- bodies ---- */

/* As RabbitMQ checks it: the first 4 bytes and the password give the rest. */
static void test_password(void **state)
{
	unsigned char bytes[64], hash[SECRET_SHA256_BYTES];
	const char *encoded;
	struct text body;
	cJSON *user;

	(void)state;
	text_init(&body, 4096);
	rabbitmq_write_user("p\"ss", &body);
	assert_null(strstr(text_string(&body), "ss\""));
	user = cJSON_Parse(text_string(&body));
	assert_true(rabbitmq_answer_password_fits(user, "p\"ss"));
	assert_false(rabbitmq_answer_password_fits(user, "p\"s"));
	assert_false(rabbitmq_answer_password_fits(NULL, "x"));
	encoded = cJSON_GetStringValue(cJSON_GetObjectItem(user, "password_hash"));
	assert_int_equal(text_base64_decode(encoded, strlen(encoded), bytes, sizeof(bytes)), 36);
	secret_sha256(hash, bytes, 4, "p\"ss");
	assert_memory_equal(hash, bytes + 4, sizeof(hash));
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(user, "tags")), "");
	cJSON_Delete(user);
	text_release(&body);
}

static int setup(void **state)
{
	(void)state;
	return secret_init(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_statuses), cmocka_unit_test(test_admin),    cmocka_unit_test(test_vhosts),
	    cmocka_unit_test(test_whole),    cmocka_unit_test(test_stopped),  cmocka_unit_test(test_marks),
	    cmocka_unit_test(test_limits),   cmocka_unit_test(test_rights),   cmocka_unit_test(test_lists),
	    cmocka_unit_test(test_sessions), cmocka_unit_test(test_password), cmocka_unit_test(test_incarnations),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
