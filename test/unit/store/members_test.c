/* What brokers that share a store tell of themselves, and what each sees in it. Needs STORE_URL, as
 * test/integration/store_postgres_test.c sets it. */
#include "beside.h"

#include "base/timer.h"
#include "clock.h"
#include "store/members.h"

#define GONE_MS 15000 /* src/store/members.c */

typedef bool holds(const struct store_members *members);

/* One turn of the loop, or 20 ms without one. */
static void turn(struct fixture *fixture)
{
	const struct timeval moment = {.tv_usec = 20 * 1000};

	event_base_loopexit(fixture->base, &moment);
	event_base_dispatch(fixture->base);
}

static void await_members(struct fixture *fixture, holds *holds_of)
{
	while (!holds_of(store_members(fixture->store)))
		turn(fixture);
}

/* Until the list was read so many times more. */
static void await_looks(struct fixture *fixture, uint64_t count)
{
	const uint64_t wanted = store_members(fixture->store)->looks + count;

	while (store_members(fixture->store)->looks < wanted)
		turn(fixture);
}

static const struct store_member *find(struct fixture *fixture, const char *name)
{
	const struct store_members *members = store_members(fixture->store);

	for (size_t i = 0; i < members->count; i++)
		if (strcmp(members->items[i].name, name) == 0)
			return &members->items[i];
	return NULL;
}

/* A row as another broker leaves it, whose role is older than that of any broker here; told: how long ago. */
static void insert(struct fixture *fixture, const char *name, const char *role, const char *told)
{
	char statement[512];

	snprintf(statement, sizeof(statement),
	         "INSERT INTO tsuru_broker.replica SELECT sha256('%s'::bytea), '%s', '%s', t - interval '1 hour', 0, "
	         "0, '1', '', t, t"
	         " FROM (SELECT now() - interval '%s' AS t) moment",
	         told, name, role, told);
	run_sql(fixture->shared.url, statement);
}

static bool has_none(const struct store_members *members)
{
	return members->looks > 0 && members->count == 1;
}

static bool has_two(const struct store_members *members)
{
	return members->count == 2;
}

/* ---- tests ---- */

static void test_each_sees_all(void **state)
{
	struct fixture *first = opened(state), second;
	const struct store_member *member;
	uint64_t revision;

	assert_int_equal(store_members(first->store)->looks, 0);
	open_beside(first, &second);
	revision = store_text(first, "one", "1");
	await_members(first, has_two);
	await_members(&second, has_two);
	await_looks(&second, 2); /* both have told again */
	await_looks(first, 1);
	member = find(first, "test");
	assert_true(member->is_self);
	assert_int_equal(member->role, STORE_ACTIVE);
	assert_string_equal(member->version, "1");
	assert_int_equal(member->revision, revision);
	assert_int_equal(member->behind, 0);
	assert_ptr_equal(members_self(store_members(first->store)), member);
	assert_ptr_equal(members_standby(store_members(first->store)), find(first, "second"));
	member = find(first, "second");
	assert_false(member->is_self || member->is_gone || member->is_double || member->differs);
	assert_int_equal(member->role, STORE_STANDBY);
	assert_int_equal(member->revision, revision);
	assert_true(member->told < GONE_MS && member->told <= member->since && member->since <= member->began);
	assert_int_equal(find(&second, "test")->role, STORE_ACTIVE);
	assert_true(find(&second, "second")->is_self);
	assert_null(members_standby(store_members(second.store)));

	/* Who leaves is in no list any more. */
	second_teardown(&second);
	await_members(first, has_none);
	assert_null(members_standby(store_members(first->store)));
}

/* A role's time begins with it. */
static void test_a_takeover_is_seen(void **state)
{
	struct fixture *first = opened(state), second;

	open_beside(first, &second);
	await_looks(&second, 2);
	assert_int_equal(find(&second, "second")->role, STORE_STANDBY);
	fixture_close(first);
	await_role(&second, STORE_ACTIVE);
	while (find(&second, "second")->role != STORE_ACTIVE)
		turn(&second);
	assert_true(find(&second, "second")->since < find(&second, "second")->began);
	second_teardown(&second);
}

/* A killed one stays in the list for a while, and is neither the active one nor one that could take over. */
#define LOOKS    8
#define LOOKS_US ((int64_t)12 * 1000 * 1000) /* in which three seconds come four times */

/* Roles change together: whoever has just become the active one soon reads who stands by now. */
static void test_a_new_role_is_told_in_a_hurry(void **state)
{
	struct fixture *fixture = opened(state);
	const int64_t began = timers_clock();

	await_looks(fixture, LOOKS);
	assert_true(timers_clock() - began < LOOKS_US);
}

