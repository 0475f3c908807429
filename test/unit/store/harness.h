/* What the store's tests share: a store in a temporary directory, driven by a loop of its own. With STORE_URL in the
 * environment its records are in a PostgreSQL database, in the schema "tsuru_broker", which each test finds empty. */
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

#include <libpq-fe.h>

#include "store/store.h"

#define ROOMY ((int64_t)1 << 30)

struct fixture {
	char directory[256];
	struct event_base *base;
	struct store *store;
	struct store_shared shared; /* url NULL: LMDB alone */
};

/* What a batch's completion said. */
struct outcome {
	int calls;
	int code;
	struct error error;
	uint64_t revision;
};

static inline void run_on(PGconn *connection, const char *statement)
{
	PGresult *result = PQexec(connection, statement);

	if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", statement, PQerrorMessage(connection));
	PQclear(result);
}

/* Runs a statement on the shared store's database. */
static inline void run_sql(const char *url, const char *statement)
{
	PGconn *connection = PQconnectdb(url);

	run_on(connection, statement);
	PQfinish(connection);
}

/* Whether somebody waits for a lock that another session has. */
static inline bool is_lock_awaited(PGconn *connection)
{
	PGresult *result = PQexec(connection, "SELECT 1 FROM pg_locks WHERE NOT granted");
	int waiting;

	assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
	waiting = PQntuples(result);
	PQclear(result);
	return waiting > 0;
}

static inline bool is_shared(const struct fixture *fixture)
{
	return fixture->shared.url != NULL;
}

static inline int fixture_setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	const char *parent = getenv("TMPDIR");

	assert_non_null(fixture);
	snprintf(fixture->directory, sizeof(fixture->directory), "%s/store-XXXXXX", parent ? parent : "/tmp");
	assert_non_null(mkdtemp(fixture->directory));
	fixture->base = event_base_new();
	assert_non_null(fixture->base);
	fixture->shared = (struct store_shared){
	    .url = getenv("STORE_URL"), .name = "test", .version = "1", .address = "", .lease = 60000, .notify = true};
	if (is_shared(fixture))
		run_sql(fixture->shared.url,
		        "SET client_min_messages = error; DROP SCHEMA IF EXISTS tsuru_broker CASCADE");
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
	remove_file(fixture, "view");
	assert_int_equal(rmdir(fixture->directory), 0);
	free(fixture);
	return 0;
}

static inline int fixture_try_open(struct fixture *fixture, int64_t size_max, struct error *error)
{
	const struct store_options options = {.directory = fixture->directory,
	                                      .size_max = size_max,
	                                      .base = fixture->base,
	                                      .shared = is_shared(fixture) ? &fixture->shared : NULL};

	return store_open(&options, &fixture->store, error);
}

/* Runs the loop until the store is in that role. */
static inline void await_role(struct fixture *fixture, enum store_role role)
{
	while (store_standing(fixture->store)->role != role)
		event_base_loop(fixture->base, EVLOOP_ONCE);
}

static inline void fixture_open(struct fixture *fixture, int64_t size_max)
{
	struct error error = {0};

	if (fixture_try_open(fixture, size_max, &error) != 0)
		fail_msg("%s", error.text);
	if (is_shared(fixture))
		await_role(fixture, STORE_ACTIVE);
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
	if (outcome.code != 0)
		fail_msg("%s", outcome.error.text);
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
