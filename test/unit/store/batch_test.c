/* What a batch means: preconditions, atomicity, counters, limits. */
#include "harness.h"

#include "store/store_internal.h"

/* The linker sends the store's calls here. */
void *__wrap_calloc(size_t count, size_t size);
void *__real_calloc(size_t count, size_t size);

static bool memory_is_out;

void *__wrap_calloc(size_t count, size_t size)
{
	return memory_is_out ? NULL : __real_calloc(count, size);
}

static struct outcome put_at(struct fixture *fixture, const char *key, const char *value, uint64_t base)
{
	struct batch *batch = batch_new(fixture->store);

	put_text(batch, key, value, base);
	return commit(fixture, batch);
}

static struct outcome delete_at(struct fixture *fixture, const char *key, uint64_t base)
{
	struct batch *batch = batch_new(fixture->store);

	batch_delete(batch, KEYSPACE_INSTANCES, key, strlen(key), base);
	return commit(fixture, batch);
}

static struct outcome check_at(struct fixture *fixture, const char *key, uint64_t base)
{
	struct batch *batch = batch_new(fixture->store);

	batch_check(batch, KEYSPACE_INSTANCES, key, strlen(key), base);
	put_text(batch, "checked", "yes", REVISION_ANY);
	return commit(fixture, batch);
}

static void assert_stale(struct outcome outcome)
{
	assert_int_equal(outcome.code, ERR_STALE);
	assert_int_equal(outcome.error.code, ERR_STALE);
	assert_non_null(strstr(outcome.error.text, "\"instances\""));
	assert_int_equal(outcome.revision, 0);
}

static void test_put_on_its_base(void **state)
{
	struct fixture *fixture = opened(state);
	struct outcome first = put_at(fixture, "key", "1", REVISION_ABSENT), second;
	struct store_value value;

	assert_int_equal(first.code, 0);
	assert_stale(put_at(fixture, "key", "x", REVISION_ABSENT));
	assert_stale(put_at(fixture, "key", "x", first.revision + 1));
	assert_stale(put_at(fixture, "none", "x", first.revision));
	assert_text(fixture, "key", "1");
	assert_absent(fixture, "none");

	second = put_at(fixture, "key", "2", first.revision);
	assert_int_equal(second.code, 0);
	assert_int_equal(get_text(fixture, "key", &value), 0);
	assert_int_equal(value.revision, second.revision);
	assert_true(second.revision > first.revision);
	assert_stale(put_at(fixture, "key", "x", first.revision));
	assert_text(fixture, "key", "2");
}

static void test_delete_on_its_base(void **state)
{
	struct fixture *fixture = opened(state);
	const uint64_t revision = store_text(fixture, "key", "1");

	assert_stale(delete_at(fixture, "key", revision + 1));
	assert_stale(delete_at(fixture, "key", REVISION_ABSENT));
	assert_text(fixture, "key", "1");
	assert_int_equal(delete_at(fixture, "key", revision).code, 0);
	assert_absent(fixture, "key");
	assert_stale(delete_at(fixture, "key", revision));
	assert_int_equal(delete_at(fixture, "key", REVISION_ANY).code, 0);
	assert_int_equal(delete_at(fixture, "key", REVISION_ABSENT).code, 0);
}

static void test_check(void **state)
{
	struct fixture *fixture = opened(state);
	const uint64_t revision = store_text(fixture, "key", "1");

	assert_stale(check_at(fixture, "key", REVISION_ABSENT));
	assert_stale(check_at(fixture, "none", revision));
	assert_absent(fixture, "checked");
	assert_int_equal(check_at(fixture, "key", revision).code, 0);
	assert_text(fixture, "checked", "yes");
	assert_int_equal(check_at(fixture, "none", REVISION_ABSENT).code, 0);
	assert_absent(fixture, "none");
}

static void test_one_stale_item_stops_all(void **state)
{
	struct fixture *fixture = opened(state);
	struct batch *batch;

	store_text(fixture, "kept", "old");
	batch = batch_new(fixture->store);
	put_text(batch, "kept", "new", REVISION_ANY);
	batch_add(batch, "count", 1);
	batch_delete(batch, KEYSPACE_INSTANCES, "kept", 4, REVISION_ANY);
	put_text(batch, "last", "x", 12345);
	assert_stale(commit(fixture, batch));
	assert_text(fixture, "kept", "old");
	assert_int_equal(store_counter(fixture->store, "count"), 0);
}

static void test_items_meet_the_state_before(void **state)
{
	struct fixture *fixture = opened(state);
	struct batch *batch = batch_new(fixture->store);
	struct store_value one, two;
	struct outcome outcome;

	put_text(batch, "one", "first", REVISION_ABSENT);
	put_text(batch, "one", "last", REVISION_ABSENT);
	put_text(batch, "two", "gone", REVISION_ANY);
	batch_delete(batch, KEYSPACE_INSTANCES, "two", 3, REVISION_ABSENT);
	put_text(batch, "three", "3", REVISION_ANY);
	outcome = commit(fixture, batch);
	assert_int_equal(outcome.code, 0);
	assert_text(fixture, "one", "last");
	assert_absent(fixture, "two");
	assert_int_equal(get_text(fixture, "one", &one), 0);
	assert_int_equal(get_text(fixture, "three", &two), 0);
	assert_int_equal(one.revision, outcome.revision);
	assert_int_equal(two.revision, outcome.revision);
}

