/* Several stores on one journal: standing by, following, taking over, being deposed, and answers that get lost. Needs
 * STORE_URL, as test/integration/store_postgres_test.c sets it. */
#include "beside.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/timer.h"
#include "clock.h"

/* Runs the loop until the view has the record. */
static void await_text(struct fixture *fixture, const char *key, const char *wanted)
{
	struct store_value value;

	while (get_text(fixture, key, &value) != 0 || value.length != strlen(wanted) ||
	       memcmp(value.bytes, wanted, value.length) != 0) {
		const struct timeval moment = {.tv_usec = 20 * 1000};

		event_base_loopexit(fixture->base, &moment);
		event_base_dispatch(fixture->base);
	}
}

/* Runs the loop until the store knows that one for the active one; its records may come before its name. */
static void await_active(struct fixture *fixture, const char *name)
{
	while (strcmp(store_standing(fixture->store)->active, name) != 0) {
		const struct timeval moment = {.tv_usec = 20 * 1000};

		event_base_loopexit(fixture->base, &moment);
		event_base_dispatch(fixture->base);
	}
}

static void run_for(struct fixture *fixture, time_t seconds)
{
	const struct timeval time = {.tv_sec = seconds};

	event_base_loopexit(fixture->base, &time);
	event_base_dispatch(fixture->base);
}

static int try_to_write(struct fixture *fixture, const char *key)
{
	struct batch *batch = batch_new(fixture->store);

	put_text(batch, key, "value", REVISION_ANY);
	return commit(fixture, batch).code;
}

/* ---- tests ---- */

static void test_standby_follows_and_takes_over(void **state)
{
	struct fixture *first = opened(state), second;

	open_beside(first, &second);
	store_text(first, "one", "1");
	await_text(&second, "one", "1");
	assert_int_equal(store_standing(second.store)->role, STORE_STANDBY);
	await_active(&second, "test");
	assert_int_equal(try_to_write(&second, "mine"), ERR_UNAVAILABLE);

	/* Who leaves hands over at once. */
	store_text(first, "two", "2");
	fixture_close(first);
	await_role(&second, STORE_ACTIVE);
	assert_text(&second, "two", "2");
	await_active(&second, "second");
	store_text(&second, "three", "3");

	fixture_try_open(first, ROOMY, NULL);
	await_text(first, "three", "3");
	assert_int_equal(store_standing(first->store)->role, STORE_STANDBY);
	second_teardown(&second);
}

static void test_standby_makes_its_view_afresh(void **state)
{
	struct fixture *first = opened(state), second;

	store_text(first, "one", "1");
	store_text(first, "two", "2");
	run_sql(first->shared.url, "DELETE FROM tsuru_broker.log");
	open_beside(first, &second);
	await_text(&second, "one", "1");
	assert_text(&second, "two", "2");
	assert_int_equal(store_standing(second.store)->losses, 0);
	store_text(first, "three", "3");
	await_text(&second, "three", "3");
	second_teardown(&second);
}

static void test_deposed_one_writes_nothing(void **state)
{
	struct fixture *fixture = opened(state);
	struct store_value value;

	store_text(fixture, "one", "1");
	run_sql(fixture->shared.url, "UPDATE tsuru_broker.head SET epoch = epoch + 1, active = 'other'");
	assert_int_equal(try_to_write(fixture, "two"), ERR_UNAVAILABLE);
	await_role(fixture, STORE_DEPOSED);
	assert_int_equal(try_to_write(fixture, "three"), ERR_UNAVAILABLE);
	assert_text(fixture, "one", "1");
	assert_int_equal(get_text(fixture, "two", &value), ERR_NOT_FOUND);
}

/* It follows the other one then, and takes over from it in turn. */
static void test_step_down_hands_over(void **state)
{
	const struct timeval moment = {.tv_usec = 500 * 1000};
	struct fixture *first = *state, second;
	int64_t stepped;

	first->shared.lease = 30000; /* what the first one waits at least until it is the active one again */
	fixture_open(first, ROOMY);
	store_text(first, "one", "1");
	open_beside(first, &second);
	await_text(&second, "one", "1");
	assert_true(store_leased_until(first->store) > timers_clock());
	stepped = timers_clock();
	store_step_down(first->store);
	await_role(first, STORE_DEPOSED);
	assert_true(store_leased_until(first->store) <= 0);
	assert_int_equal(try_to_write(first, "mine"), ERR_UNAVAILABLE);

	/* Not before it has ended what it did as the active one. */
	event_base_loopexit(second.base, &moment);
	event_base_dispatch(second.base);
	assert_int_equal(store_standing(second.store)->role, STORE_STANDBY);
	store_stand_by(first->store);
	await_role(&second, STORE_ACTIVE);
	assert_true(timers_clock() - stepped < first->shared.lease * 1000);
	store_text(&second, "two", "2");

	await_role(first, STORE_STANDBY);
	await_text(first, "two", "2");
	await_active(first, "second");
	second_teardown(&second);
	await_role(first, STORE_ACTIVE);
	store_text(first, "three", "3");
}

