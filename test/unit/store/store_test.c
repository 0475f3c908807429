/* Opening, closing and reading: the directory and its lock, formats, get and scan. */
#include "harness.h"

#include <fcntl.h>
#include <sys/stat.h>

static mode_t mode_of(const struct fixture *fixture, const char *name)
{
	struct stat stat_;
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", fixture->directory, name);
	assert_int_equal(stat(path, &stat_), 0);
	return stat_.st_mode & 0777;
}

static void test_directory_is_made_private(void **state)
{
	struct fixture *fixture = *state;
	const mode_t before = umask(0);

	assert_int_equal(rmdir(fixture->directory), 0);
	fixture_open(fixture, ROOMY);
	umask(before);
	assert_int_equal(mode_of(fixture, ""), 0700);
	assert_int_equal(mode_of(fixture, "data.mdb"), 0600);
	assert_int_equal(mode_of(fixture, "lock.mdb"), 0600);
	assert_int_equal(mode_of(fixture, "lock"), 0600);
}

static void test_missing_parent(void **state)
{
	struct fixture *fixture = *state;
	struct store_options options = {.directory = "/nonexistent/store", .size_max = ROOMY, .base = fixture->base};
	struct store *store = NULL;
	struct error error = {0};

	assert_int_equal(store_open(&options, &store, &error), ERR_INTERNAL);
	assert_null(store);
	assert_non_null(strstr(error.text, "\"/nonexistent/store\""));
}

static void test_second_opener_is_refused(void **state)
{
	struct fixture *fixture = opened(state);
	struct fixture other = *fixture;
	struct error error = {0};

	other.store = NULL;
	assert_int_equal(fixture_try_open(&other, ROOMY, &error), ERR_BUSY);
	assert_null(other.store);
	assert_non_null(strstr(error.text, fixture->directory));

	/* The refusal left the first one's lock alone, and closing gives it up. */
	store_text(fixture, "key", "value");
	assert_int_equal(fixture_try_open(&other, ROOMY, &error), ERR_BUSY);
	fixture_close(fixture);
	fixture_open(fixture, ROOMY);
	assert_text(fixture, "key", "value");
}

static void close_with_format(struct fixture *fixture, unsigned char format)
{
	const unsigned char bytes[8] = {format};
	struct batch *batch = batch_new(fixture->store);

	batch_put(batch, KEYSPACE_META, "store.format", strlen("store.format"), bytes, sizeof(bytes), REVISION_ANY);
	assert_int_equal(commit(fixture, batch).code, 0);
	fixture_close(fixture);
}

static unsigned char format_of(struct fixture *fixture)
{
	struct store_value value = {0};

	assert_int_equal(store_get(fixture->store, KEYSPACE_META, "store.format", strlen("store.format"), &value), 0);
	assert_int_equal(value.length, 8);
	return *(const unsigned char *)value.bytes;
}

/* An earlier program refuses it from then on: it would not know this one's records. */
static void test_earlier_format_becomes_the_present_one(void **state)
{
	struct fixture *fixture = opened(state);
	const unsigned char present = format_of(fixture);

	store_text(fixture, "key", "value");
	close_with_format(fixture, 1);
	fixture_open(fixture, ROOMY);
	assert_int_equal(format_of(fixture), present);
	assert_text(fixture, "key", "value");
	assert_in_range(present, 2, 255);
}

/* A view is made afresh: its records are elsewhere. */
static void test_newer_format_is_refused(void **state)
{
	struct fixture *fixture = opened(state);
	struct error error = {0};

	store_text(fixture, "key", "value");
	close_with_format(fixture, (unsigned char)(format_of(fixture) + 1));
	if (is_shared(fixture)) {
		fixture_open(fixture, ROOMY);
		assert_text(fixture, "key", "value");
		return;
	}
	assert_int_equal(fixture_try_open(fixture, ROOMY, &error), ERR_CORRUPT);
	assert_non_null(strstr(error.text, "newer tsuru-broker"));
	assert_non_null(strstr(error.text, fixture->directory));
}

