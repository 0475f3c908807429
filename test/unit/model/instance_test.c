/* Instances: records, moves, names. */
#include "hostile.h"

#include "model/model.h"

static const struct instance full = {
    .incarnation = "0123456789abcdef",
    .service = "postgres",
    .name = "my-db",
    .team = "payments",
    .user = "ana@example.com",
    .description = "the ledger\nof all",
    .plan = "small",
    .wanted_plan = "large",
    .parameters = "{\"size\":3}",
    .tags = "[\"a\"]",
    .server = "main",
    .cluster = "east",
    .pool = "",
    .resource = "my_db_0123456789",
    .event = "65f0",
    .failure = "the server said no",
    .refusal = "the service has no such plan",
    .state = INSTANCE_READY,
    .was_bound = true,
    .update_failed = true,
    .created_at = 1767225600000,
    .updated_at = 1767225600001,
    .retained_until = 1767225600002,
    .removal = REMOVAL_RETIRE,
    .retain = 86400000,
    .older = true,
    .removed_at = 1767225600003,
};

static const struct instance least = {
    .incarnation = "0123456789abcdef",
    .service = "s",
    .name = "db",
    .wanted_plan = "p",
    .resource = "db_0123456789",
    .state = INSTANCE_CREATING,
};

static int decode(const void *bytes, size_t length, struct error *error)
{
	struct instance instance;
	int rc = instance_decode(bytes, length, &instance, error);

	if (rc == 0) {
		assert_int_equal(strlen(instance.incarnation), INCARNATION_LENGTH);
		assert_in_range(strlen(instance.name), 1, INSTANCE_NAME_MAX);
		assert_in_range(instance.state, INSTANCE_CREATING, INSTANCE_STATE_LAST);
		assert_string_not_equal(instance_state_name(instance.state), "unknown");
	}
	return rc;
}

static void assert_same_text(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		assert_ptr_equal(a, b);
	else
		assert_string_equal(a, b);
}

static void assert_same(const struct instance *a, const struct instance *b)
{
	assert_string_equal(a->incarnation, b->incarnation);
	assert_string_equal(a->service, b->service);
	assert_string_equal(a->name, b->name);
	assert_same_text(a->team, b->team);
	assert_same_text(a->user, b->user);
	assert_same_text(a->description, b->description);
	assert_same_text(a->plan, b->plan);
	assert_string_equal(a->wanted_plan, b->wanted_plan);
	assert_same_text(a->parameters, b->parameters);
	assert_same_text(a->tags, b->tags);
	assert_same_text(a->server, b->server);
	assert_same_text(a->cluster, b->cluster);
	assert_same_text(a->pool, b->pool);
	assert_string_equal(a->resource, b->resource);
	assert_same_text(a->event, b->event);
	assert_same_text(a->failure, b->failure);
	assert_same_text(a->refusal, b->refusal);
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->was_bound, b->was_bound);
	assert_int_equal(a->update_failed, b->update_failed);
	assert_int_equal(a->created_at, b->created_at);
	assert_int_equal(a->updated_at, b->updated_at);
	assert_int_equal(a->retained_until, b->retained_until);
	assert_int_equal(a->removal, b->removal);
	assert_int_equal(a->retain, b->retain);
	assert_int_equal(a->older, b->older);
	assert_int_equal(a->removed_at, b->removed_at);
}

static void check_round_trip(const struct instance *instance)
{
	struct instance again;
	struct text record;

	text_init(&record, RECORD_MAX);
	assert_int_equal(instance_encode(instance, &record, NULL), 0);
	assert_int_equal(instance_decode(record.bytes, record.length, &again, NULL), 0);
	assert_same(instance, &again);
	text_release(&record);
}

static void test_round_trip(void **state)
{
	(void)state;
	check_round_trip(&full);
	check_round_trip(&least);
}

static const char *random_text(char *buffer, size_t max, uint32_t *state)
{
	size_t length = hostile_random(state) % (max + 1);

	for (size_t i = 0; i < length; i++)
		buffer[i] = (char)(1 + hostile_random(state) % 255);
	buffer[length] = '\0';
	return buffer;
}