/* Nobody else is there: after a lease it is the active one again. */
static void test_step_down_alone(void **state)
{
	struct fixture *fixture = *state;
	int64_t stepped;

	fixture->shared.lease = 2000;
	fixture_open(fixture, ROOMY);
	store_text(fixture, "one", "1");
	stepped = timers_clock();
	store_step_down(fixture->store);
	await_role(fixture, STORE_DEPOSED);
	store_stand_by(fixture->store);
	await_role(fixture, STORE_ACTIVE);
	assert_true(timers_clock() - stepped >= 2000 * 1000);
	store_text(fixture, "two", "2");
}

static void *hold_the_pulse(void *arg)
{
	run_sql(arg, "SELECT 1 FROM tsuru_broker.pulse FOR UPDATE; SELECT pg_sleep(9)");
	return NULL;
}

/* Nothing is renewed after the end of the lease either: otherwise nobody could follow. */
static void test_lease_ends_without_a_renewal(void **state)
{
	struct fixture *fixture = *state, second;
	char *url = strdup(fixture->shared.url);
	pthread_t holder;
	int64_t written;

	fixture->shared.lease = 5000;
	fixture_open(fixture, ROOMY);
	do
		written = timers_clock() / 1000;
	while (written <= store_standing(fixture->store)->seen_at);
	store_text(fixture, "one", "1");
	assert_int_equal(pthread_create(&holder, NULL, hold_the_pulse, url), 0);
	await_role(fixture, STORE_DEPOSED);
	assert_true(store_standing(fixture->store)->seen_at >= written);
	assert_true(store_leased_until(fixture->store) <= 0);
	open_beside(fixture, &second);
	pthread_join(holder, NULL);
	free(url);
	await_role(&second, STORE_ACTIVE);
	assert_text(&second, "one", "1");
	assert_int_equal(try_to_write(fixture, "two"), ERR_UNAVAILABLE);
	second_teardown(&second);
}

#define LONG_MS 60000

/* The milliseconds that the test itself has lived through, since it began with 0. */
static int64_t awake_since(int64_t began)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - began;
}

/* A session that holds the row of that table. */
static PGconn *hold_row(const struct fixture *fixture, const char *statement)
{
	PGconn *holder = PQconnectdb(fixture->shared.url);

	PQclear(PQexec(holder, "BEGIN"));
	PQclear(PQexec(holder, statement));
	assert_int_equal(PQtransactionStatus(holder), PQTRANS_INTRANS);
	return holder;
}

/* Whoever can take over meanwhile has a clock that goes on. */
static void test_the_active_one_s_lease_ends_in_sleep(void **state)
{
	struct fixture *fixture = *state;
	const int64_t began = awake_since(0);
	PGconn *holder;

	fixture->shared.lease = LONG_MS;
	fixture_open(fixture, ROOMY);
	store_text(fixture, "one", "1");
	holder = hold_row(fixture, "SELECT 1 FROM tsuru_broker.pulse FOR UPDATE");
	clock_suspend((int64_t)LONG_MS * 1000);
	assert_true(store_leased_until(fixture->store) <= timers_clock());
	await_role(fixture, STORE_DEPOSED);
	assert_true(awake_since(began) < LONG_MS);
	PQfinish(holder);
}

static void test_the_active_one_has_a_lease_of_the_claimant_s_sleep(void **state)
{
	struct fixture *fixture = opened(state);
	const int64_t began = awake_since(0);

	fixture_close(fixture);
	run_sql(fixture->shared.url, "UPDATE tsuru_broker.head SET is_led = true, active = 'other'");
	fixture->shared.lease = LONG_MS;
	assert_int_equal(fixture_try_open(fixture, ROOMY, NULL), 0);
	while (strcmp(store_standing(fixture->store)->active, "other") != 0)
		event_base_loop(fixture->base, EVLOOP_ONCE);
	clock_suspend((int64_t)LONG_MS * 1000);
	await_role(fixture, STORE_ACTIVE);
	assert_true(awake_since(began) < LONG_MS);
}