static void test_one_that_tells_nothing_is_gone(void **state)
{
	struct fixture *fixture = opened(state);

	await_looks(fixture, 1);
	insert(fixture, "asleep", "standby", "20 seconds");
	insert(fixture, "old", "standby", "2 hours");
	insert(fixture, "test", "active", "2 minutes");
	insert(fixture, "test", "active", "30 seconds");
	await_looks(fixture, 3); /* one may have been under way, and the check of the standbys counts as one */
	insert(fixture, "killed", "active", "1 second");
	while (find(fixture, "killed") == NULL) /* and is not gone before it was there for a while */
		turn(fixture);
	assert_int_equal(find(fixture, "killed")->role, STORE_DEPOSED);
	assert_false(find(fixture, "killed")->is_gone);
	assert_true(find(fixture, "asleep")->is_gone);
	assert_null(members_standby(store_members(fixture->store)));
	assert_null(find(fixture, "old"));
	for (size_t i = 0; i < store_members(fixture->store)->count; i++) /* an earlier life has taken nobody's name */
		assert_false(store_members(fixture->store)->items[i].is_double);
	assert_int_equal(store_members(fixture->store)->count,
	                 4); /* with this one, and the later of its earlier lives */
}

static bool warns_of_name(const struct store_members *members)
{
	return members->warns[STORE_WARNING_NAME];
}

/* Whoever may write in the database may write what no broker does. */
static void test_a_name_that_is_too_long_is_cut(void **state)
{
	struct fixture *fixture = opened(state);
	char written[2 * (STORE_NAME_MAX + 1) + 1], read[STORE_NAME_MAX + 1];

	for (size_t i = 0; i < STORE_NAME_MAX + 1; i++)
		strcpy(written + 2 * i, "\u00e9"); /* two bytes */
	snprintf(read, sizeof(read), "%.*s", STORE_NAME_MAX / 2 * 2, written);
	await_members(fixture, has_none);
	insert(fixture, written, "standby", "1 second");
	await_members(fixture, has_two);
	assert_non_null(find(fixture, read));
}

static void test_two_of_one_name_are_told(void **state)
{
	struct fixture *first = opened(state), second;
	char text[ERROR_TEXT_MAX];

	await_looks(first, 1);
	second_setup(first, &second);
	second.shared.name = "test";
	assert_int_equal(fixture_try_open(&second, ROOMY, NULL), 0);
	await_members(first, warns_of_name);
	await_members(&second, warns_of_name);
	store_warning_text(store_members(first->store), STORE_WARNING_NAME, text, sizeof(text));
	assert_non_null(strstr(text, "\"test\""));
	assert_string_equal(store_warning_name(STORE_WARNING_NAME), "replica-name-taken");
	second_teardown(&second);
	while (warns_of_name(store_members(first->store)))
		turn(first);
	store_warning_text(store_members(first->store), STORE_WARNING_NAME, text, sizeof(text));
	assert_string_equal(text, "");
}

/* What a broker has told before it was killed and started again is not another's. */
static void test_an_earlier_life_is_nobody_else(void **state)
{
	struct fixture *fixture = opened(state);

	fixture_close(fixture);
	insert(fixture, "test", "active", "1 second");
	fixture_open(fixture, ROOMY);
	await_members(fixture, has_two);
	await_looks(fixture, 2);
	assert_false(warns_of_name(store_members(fixture->store)));
}

static bool warns_of_configuration(const struct store_members *members)
{
	return members->warns[STORE_WARNING_CONFIGURATION];
}

static void test_configurations_that_differ_are_told(void **state)
{
	struct fixture *first = opened(state), second;
	char text[ERROR_TEXT_MAX];

	store_describe(first->store, "aaaa");
	open_beside(first, &second);
	await_looks(&second, 2);
	assert_false(warns_of_configuration(store_members(second.store))); /* it has told none yet */
	store_describe(second.store, "bbbb");
	await_members(first, warns_of_configuration);
	await_members(&second, warns_of_configuration);
	assert_true(find(first, "second")->differs);
	assert_false(find(first, "test")->differs);
	store_warning_text(store_members(first->store), STORE_WARNING_CONFIGURATION, text, sizeof(text));
	assert_string_equal(text, "\"second\": not the configuration of the active broker, \"test\"");
	store_describe(second.store, "aaaa");
	while (warns_of_configuration(store_members(first->store)) ||
	       warns_of_configuration(store_members(second.store))) {
		turn(first);
		turn(&second);
	}
	second_teardown(&second);
}

/* Programs of two versions may make other hashes of one file. */
static void test_versions_that_differ_are_not_compared(void **state)
{
	struct fixture *first = opened(state), second;

	store_describe(first->store, "aaaa");
	second_setup(first, &second);
	second.shared.version = "2";
	assert_int_equal(fixture_try_open(&second, ROOMY, NULL), 0);
	store_describe(second.store, "bbbb");
	await_looks(&second, 3);
	assert_string_equal(find(&second, "test")->configuration, "aaaa");
	assert_string_equal(find(&second, "second")->configuration, "bbbb");
	assert_false(warns_of_configuration(store_members(second.store)));
	second_teardown(&second);
}

static bool has_trouble(const struct store_members *members)
{
	return members->trouble.code != 0;
}

static void test_a_missing_right_is_told(void **state)
{
	struct fixture *fixture = opened(state);

	await_looks(fixture, 1);
	run_sql(fixture->shared.url, "REVOKE ALL ON tsuru_broker.replica FROM current_user");
	await_members(fixture, has_trouble);
	assert_non_null(strstr(store_members(fixture->store)->trouble.text, "replica"));
	store_text(fixture, "one", "1");
	run_sql(fixture->shared.url, "GRANT ALL ON tsuru_broker.replica TO current_user");
	while (has_trouble(store_members(fixture->store)))
		turn(fixture);
	assert_int_equal(store_members(fixture->store)->count, 1);
}

