/* What the store's tests share: a store in a temporary directory, driven by a loop of its own. */
#ifndef STORE_HARNESS_H
#define STORE_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/store.h"

#define ROOMY ((int64_t)1 << 30)

struct fixture {
	char directory[256];
	struct event_base *base;
	struct store *store;
};

/* What a batch's completion said. */
struct outcome {
	int calls;
	int code;
	struct error error;
	uint64_t revision;
};

static inline int fixture_setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	const char *parent = getenv("TMPDIR");

	assert_non_null(fixture);
	snprintf(fixture->directory, sizeof(fixture->directory), "%s/store-XXXXXX", parent ? parent : "/tmp");
	assert_non_null(mkdtemp(fixture->directory));
	fixture->base = event_base_new();
	assert_non_null(fixture->base);
	*state = fixture;
	return 0;
}

static inline void remove_file(const struct fixture *fixture, const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", fixture->directory, name);
	unlink(path);
}

static inline int fixture_teardown(void **state)
{
	struct fixture *fixture = *state;

	store_close(fixture->store);
	event_base_free(fixture->base);
	remove_file(fixture, "data.mdb");
	remove_file(fixture, "lock.mdb");
	remove_file(fixture, "lock");
	assert_int_equal(rmdir(fixture->directory), 0);
	free(fixture);
	return 0;
}

static inline int fixture_try_open(struct fixture *fixture, int64_t size_max, struct error *error)
{
	const struct store_options options = {
	    .directory = fixture->directory, .size_max = size_max, .base = fixture->base};

	return store_open(&options, &fixture->store, error);
}

static inline void fixture_open(struct fixture *fixture, int64_t size_max)
{
	struct error error = {0};

	if (fixture_try_open(fixture, size_max, &error) != 0)
		fail_msg("%s", error.text);
}

static inline void fixture_close(struct fixture *fixture)
{
	store_close(fixture->store);
	fixture->store = NULL;
}

/* A test's first lines: the fixture with an open store. */
static inline struct fixture *opened(void **state)
{
	fixture_open(*state, ROOMY);
	return *state;
}

static inline void on_outcome(void *arg, int code, const struct error *error, uint64_t revision)
{
	struct outcome *outcome = arg;

	outcome->calls++;
	outcome->code = code;
	outcome->error = *error;
	outcome->revision = revision;
}

static inline void await(struct fixture *fixture, const struct outcome *outcome)
{
	while (outcome->calls == 0)
		event_base_loop(fixture->base, EVLOOP_ONCE);
	assert_int_equal(outcome->calls, 1);
}

static inline struct outcome commit(struct fixture *fixture, struct batch *batch)
{
	struct outcome outcome = {0};

	batch_commit(batch, on_outcome, &outcome);
	assert_int_equal(outcome.calls, 0);
	await(fixture, &outcome);
	return outcome;
}

static inline void put_text(struct batch *batch, const char *key, const char *value, uint64_t base)
{
	batch_put(batch, KEYSPACE_INSTANCES, key, strlen(key), value, strlen(value), base);
}

/* Commits one record, which must succeed; returns its revision. */
static inline uint64_t store_text(struct fixture *fixture, const char *key, const char *value)
{
	struct batch *batch = batch_new(fixture->store);
	struct outcome outcome;

	put_text(batch, key, value, REVISION_ANY);
	outcome = commit(fixture, batch);
	assert_int_equal(outcome.code, 0);
	assert_true(outcome.revision > 0);
	return outcome.revision;
}

static inline int get_text(struct fixture *fixture, const char *key, struct store_value *ret_value)
{
	return store_get(fixture->store, KEYSPACE_INSTANCES, key, strlen(key), ret_value);
}

static inline void assert_text(struct fixture *fixture, const char *key, const char *wanted)
{
	struct store_value value;

	assert_int_equal(get_text(fixture, key, &value), 0);
	assert_int_equal(value.length, strlen(wanted));
	assert_memory_equal(value.bytes, wanted, value.length);
}

static inline void assert_absent(struct fixture *fixture, const char *key)
{
	struct store_value value;

	assert_int_equal(get_text(fixture, key, &value), ERR_NOT_FOUND);
}

#define store_case(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

#endif