static void await_lock(const struct fixture *fixture)
{
	PGconn *connection = PQconnectdb(fixture->shared.url);
	bool waits = false;

	while (!waits) {
		PGresult *result = PQexec(connection, "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
		                                      " AND usename = current_user");

		assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
		waits = PQntuples(result) > 0;
		PQclear(result);
	}
	PQfinish(connection);
}

/* Whoever forsakes the lease waits for what the thread has under way. */
static void test_what_is_forsaken_ends_at_once(void **state)
{
	struct fixture *fixture = *state;
	struct outcome outcome = {0};
	struct batch *batch;
	int64_t forsaken;
	PGconn *holder;

	fixture->shared.lease = LONG_MS;
	fixture_open(fixture, ROOMY);
	holder = hold_row(fixture, "SELECT 1 FROM tsuru_broker.head FOR UPDATE");
	batch = batch_new(fixture->store);
	put_text(batch, "one", "1", REVISION_ANY);
	batch_commit(batch, on_outcome, &outcome);
	event_base_loop(fixture->base, EVLOOP_NONBLOCK);
	await_lock(fixture);
	assert_int_equal(outcome.calls, 0);
	forsaken = timers_clock();
	store_forsake(fixture->store);
	await(fixture, &outcome);
	assert_int_equal(outcome.code, ERR_UNAVAILABLE);
	await_role(fixture, STORE_DEPOSED);
	assert_true((timers_clock() - forsaken) / 1000 < LONG_MS / 2);
	PQfinish(holder);
}

/* A loop that waits for an outcome does not wait for ever, while the lease is renewed: after one it forsakes it. */
static void test_who_waits_forsakes_after_a_lease(void **state)
{
	struct fixture *fixture = opened(state);
	PGconn *holder = hold_row(fixture, "SELECT 1 FROM tsuru_broker.head FOR UPDATE");
	struct batch *batch = batch_new(fixture->store);
	const int64_t began = timers_clock();
	struct error error;

	put_text(batch, "one", "1", REVISION_ANY);
	assert_int_equal(batch_commit_now(batch, &error), ERR_UNAVAILABLE);
	assert_true((timers_clock() - began) / 1000 >= fixture->shared.lease);
	await_role(fixture, STORE_DEPOSED);
	PQfinish(holder);
}

/* A lease is counted from when its renewal was sent: one that is answered late renews less. */
static void test_a_late_answer_renews_less(void **state)
{
	struct fixture *fixture = *state;
	int64_t before, seen;
	PGconn *holder;

	fixture->shared.lease = 30000; /* its third is longer than the answer takes */
	fixture_open(fixture, ROOMY);
	holder = hold_row(fixture, "SELECT 1 FROM tsuru_broker.pulse FOR UPDATE");
	await_lock(fixture);
	seen = timers_clock();
	before = store_leased_until(fixture->store);
	PQclear(PQexec(holder, "SELECT pg_sleep(1)"));
	PQfinish(holder);
	while (store_leased_until(fixture->store) == before)
		usleep(1000);
	assert_true(store_leased_until(fixture->store) > before);
	assert_true(store_leased_until(fixture->store) <= seen + fixture->shared.lease * 1000);
}

/* ---- what a role has set for its sessions ---- */

#define HELD   "250ms" /* so long waits and pauses take at least */
#define SETTLE 60      /* seconds until the sessions are there and stay */

static const char *const odd_settings[] = {
    "default_transaction_read_only = on",
    "default_transaction_isolation = serializable",
    "search_path = nowhere",
    "statement_timeout = '" HELD "'",
    "lock_timeout = '" HELD "'",
    "idle_in_transaction_session_timeout = '" HELD "'",
    "idle_session_timeout = '" HELD "'",
    "client_min_messages = error",
    "enable_indexscan = off",
    "bytea_output = escape",
    "standard_conforming_strings = off",
};

/* For the test's own sessions, which may stand still for longer than what a role has set allows. */
static const char *unlimited(const struct fixture *fixture, char *text, size_t size)
{
	snprintf(text, size,
	         "%s?options=-c%%20statement_timeout%%3D0%%20-c%%20lock_timeout%%3D0%%20-c%%20idle_session_timeout%%3D0"
	         "%%20-c%%20idle_in_transaction_session_timeout%%3D0",
	         fixture->shared.url);
	return text;
}

static void set_role(const struct fixture *fixture, const char *action)
{
	char statement[256], url[512];

	snprintf(statement, sizeof(statement), "BEGIN READ WRITE; ALTER ROLE CURRENT_USER %s; COMMIT", action);
	run_sql(unlimited(fixture, url, sizeof(url)), statement);
}