static void test_foreign_file_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct error error = {0};
	char path[300], noise[8192];
	int fd;

	snprintf(path, sizeof(path), "%s/data.mdb", fixture->directory);
	memset(noise, 'x', sizeof(noise));
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, noise, sizeof(noise)), sizeof(noise));
	close(fd);
	/* No view is put over what may be somebody's records. */
	assert_int_equal(fixture_try_open(fixture, ROOMY, &error), is_shared(fixture) ? ERR_INVALID : ERR_CORRUPT);
	assert_non_null(strstr(error.text, fixture->directory));
}

static void test_reopen_keeps_all(void **state)
{
	struct fixture *fixture = opened(state);
	const uint64_t first = store_text(fixture, "one", "1");
	const uint64_t second = store_text(fixture, "two", "");
	struct store_value value;

	assert_true(second > first);
	fixture_close(fixture);
	fixture_open(fixture, ROOMY);
	assert_int_equal(get_text(fixture, "one", &value), 0);
	assert_int_equal(value.revision, first);
	assert_text(fixture, "two", "");
	assert_true(store_text(fixture, "three", "3") > second);
}

static void test_get_of_what_cannot_be(void **state)
{
	struct fixture *fixture = opened(state);
	struct store_value value = {.length = 7};
	char key[STORE_KEY_MAX + 100];

	memset(key, 'k', sizeof(key));
	assert_int_equal(store_get(fixture->store, KEYSPACE_NAMES, key, 0, &value), ERR_NOT_FOUND);
	assert_int_equal(store_get(fixture->store, KEYSPACE_NAMES, key, STORE_KEY_MAX, &value), ERR_NOT_FOUND);
	assert_int_equal(store_get(fixture->store, KEYSPACE_NAMES, key, sizeof(key), &value), ERR_NOT_FOUND);
	assert_int_equal(value.length, 7);
}

static void test_keyspaces_are_apart(void **state)
{
	struct fixture *fixture = opened(state);
	struct store_value value;

	for (unsigned i = 0; i < KEYSPACE_COUNT; i++) {
		struct batch *batch = batch_new(fixture->store);

		if (i == KEYSPACE_COUNTERS)
			batch_add(batch, "key", i);
		else
			batch_put(batch, i, "key", 3, &i, sizeof(i), REVISION_ABSENT);
		assert_int_equal(commit(fixture, batch).code, 0);
	}
	for (unsigned i = 0; i < KEYSPACE_COUNT; i++) {
		assert_int_equal(store_get(fixture->store, i, "key", 3, &value), 0);
		assert_memory_equal(value.bytes, &i, sizeof(i));
	}
}

/* ---- scans ---- */

struct seen {
	struct fixture *fixture;
	char keys[256]; /* each followed by a space; NUL shown as '0' */
	size_t limit;
	size_t count;
};

static bool on_record(void *arg, const void *key, size_t key_length, const struct store_value *value)
{
	struct seen *seen = arg;
	const size_t used = strlen(seen->keys);
	struct store_value again;

	/* A visitor may read. */
	assert_int_equal(store_get(seen->fixture->store, KEYSPACE_NAMES, key, key_length, &again), 0);
	assert_ptr_equal(again.bytes, value->bytes);
	for (size_t i = 0; i < key_length; i++)
		seen->keys[used + i] = ((const char *)key)[i] == '\0' ? '0' : ((const char *)key)[i];
	seen->keys[used + key_length] = ' ';
	return ++seen->count != seen->limit;
}