static void add(struct fixture *fixture, const char *counter, int64_t delta, int64_t wanted)
{
	struct batch *batch = batch_new(fixture->store);

	batch_add(batch, counter, delta);
	assert_int_equal(commit(fixture, batch).code, 0);
	assert_int_equal(store_counter(fixture->store, counter), wanted);
}

static void test_counters(void **state)
{
	struct fixture *fixture = opened(state);
	struct store_value value;
	struct batch *batch;

	assert_int_equal(store_counter(fixture->store, "servers/main"), 0);
	add(fixture, "servers/main", 2, 2);
	add(fixture, "servers/main", 3, 5);
	add(fixture, "servers/other", -4, -4);
	batch = batch_new(fixture->store);
	batch_add(batch, "servers/main", -1);
	batch_add(batch, "servers/main", -1);
	assert_int_equal(commit(fixture, batch).code, 0);
	assert_int_equal(store_counter(fixture->store, "servers/main"), 3);

	fixture_close(fixture);
	fixture_open(fixture, ROOMY);
	add(fixture, "servers/main", -3, 0);
	assert_int_equal(store_get(fixture->store, KEYSPACE_COUNTERS, "servers/main", 12, &value), ERR_NOT_FOUND);
	assert_int_equal(store_counter(fixture->store, "servers/other"), -4);
}

static struct outcome put_sized(struct fixture *fixture, size_t key_length, size_t length)
{
	struct batch *batch = batch_new(fixture->store);
	char *bytes = malloc(STORE_VALUE_MAX + 1);
	struct outcome outcome;

	assert_non_null(bytes);
	memset(bytes, 'b', STORE_VALUE_MAX + 1);
	put_text(batch, "before", "x", REVISION_ANY);
	batch_put(batch, KEYSPACE_INSTANCES, bytes, key_length, bytes, length, REVISION_ANY);
	put_text(batch, "behind", "x", REVISION_ANY);
	outcome = commit(fixture, batch);
	free(bytes);
	return outcome;
}

static void test_limits_stick(void **state)
{
	struct fixture *fixture = opened(state);
	struct outcome outcome = put_sized(fixture, STORE_KEY_MAX + 1, 1);

	assert_int_equal(outcome.code, ERR_TOO_LARGE);
	assert_non_null(strstr(outcome.error.text, "\"instances\""));
	assert_int_equal(put_sized(fixture, 0, 1).code, ERR_TOO_LARGE);
	assert_int_equal(put_sized(fixture, 1, STORE_VALUE_MAX + 1).code, ERR_TOO_LARGE);
	assert_absent(fixture, "before");
	assert_absent(fixture, "behind");
	assert_int_equal(put_sized(fixture, STORE_KEY_MAX, STORE_VALUE_MAX).code, 0);
	assert_text(fixture, "behind", "x");
}

static void test_batch_has_a_ceiling(void **state)
{
	struct fixture *fixture = opened(state);
	struct batch *batch = batch_new(fixture->store);
	char *bytes = calloc(1, STORE_VALUE_MAX);

	assert_non_null(bytes);
	for (size_t i = 0; i < STORE_BATCH_MAX / STORE_VALUE_MAX; i++)
		batch_put(batch, KEYSPACE_INSTANCES, &i, sizeof(i), bytes, STORE_VALUE_MAX, REVISION_ANY);
	free(bytes);
	assert_int_equal(commit(fixture, batch).code, ERR_TOO_LARGE);
}

static void test_empty_and_dropped(void **state)
{
	struct fixture *fixture = opened(state);
	struct batch *batch = batch_new(fixture->store);

	put_text(batch, "dropped", "x", REVISION_ANY);
	batch_free(batch);
	assert_int_equal(commit(fixture, batch_new(fixture->store)).code, 0);
	assert_absent(fixture, "dropped");
}

static void test_batches_without_memory(void **state)
{
	struct fixture *fixture = opened(state);
	struct outcome outcomes[SPARE_BATCHES] = {0};
	struct store *store;
	struct error error;

	/* Twice: the ones set aside come back. */
	for (size_t round = 0; round < 2; round++) {
		memset(outcomes, 0, sizeof(outcomes));
		memory_is_out = true;
		for (size_t i = 0; i < SPARE_BATCHES; i++) {
			struct batch *batch = batch_new(fixture->store);

			put_text(batch, "key", "value", REVISION_ANY);
			batch_commit(batch, on_outcome, &outcomes[i]);
		}
		memory_is_out = false;
		await(fixture, &outcomes[SPARE_BATCHES - 1]);
		for (size_t i = 0; i < SPARE_BATCHES; i++)
			assert_int_equal(outcomes[i].code, ERR_NO_MEMORY);
	}
	assert_absent(fixture, "key");
	store_text(fixture, "key", "value");

	memory_is_out = true;
	assert_int_equal(store_open(&(struct store_options){.directory = "x"}, &store, &error), ERR_NO_MEMORY);
	memory_is_out = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    store_case(test_put_on_its_base),
	    store_case(test_delete_on_its_base),
	    store_case(test_check),
	    store_case(test_one_stale_item_stops_all),
	    store_case(test_items_meet_the_state_before),
	    store_case(test_counters),
	    store_case(test_limits_stick),
	    store_case(test_batch_has_a_ceiling),
	    store_case(test_empty_and_dropped),
	    store_case(test_batches_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