/* How many sessions of brokers there are that began before the last half second; each that ends is made anew. */
static int count_sessions(const struct fixture *fixture)
{
	char url[512];
	PGconn *connection = PQconnectdb(unlimited(fixture, url, sizeof(url)));
	PGresult *result = PQexec(connection, "SELECT 1 FROM pg_stat_activity WHERE application_name = 'tsuru-broker'"
	                                      " AND usename = current_user"
	                                      " AND backend_start < clock_timestamp() - interval '500ms'");
	const int count = PQntuples(result);

	PQclear(result);
	PQfinish(connection);
	return count;
}

/* A commit that waits for longer than the setting would have it. */
static void write_late(struct fixture *fixture, const char *key)
{
	char url[512];
	PGconn *holder = PQconnectdb(unlimited(fixture, url, sizeof(url)));
	struct outcome outcome = {0};
	struct batch *batch = batch_new(fixture->store);

	PQclear(PQexec(holder, "BEGIN READ WRITE"));
	PQclear(PQexec(holder, "SELECT 1 FROM tsuru_broker.head FOR UPDATE"));
	put_text(batch, key, "value", REVISION_ANY);
	batch_commit(batch, on_outcome, &outcome);
	event_base_loop(fixture->base, EVLOOP_NONBLOCK);
	PQclear(PQexec(holder, "SELECT pg_sleep(0.5)"));
	assert_int_equal(PQtransactionStatus(holder), PQTRANS_INTRANS);
	PQfinish(holder);
	await(fixture, &outcome);
	assert_int_equal(outcome.code, 0);
}

static void check_setting(struct fixture *fixture, const char *setting)
{
	struct fixture second;
	char action[128];

	snprintf(action, sizeof(action), "SET %s", setting);
	set_role(fixture, action);
	fixture_open(fixture, ROOMY);
	store_text(fixture, "one", "1");
	write_late(fixture, "two");
	for (int i = 0; i < SETTLE && count_sessions(fixture) < 2; i++)
		run_for(fixture, 1);
	assert_true(count_sessions(fixture) >= 2); /* that of the appends, and of the renewals */
	open_beside(fixture, &second);
	await_text(&second, "two", "value");
	second_teardown(&second);
	assert_int_equal(store_standing(fixture->store)->role, STORE_ACTIVE);
	fixture_close(fixture);
	set_role(fixture, "RESET ALL");
}

static void test_what_a_role_has_set_does_not_count(void **state)
{
	for (size_t i = 0; i < sizeof(odd_settings) / sizeof(*odd_settings); i++) {
		printf("%s\n", odd_settings[i]);
		check_setting(*state, odd_settings[i]);
	}
}

/* A failover to a server that lacks the last commits: what this broker has seen is not there any more. */
static void test_losses_are_noticed(void **state)
{
	struct fixture *first = opened(state), second;
	struct store_value value;

	store_text(first, "one", "1");
	open_beside(first, &second);
	await_text(&second, "one", "1");
	run_sql(first->shared.url, "CREATE TABLE tsuru_broker.kept AS SELECT * FROM tsuru_broker.head");
	store_text(first, "two", "2");
	await_text(&second, "two", "2");
	run_sql(first->shared.url,
	        "DELETE FROM tsuru_broker.head; INSERT INTO tsuru_broker.head SELECT * FROM tsuru_broker.kept;"
	        "DELETE FROM tsuru_broker.log WHERE revision > (SELECT revision FROM tsuru_broker.head);"
	        "DELETE FROM tsuru_broker.record WHERE revision > (SELECT revision FROM tsuru_broker.head)");
	while (store_standing(second.store)->losses == 0)
		event_base_loop(second.base, EVLOOP_ONCE);
	assert_int_equal(store_standing(second.store)->losses, 1);
	assert_text(&second, "one", "1");
	assert_int_equal(get_text(&second, "two", &value), ERR_NOT_FOUND);
	second_teardown(&second);
}

/* A view that cannot be made afresh yet has lost nothing yet: it is told once, when it is. */
static void test_losses_are_told_once(void **state)
{
	struct fixture *first = opened(state), second;

	store_text(first, "one", "1");
	open_beside(first, &second);
	await_text(&second, "one", "1");
	run_sql(first->shared.url, "REVOKE SELECT ON tsuru_broker.record FROM CURRENT_USER;"
	                           "UPDATE tsuru_broker.head SET last_group = decode(repeat('00', 16), 'hex')");
	while (store_standing(second.store)->trouble.code == 0)
		event_base_loop(second.base, EVLOOP_ONCE);
	run_for(&second, 3); /* it has tried again */
	assert_int_equal(store_standing(second.store)->losses, 0);
	run_sql(first->shared.url, "GRANT SELECT ON tsuru_broker.record TO CURRENT_USER");
	while (store_standing(second.store)->trouble.code != 0)
		event_base_loop(second.base, EVLOOP_ONCE);
	assert_int_equal(store_standing(second.store)->losses, 1);
	second_teardown(&second);
}