/* Neither the lease nor a commit waits for what is told. */
static void test_nothing_waits_for_the_telling(void **state)
{
	struct fixture *fixture = *state;
	PGconn *holder;
	int64_t leased;

	fixture->shared.lease = 12000;
	fixture_open(fixture, ROOMY);
	await_looks(fixture, 1);
	holder = PQconnectdb(fixture->shared.url);
	run_on(holder,
	       "SET idle_in_transaction_session_timeout = '60s'"); /* what waits for it after all ends, and fails */
	run_on(holder, "BEGIN");
	run_on(holder, "LOCK TABLE tsuru_broker.replica");
	while (!is_lock_awaited(holder))
		turn(fixture);
	store_text(fixture, "one", "1");
	leased = store_leased_until(fixture->store);
	while (store_leased_until(fixture->store) <= leased)
		turn(fixture);
	store_text(fixture, "two", "2");
	run_on(holder, "COMMIT");
	PQfinish(holder);
	assert_int_equal(store_standing(fixture->store)->role, STORE_ACTIVE);
	await_looks(fixture, 1); /* and it is told again */
}

static void limit_connections(PGconn *connection, int limit)
{
	char statement[128];

	snprintf(statement, sizeof(statement), "ALTER DATABASE \"%s\" CONNECTION LIMIT %d", PQdb(connection), limit);
	run_on(connection, statement);
}

/* The other connections are there already, so nothing else tells that there is not one for this. */
static void test_a_missing_connection_is_told(void **state)
{
	struct fixture *fixture = opened(state);
	PGconn *connection = PQconnectdb(fixture->shared.url);

	await_looks(fixture, 1);
	limit_connections(connection, 1);
	run_on(connection, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
	                   " AND pid <> pg_backend_pid() AND query ~ 'tsuru_broker.replica|pg_stat_replication'");
	await_members(fixture, has_trouble);
	limit_connections(connection, -1);
	PQfinish(connection);
	assert_non_null(strstr(store_members(fixture->store)->trouble.text, "too many connections"));
	store_text(fixture, "one", "1");
	while (has_trouble(store_members(fixture->store)))
		turn(fixture);
}

/* The schema of the version before: without that table. */
static void test_an_earlier_schema_is_completed(void **state)
{
	struct fixture *first = opened(state), second;

	store_text(first, "one", "1");
	fixture_close(first);
	run_sql(first->shared.url, "DROP TABLE tsuru_broker.replica");
	second_setup(first, &second);
	assert_int_equal(fixture_try_open(&second, ROOMY, NULL), 0);
	assert_int_equal(fixture_try_open(first, ROOMY, NULL), 0);
	await_members(first, has_two);
	await_members(&second, has_two);
	assert_text(first, "one", "1");
	second_teardown(&second);
}

#define HOUR_US ((int64_t)3600 * 1000 * 1000)

static bool has_asked(const struct store_members *members)
{
	return members->checks > 0;
}

static bool has_asked_again(const struct store_members *members)
{
	return members->checks > 1;
}

/* Whether the database has standbys, and any that commits wait for, the active one asks once an hour. */
static void test_the_database_is_asked_each_hour(void **state)
{
	struct fixture *first = *state, second;

	first->shared.lease = 3 * HOUR_US / 1000;
	fixture_open(first, ROOMY);
	open_beside(first, &second);
	await_members(first, has_asked);
	await_looks(first, 2);
	assert_int_equal(store_members(first->store)->checks, 1);
	clock_suspend(HOUR_US - HOUR_US / 10); /* nothing is asked at this moment: a list was read */
	await_looks(first, 2);
	assert_int_equal(store_members(first->store)->checks, 1);
	clock_suspend(HOUR_US / 10);
	await_members(first, has_asked_again);
	await_looks(first, 2);
	assert_int_equal(store_members(first->store)->checks, 2);
	await_looks(&second, 2);
	assert_int_equal(store_members(second.store)->checks, 0);
	assert_int_equal(store_standing(first->store)->role, STORE_ACTIVE);
	second_teardown(&second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    store_case(test_each_sees_all),
	    store_case(test_a_takeover_is_seen),
	    store_case(test_a_new_role_is_told_in_a_hurry),
	    store_case(test_one_that_tells_nothing_is_gone),
	    store_case(test_a_name_that_is_too_long_is_cut),
	    store_case(test_two_of_one_name_are_told),
	    store_case(test_an_earlier_life_is_nobody_else),
	    store_case(test_configurations_that_differ_are_told),
	    store_case(test_versions_that_differ_are_not_compared),
	    store_case(test_nothing_waits_for_the_telling),
	    store_case(test_a_missing_right_is_told),
	    store_case(test_a_missing_connection_is_told),
	    store_case(test_an_earlier_schema_is_completed),
	    store_case(test_the_database_is_asked_each_hour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