static void test_random_round_trips(void **state)
{
	static char buffers[5][2048];
	struct instance instance;
	uint32_t seed = 7;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		instance = hostile_random(&seed) % 2 == 0 ? full : least;
		instance.team = random_text(buffers[0], 40, &seed);
		instance.description = random_text(buffers[1], 2000, &seed);
		instance.tags = hostile_random(&seed) % 2 == 0 ? random_text(buffers[2], 2000, &seed) : NULL;
		instance.failure = hostile_random(&seed) % 2 == 0 ? random_text(buffers[3], 500, &seed) : NULL;
		instance.name = random_text(buffers[4], INSTANCE_NAME_MAX - 1, &seed);
		if (instance.name[0] == '\0')
			instance.name = "x";
		instance.state = (enum instance_state)(1 + hostile_random(&seed) % 4);
		instance.was_bound = hostile_random(&seed) % 2 == 0;
		instance.updated_at = hostile_random(&seed);
		check_round_trip(&instance);
	}
}

static void test_hostile(void **state)
{
	struct text record;

	(void)state;
	text_init(&record, RECORD_MAX);
	assert_int_equal(instance_encode(&full, &record, NULL), 0);
	hostile_all(decode, &record);
	text_release(&record);
}

static void expect_encode(const struct instance *instance, int code, const char *field)
{
	struct error error = {0};
	struct text record;

	text_init(&record, RECORD_MAX);
	assert_int_equal(instance_encode(instance, &record, &error), code);
	assert_non_null(strstr(error.text, field));
	text_release(&record);
}

/* A record that could not be read again is not written in the first place. */
static void test_encode_refuses(void **state)
{
	static char large[PARAMETERS_MAX + 2];
	struct instance instance = least;

	(void)state;
	memset(large, 'x', sizeof(large) - 1);
	instance.parameters = large;
	expect_encode(&instance, ERR_TOO_LARGE, "parameters");
	large[PARAMETERS_MAX] = '\0';
	instance.tags = large;
	check_round_trip(&instance);
	instance = least;
	instance.description = large;
	expect_encode(&instance, ERR_TOO_LARGE, "description");
	instance = least;
	large[INSTANCE_NAME_MAX + 1] = '\0';
	instance.name = large;
	expect_encode(&instance, ERR_TOO_LARGE, "name");
	large[INSTANCE_NAME_MAX] = '\0';
	check_round_trip(&instance);
	instance = least;
	instance.wanted_plan = NULL;
	expect_encode(&instance, ERR_INTERNAL, "wanted plan");
	instance = least;
	instance.state = 0;
	expect_encode(&instance, ERR_INTERNAL, "state");
	instance.state = (enum instance_state)(INSTANCE_STATE_LAST + 1);
	expect_encode(&instance, ERR_INTERNAL, "state");
	instance = least;
	instance.created_at = -1;
	expect_encode(&instance, ERR_INTERNAL, "creation time");
}

static void test_encode_without_room(void **state)
{
	struct text record;

	(void)state;
	text_init(&record, 20);
	assert_int_equal(instance_encode(&full, &record, NULL), ERR_NO_MEMORY);
	text_release(&record);
}

static void expect_corrupt(const struct text *record, const char *part)
{
	struct instance instance = {.name = "untouched"};
	struct error error = {0};

	assert_int_equal(instance_decode(record->bytes, record->length, &instance, &error), ERR_CORRUPT);
	assert_non_null(strstr(error.text, part));
	assert_string_equal(instance.name, "untouched");
}

static void test_decode_refuses(void **state)
{
	struct text record;

	(void)state;
	text_init(&record, RECORD_MAX);
	assert_int_equal(instance_encode(&least, &record, NULL), 0);
	record_put_text(&record, 3, "another");
	expect_corrupt(&record, "twice");

	assert_int_equal(instance_encode(&least, &record, NULL), 0);
	record_put_number(&record, 4, 5);
	expect_corrupt(&record, "team");

	assert_int_equal(instance_encode(&least, &record, NULL), 0);
	record_put_text(&record, 18, "yes");
	expect_corrupt(&record, "was-bound");

	assert_int_equal(instance_encode(&least, &record, NULL), 0);
	record_put_number(&record, 20, -5);
	expect_corrupt(&record, "negative");

	record_begin(&record);
	record_put_number(&record, 17, INSTANCE_STATE_LAST + 1);
	expect_corrupt(&record, "state");

	record_begin(&record);
	record_put_number(&record, 17, (INT64_C(1) << 32) + 1);
	expect_corrupt(&record, "state");

	record_begin(&record);
	record_put_text(&record, 1, "0123");
	expect_corrupt(&record, "incarnation");

	record_begin(&record);
	record_put_text(&record, 1, "0123456789abcdef");
	expect_corrupt(&record, "service");
	text_release(&record);
}