/* ---- closing ---- */

#define SLOW_RECORDS "600" /* a tenth of a second each */

static void await_sleep(const struct fixture *fixture)
{
	PGconn *connection = PQconnectdb(fixture->shared.url);
	bool sleeps = false;

	while (!sleeps) {
		PGresult *result = PQexec(connection, "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
		                                      " AND usename = current_user");

		assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
		sleeps = PQntuples(result) > 0;
		PQclear(result);
	}
	PQfinish(connection);
}

/* Records come for a minute, and whoever ends does not wait for them. Each fills what the server sends at once. */
static void test_close_does_not_wait_for_the_view(void **state)
{
	struct fixture *fixture = opened(state);
	int64_t began;

	fixture_close(fixture);
	run_sql(fixture->shared.url,
	        "ALTER TABLE tsuru_broker.record RENAME TO slow;"
	        "INSERT INTO tsuru_broker.slow SELECT 'instances', convert_to(i::text, 'UTF8'), 1,"
	        "  decode(repeat('00', 16000), 'hex') FROM generate_series(1, " SLOW_RECORDS ") i;"
	        "CREATE VIEW tsuru_broker.record AS SELECT * FROM tsuru_broker.slow WHERE pg_sleep(0.1) IS NOT NULL;"
	        "UPDATE tsuru_broker.head SET revision = 1, last_group = decode(repeat('00', 16), 'hex');"
	        "DELETE FROM tsuru_broker.log");
	assert_int_equal(fixture_try_open(fixture, ROOMY, NULL), 0);
	await_sleep(fixture);
	began = timers_clock();
	fixture_close(fixture);
	assert_true(timers_clock() - began < (int64_t)20 * 1000 * 1000);
}

#define SESSIONS_ENDED 20

static void *end_sessions(void *arg)
{
	const char *url = arg;

	for (int i = 0; i < SESSIONS_ENDED; i++) {
		run_sql(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
		             " WHERE application_name = 'tsuru-broker' AND usename = current_user");
		usleep(50 * 1000);
	}
	return NULL;
}

/* Each commit is in exactly once, whatever became of the answers. */
static void test_lost_answers(void **state)
{
	struct fixture *fixture = opened(state);
	const int64_t end = timers_clock() + 3 * 1000 * 1000;
	int64_t count = 0;
	pthread_t ender;
	char *url = strdup(fixture->shared.url);

	assert_int_equal(pthread_create(&ender, NULL, end_sessions, url), 0);
	while (timers_clock() < end || count <= 10) {
		struct batch *batch = batch_new(fixture->store);
		int code;

		batch_add(batch, "commits", 1);
		code = commit(fixture, batch).code;
		assert_true(code == 0 || code == ERR_UNAVAILABLE);
		count += code == 0;
	}
	pthread_join(ender, NULL);
	free(url);
	assert_int_equal(store_standing(fixture->store)->role, STORE_ACTIVE);
	assert_int_equal(store_counter(fixture->store, "commits"), count);
	fixture_close(fixture);
	fixture_open(fixture, ROOMY);
	assert_int_equal(store_counter(fixture->store, "commits"), count);
}

/* The answer of the append that waits for the head is lost, and what is sent again is refused for a while. That one is
 * refused says nothing of what was sent before. */
static void test_lost_answer_before_a_refusal(void **state)
{
	struct fixture *fixture = opened(state);
	const char *url = fixture->shared.url;
	PGconn *holder = hold_row(fixture, "SELECT 1 FROM tsuru_broker.head FOR UPDATE");
	struct batch *batch = batch_new(fixture->store);
	struct outcome outcome = {0};

	put_text(batch, "one", "value", REVISION_ANY);
	batch_commit(batch, on_outcome, &outcome);
	event_base_loop(fixture->base, EVLOOP_NONBLOCK);
	await_lock(fixture);
	run_sql(url, "REVOKE INSERT ON tsuru_broker.log FROM CURRENT_USER");
	run_sql(url,
	        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
	        " WHERE application_name = 'tsuru-broker' AND usename = current_user AND wait_event_type = 'Lock'");
	run_sql(url, "SELECT pg_sleep(1)");
	run_sql(url, "GRANT INSERT ON tsuru_broker.log TO CURRENT_USER");
	run_sql(url, "SELECT pg_sleep(0.5)");
	PQfinish(holder);
	await(fixture, &outcome);
	assert_int_equal(outcome.code, 0);
	assert_int_equal(store_standing(fixture->store)->role, STORE_ACTIVE);
	assert_text(fixture, "one", "value");
}