static void assert_scan(struct fixture *fixture, const char *prefix, size_t prefix_length, const char *after,
                        size_t limit, const char *wanted)
{
	struct seen seen = {.fixture = fixture, .limit = limit};
	const size_t after_length = after == NULL ? 0 : strlen(after);

	assert_int_equal(
	    store_scan(fixture->store, KEYSPACE_NAMES, prefix, prefix_length, after, after_length, on_record, &seen),
	    0);
	assert_string_equal(seen.keys, wanted);
}

static void test_scan(void **state)
{
	static const struct {
		const char *key;
		size_t length;
	} keys[] = {{"b", 1}, {"a", 1}, {"ab", 2}, {"ab\0x", 4}, {"ab\0y", 4}, {"abc", 3}, {"\xff\xff", 2}};
	struct fixture *fixture = opened(state);
	struct batch *batch = batch_new(fixture->store);
	char beyond[STORE_KEY_MAX + 100];

	assert_scan(fixture, NULL, 0, NULL, 0, "");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		batch_put(batch, KEYSPACE_NAMES, keys[i].key, keys[i].length, "v", 1, REVISION_ABSENT);
	assert_int_equal(commit(fixture, batch).code, 0);

	assert_scan(fixture, NULL, 0, NULL, 0, "a ab ab0x ab0y abc b \xff\xff ");
	assert_scan(fixture, "ab", 2, NULL, 0, "ab ab0x ab0y abc ");
	assert_scan(fixture, "ab\0", 3, NULL, 0, "ab0x ab0y ");
	assert_scan(fixture, "\xff", 1, NULL, 0, "\xff\xff ");
	assert_scan(fixture, "c", 1, NULL, 0, "");
	assert_scan(fixture, NULL, 0, NULL, 2, "a ab ");
	assert_scan(fixture, "ab", 2, "ab", 0, "ab0x ab0y abc ");   /* a key that exists */
	assert_scan(fixture, "ab", 2, "aba", 0, "abc ");            /* one that does not */
	assert_scan(fixture, "ab", 2, "a", 0, "ab ab0x ab0y abc "); /* below the prefix */
	assert_scan(fixture, "ab", 2, "b", 0, "");                  /* beyond it */
	assert_scan(fixture, NULL, 0, "", 0, "a ab ab0x ab0y abc b \xff\xff ");
	assert_scan(fixture, NULL, 0, "\xff\xff", 0, "");

	/* Marks and prefixes come from outside, of any length. */
	memset(beyond, 'a', sizeof(beyond));
	beyond[sizeof(beyond) - 1] = '\0';
	assert_scan(fixture, NULL, 0, beyond, 1, "ab ");
	assert_scan(fixture, beyond, sizeof(beyond), NULL, 0, "");
}

static void test_reads_see_one_snapshot_a_turn(void **state)
{
	struct fixture *fixture = opened(state);
	struct store_value before, after;
	struct outcome outcome = {0};
	struct batch *batch;

	store_text(fixture, "key", "old");
	batch = batch_new(fixture->store);
	put_text(batch, "key", "new", REVISION_ANY);
	batch_commit(batch, on_outcome, &outcome);
	assert_int_equal(get_text(fixture, "key", &before), 0);
	assert_int_equal(get_text(fixture, "key", &after), 0);
	assert_ptr_equal(before.bytes, after.bytes);
	await(fixture, &outcome);
	assert_text(fixture, "key", "new");
}

static void test_close_accepts_null(void **state)
{
	(void)state;
	store_close(NULL);
	batch_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    store_case(test_directory_is_made_private),
	    store_case(test_missing_parent),
	    store_case(test_second_opener_is_refused),
	    store_case(test_earlier_format_becomes_the_present_one),
	    store_case(test_newer_format_is_refused),
	    store_case(test_foreign_file_is_refused),
	    store_case(test_reopen_keeps_all),
	    store_case(test_get_of_what_cannot_be),
	    store_case(test_keyspaces_are_apart),
	    store_case(test_scan),
	    store_case(test_reads_see_one_snapshot_a_turn),
	    cmocka_unit_test(test_close_accepts_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