static void test_the_time_of_the_removal(void **state)
{
	struct instance instance = {.name = "mydb", .state = INSTANCE_READY, .updated_at = 5};

	(void)state;
	assert_int_equal(instance_move_to_removal(&instance, 9, NULL), 0);
	assert_int_equal(instance_move(&instance, INSTANCE_REMOVAL_FAILED, NULL), 0);
	assert_int_equal(instance_move_to_removal(&instance, 12, NULL), 0);
	assert_int_equal(instance.removed_at, 9);
	assert_int_equal(instance_move(&instance, INSTANCE_REMOVAL_FAILED, NULL), 0);
	assert_int_equal(instance_move(&instance, INSTANCE_READY, NULL), 0);
	assert_int_equal(instance.removed_at, 0);
	instance = (struct instance){.name = "mydb", .state = INSTANCE_REMOVAL_FAILED, .updated_at = 5};
	assert_int_equal(instance_move_to_removal(&instance, 9, NULL), 0);
	assert_int_equal(instance.removed_at, 5);
}

static void test_moves(void **state)
{
	static const bool allowed[INSTANCE_STATE_LAST + 1][INSTANCE_STATE_LAST + 1] = {
	    [INSTANCE_CREATING] = {[INSTANCE_READY] = true, [INSTANCE_FAILED] = true, [INSTANCE_REMOVING] = true},
	    [INSTANCE_READY] = {[INSTANCE_READY] = true,
	                        [INSTANCE_REMOVING] = true,
	                        [INSTANCE_RETAINED] = true,
	                        [INSTANCE_REMOVAL_FAILED] = true},
	    [INSTANCE_FAILED] = {[INSTANCE_CREATING] = true, [INSTANCE_REMOVING] = true},
	    [INSTANCE_REMOVING] =
	        {[INSTANCE_REMOVING] = true, [INSTANCE_RETAINED] = true, [INSTANCE_REMOVAL_FAILED] = true},
	    [INSTANCE_RETAINED] = {[INSTANCE_READY] = true, [INSTANCE_REMOVING] = true},
	    [INSTANCE_REMOVAL_FAILED] = {[INSTANCE_READY] = true, [INSTANCE_REMOVING] = true},
	};
	struct error error = {0};

	(void)state;
	for (int from = INSTANCE_CREATING; from <= INSTANCE_STATE_LAST; from++) {
		for (int to = INSTANCE_CREATING; to <= INSTANCE_STATE_LAST; to++) {
			struct instance instance = {.name = "db", .state = (enum instance_state)from};
			int rc = instance_move(&instance, (enum instance_state)to, &error);

			assert_int_equal(rc, allowed[from][to] ? 0 : ERR_INTERNAL);
			assert_int_equal(instance.state, allowed[from][to] ? to : from);
		}
	}
	assert_string_equal(error.text, "the instance \"db\" cannot go from removal-failed to removal-failed");
}

static void test_check_name(void **state)
{
	static const char *const good[] = {"ab", "A-", "a_b-C9", "plans1", "Plans"};
	static const char *const bad[] = {"",    "a",   "1a", "-a",    "_a",     "a b", "a.b",
	                                  "a/b", "a\n", "aé", "plans", "ab\x7f", "a%",  "éa"};
	char name[INSTANCE_NAME_MAX + 2];
	struct error error = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_int_equal(instance_check_name(good[i], &error), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(instance_check_name(bad[i], &error), ERR_INVALID);
	memset(name, 'n', sizeof(name));
	name[INSTANCE_NAME_MAX + 1] = '\0';
	assert_int_equal(instance_check_name(name, &error), ERR_INVALID);
	name[INSTANCE_NAME_MAX] = '\0';
	assert_int_equal(instance_check_name(name, &error), 0);
}

/* A rule that spoke of letters only would be true of "a", too. */
static void test_the_sentence_is_the_rule(void **state)
{
	static const char *const bad[] = {"a", "1a", "a b"};
	struct error error = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(instance_check_name(bad[i], &error), ERR_INVALID);
		assert_non_null(strstr(error.text, "a name is 2 to 200 letters, digits, - or _, the first "));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_random_round_trips),
	    cmocka_unit_test(test_hostile),
	    cmocka_unit_test(test_encode_refuses),
	    cmocka_unit_test(test_encode_without_room),
	    cmocka_unit_test(test_decode_refuses),
	    cmocka_unit_test(test_moves),
	    cmocka_unit_test(test_the_time_of_the_removal),
	    cmocka_unit_test(test_check_name),
	    cmocka_unit_test(test_the_sentence_is_the_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