/* A view that is another store's, or records that are in no journal: neither is written over. */
static void test_directories_are_not_mixed(void **state)
{
	struct fixture *fixture = opened(state);
	const char *url = fixture->shared.url;
	struct error error = {0};

	fixture_close(fixture);
	fixture->shared.url = NULL;
	assert_int_equal(fixture_try_open(fixture, ROOMY, &error), ERR_INVALID);
	assert_non_null(strstr(error.text, fixture->directory));
	remove_file(fixture, "view");
	assert_int_equal(fixture_try_open(fixture, ROOMY, &error), 0);
	fixture_close(fixture);
	fixture->shared.url = url;
	assert_int_equal(fixture_try_open(fixture, ROOMY, &error), ERR_INVALID);
	assert_non_null(strstr(error.text, fixture->directory));
}

/* What is older than ten minutes goes with the next commits; the first trims at once. */
static void test_old_groups_leave_the_log(void **state)
{
	struct fixture *fixture = opened(state);

	store_text(fixture, "one", "1");
	store_text(fixture, "two", "2");
	run_sql(fixture->shared.url, "UPDATE tsuru_broker.log SET at = at - interval '11 minutes'");
	usleep(1100 * 1000);
	store_text(fixture, "three", "3");
	store_text(fixture, "four", "4"); /* the thread is past the trimming that followed the third */
	run_sql(fixture->shared.url, "DO $$ BEGIN IF (SELECT count(*) FROM tsuru_broker.log) <> 2 THEN"
	                             " RAISE 'the log has % groups', (SELECT count(*) FROM tsuru_broker.log);"
	                             " END IF; END $$");
}

/* ---- two programs, of two formats ---- */

/* Runs the loop until the store says so of its records. */
static void await_outdated(struct fixture *fixture, bool outdated)
{
	while ((store_standing(fixture->store)->outdated.code != 0) != outdated)
		event_base_loop(fixture->base, EVLOOP_ONCE);
}

/* It knows who is active, says what is the matter, and has nothing of the newer program's records. */
static void assert_stands_aside(struct fixture *fixture, const char *active)
{
	const struct store_standing *standing = store_standing(fixture->store);

	await_active(fixture, active);
	assert_int_equal(standing->role, STORE_STANDBY);
	assert_int_equal(standing->trouble.code, 0);
	assert_int_equal(standing->outdated.code, ERR_CORRUPT);
	assert_non_null(strstr(standing->outdated.text, "newer tsuru-broker"));
}

static void demand_format(const struct fixture *fixture, unsigned long long format)
{
	char statement[256];

	snprintf(statement, sizeof(statement),
	         "DO $$ BEGIN IF (SELECT format FROM tsuru_broker.head) <> %llu THEN"
	         " RAISE 'the format is %%', (SELECT format FROM tsuru_broker.head); END IF; END $$",
	         format);
	run_sql(fixture->shared.url, statement);
}

/* A rolling upgrade: the newer one follows the older, which notices nothing, and the records are the newer program's
 * once that has become the active one. The older one is then of no use, also when there is no other. */
static void test_newer_program_follows_an_older_one(void **state)
{
	struct fixture *older = opened(state), newer;
	struct store_value value;

	second_setup(older, &newer);
	newer.shared.format = STORE_FORMAT + 1;
	assert_int_equal(fixture_try_open(&newer, ROOMY, NULL), 0);
	store_text(older, "one", "1");
	await_text(&newer, "one", "1");
	demand_format(older, STORE_FORMAT);
	assert_int_equal(store_standing(older->store)->outdated.code, 0);

	fixture_close(older);
	await_role(&newer, STORE_ACTIVE);
	demand_format(older, STORE_FORMAT + 1);
	store_text(&newer, "two", "2");
	assert_int_equal(fixture_try_open(older, ROOMY, NULL), 0);
	await_outdated(older, true);
	assert_stands_aside(older, "second");
	assert_text(older, "one", "1");
	assert_int_equal(get_text(older, "two", &value), ERR_NOT_FOUND);
	assert_int_equal(try_to_write(older, "mine"), ERR_UNAVAILABLE);

	older->shared.lease = 1000;
	fixture_close(&newer);
	run_for(older, 3);
	assert_stands_aside(older, "");
	demand_format(older, STORE_FORMAT + 1);
	second_teardown(&newer);
}

/* One that stood by before the upgrade, and whose next look is the one at which it could take over. */
static void test_older_standby_is_overtaken(void **state)
{
	struct fixture *first = opened(state), older, newer;

	open_beside(first, &older);
	store_text(first, "one", "1");
	await_text(&older, "one", "1");
	second_setup(first, &newer);
	newer.shared.name = "third";
	newer.shared.format = STORE_FORMAT + 1;
	assert_int_equal(fixture_try_open(&newer, ROOMY, NULL), 0);
	await_text(&newer, "one", "1");
	run_sql(first->shared.url, "UPDATE tsuru_broker.head SET format = format + 1");
	await_outdated(&older, true);
	fixture_close(first);
	await_role(&newer, STORE_ACTIVE);
	run_for(&older, 2);
	assert_stands_aside(&older, "third");
	second_teardown(&newer);
	second_teardown(&older);
}

static void *claim_for_a_newer_program(void *arg)
{
	run_sql(arg, "SELECT 1 FROM tsuru_broker.pulse FOR UPDATE; UPDATE tsuru_broker.head SET format = 1000;"
	             "SELECT pg_sleep(2)");
	return NULL;
}

/* What the claimant saw is older than the newer program's claim: its own finds no row. */
static void test_claim_after_a_newer_program_finds_no_row(void **state)
{
	struct fixture *fixture = opened(state);
	char *url = strdup(fixture->shared.url);
	pthread_t claimant;

	fixture_close(fixture);
	assert_int_equal(pthread_create(&claimant, NULL, claim_for_a_newer_program, url), 0);
	await_sleep(fixture);
	assert_int_equal(fixture_try_open(fixture, ROOMY, NULL), 0);
	await_outdated(fixture, true);
	pthread_join(claimant, NULL);
	free(url);
	assert_stands_aside(fixture, "");
	demand_format(fixture, 1000);
	run_sql(fixture->shared.url, "UPDATE tsuru_broker.head SET format = 1");
	await_role(fixture, STORE_ACTIVE);
	demand_format(fixture, STORE_FORMAT);
}

static void *append_for_a_newer_program(void *arg)
{
	run_sql(arg, "LOCK TABLE tsuru_broker.log; SELECT pg_sleep(2); UPDATE tsuru_broker.head SET format = 1000");
	return NULL;
}

static void *append_much_for_a_newer_program(void *arg)
{
	run_sql(arg, "LOCK TABLE tsuru_broker.log; SELECT pg_sleep(2); UPDATE tsuru_broker.head SET format = 1000;"
	             "DELETE FROM tsuru_broker.log");
	return NULL;
}

/* The newer program comes between the standby's look at the head and its reading, which waits for a lock meanwhile. */
static void follow_while(void **state, void *(*newer)(void *arg))
{
	struct fixture *fixture = opened(state), second;
	char *url = strdup(fixture->shared.url);
	struct store_value value;
	pthread_t thread;

	store_text(fixture, "one", "1");
	open_beside(fixture, &second);
	await_text(&second, "one", "1");
	fixture_close(&second);
	store_text(fixture, "two", "2");
	assert_int_equal(pthread_create(&thread, NULL, newer, url), 0);
	await_sleep(fixture);
	assert_int_equal(fixture_try_open(&second, ROOMY, NULL), 0);
	await_outdated(&second, true);
	pthread_join(thread, NULL);
	free(url);
	assert_text(&second, "one", "1");
	assert_int_equal(get_text(&second, "two", &value), ERR_NOT_FOUND);
	second_teardown(&second);
}

static void test_groups_of_a_newer_program_are_not_read(void **state)
{
	follow_while(state, append_for_a_newer_program);
}

static void test_records_of_a_newer_program_are_not_read(void **state)
{
	follow_while(state, append_much_for_a_newer_program);
}

/* A view that a newer program has left in the directory is not read: it is made afresh. */
static void test_view_of_a_newer_program(void **state)
{
	struct fixture *fixture = *state;
	struct store_value value;

	fixture->shared.format = STORE_FORMAT + 1;
	fixture_open(fixture, ROOMY);
	store_text(fixture, "one", "1");
	fixture_close(fixture);
	fixture->shared.format = 0;
	assert_int_equal(fixture_try_open(fixture, ROOMY, NULL), 0);
	await_outdated(fixture, true);
	assert_int_equal(get_text(fixture, "one", &value), ERR_NOT_FOUND);
}

/* ---- a view that is damaged ---- */

/* Where the records begin: behind the two pages that say where they are. */
#define RECORDS (2 * (off_t)sysconf(_SC_PAGESIZE))

static void damage_view(const struct fixture *fixture, off_t from)
{
	char path[PATH_MAX], zeros[4096] = {0};
	struct stat stat;
	int fd;

	snprintf(path, sizeof(path), "%s/data.mdb", fixture->directory);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &stat), 0);
	assert_true(stat.st_size > RECORDS);
	for (off_t at = from; at < stat.st_size; at += (off_t)sizeof(zeros))
		assert_int_equal(pwrite(fd, zeros, sizeof(zeros), at), sizeof(zeros));
	close(fd);
}

static void await_break(struct fixture *fixture)
{
	while (!store_broken(fixture->store))
		event_base_loop(fixture->base, EVLOOP_ONCE);
}

static void check_made_afresh(struct fixture *fixture)
{
	fixture_close(fixture);
	assert_int_equal(fixture_try_open(fixture, ROOMY, NULL), 0);
	await_text(fixture, "one", "1");
	assert_false(store_broken(fixture->store));
}

static void test_damaged_view_at_the_start(void **state)
{
	struct fixture *fixture = opened(state);

	store_text(fixture, "one", "1");
	fixture_close(fixture);
	damage_view(fixture, RECORDS);
	check_made_afresh(fixture);
	fixture_close(fixture);
	damage_view(fixture, 0);
	check_made_afresh(fixture);
}

static void test_damaged_view_of_a_standby(void **state)
{
	struct fixture *first = opened(state), second;

	store_text(first, "one", "1");
	open_beside(first, &second);
	await_text(&second, "one", "1");
	damage_view(&second, RECORDS);
	store_text(first, "two", "2");
	await_break(&second);
	assert_int_equal(store_standing(second.store)->role, STORE_STANDBY);

	/* It knows who is the active one, and does not take over. */
	fixture_close(first);
	fixture_open(first, ROOMY);
	while (store_standing(second.store)->epoch != store_standing(first->store)->epoch)
		event_base_loop(second.base, EVLOOP_ONCE);
	assert_string_equal(store_standing(second.store)->active, first->shared.name);
	assert_int_equal(store_standing(second.store)->role, STORE_STANDBY);
	check_made_afresh(&second);
	await_text(&second, "two", "2");
	second_teardown(&second);
}

/* What it could not write is the next one's to do. */
static void test_damaged_view_of_the_active_one(void **state)
{
	struct fixture *fixture = opened(state);

	store_text(fixture, "one", "1");
	damage_view(fixture, RECORDS);
	assert_int_equal(try_to_write(fixture, "two"), ERR_UNAVAILABLE);
	await_break(fixture);
	await_role(fixture, STORE_DEPOSED);
	check_made_afresh(fixture);
	await_role(fixture, STORE_ACTIVE);
	store_text(fixture, "two", "2");
}

static void test_damaged_view_that_is_read(void **state)
{
	struct fixture *fixture = opened(state);
	struct store_value value;

	store_text(fixture, "one", "1");
	damage_view(fixture, RECORDS);
	assert_int_equal(get_text(fixture, "one", &value), ERR_INTERNAL);
	await_break(fixture);
	check_made_afresh(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    store_case(test_standby_follows_and_takes_over),
	    store_case(test_standby_makes_its_view_afresh),
	    store_case(test_deposed_one_writes_nothing),
	    store_case(test_step_down_hands_over),
	    store_case(test_step_down_alone),
	    store_case(test_lease_ends_without_a_renewal),
	    store_case(test_the_active_one_s_lease_ends_in_sleep),
	    store_case(test_the_active_one_has_a_lease_of_the_claimant_s_sleep),
	    store_case(test_what_is_forsaken_ends_at_once),
	    store_case(test_a_late_answer_renews_less),
	    store_case(test_who_waits_forsakes_after_a_lease),
	    store_case(test_what_a_role_has_set_does_not_count),
	    store_case(test_losses_are_noticed),
	    store_case(test_losses_are_told_once),
	    store_case(test_close_does_not_wait_for_the_view),
	    store_case(test_lost_answers),
	    store_case(test_lost_answer_before_a_refusal),
	    store_case(test_directories_are_not_mixed),
	    store_case(test_newer_program_follows_an_older_one),
	    store_case(test_older_standby_is_overtaken),
	    store_case(test_claim_after_a_newer_program_finds_no_row),
	    store_case(test_groups_of_a_newer_program_are_not_read),
	    store_case(test_records_of_a_newer_program_are_not_read),
	    store_case(test_view_of_a_newer_program),
	    store_case(test_old_groups_leave_the_log),
	    store_case(test_damaged_view_at_the_start),
	    store_case(test_damaged_view_of_a_standby),
	    store_case(test_damaged_view_of_the_active_one),
	    store_case(test_damaged_view_that_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
