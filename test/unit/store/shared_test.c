/* Several stores on one journal: standing by, following, taking over, being deposed, and answers that get lost. Needs
 * STORE_URL, as test/integration/store_postgres_test.c sets it. */
#include "harness.h"

#include <pthread.h>

#include "base/timer.h"

static int second_setup(struct fixture *first, struct fixture *ret_second)
{
	void *state = NULL;
	const char *url = first->shared.url;

	/* The other one's setup would drop what the first has made. */
	assert_int_equal(unsetenv("STORE_URL"), 0);
	assert_int_equal(fixture_setup(&state), 0);
	assert_int_equal(setenv("STORE_URL", url, 1), 0);
	*ret_second = *(struct fixture *)state;
	free(state);
	ret_second->shared = first->shared;
	ret_second->shared.name = "second";
	return 0;
}

static void second_teardown(struct fixture *second)
{
	void *state = malloc(sizeof(*second));

	assert_non_null(state);
	memcpy(state, second, sizeof(*second));
	assert_int_equal(fixture_teardown(&state), 0);
}

static void open_beside(struct fixture *first, struct fixture *ret_second)
{
	struct error error = {0};

	second_setup(first, ret_second);
	if (fixture_try_open(ret_second, ROOMY, &error) != 0)
		fail_msg("%s", error.text);
}

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
	assert_string_equal(store_standing(second.store)->active, "test");
	assert_int_equal(try_to_write(&second, "mine"), ERR_UNAVAILABLE);

	/* Who leaves hands over at once. */
	store_text(first, "two", "2");
	fixture_close(first);
	await_role(&second, STORE_ACTIVE);
	assert_text(&second, "two", "2");
	assert_string_equal(store_standing(second.store)->active, "second");
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
	struct fixture *first = opened(state), second;

	store_text(first, "one", "1");
	open_beside(first, &second);
	await_text(&second, "one", "1");
	assert_true(store_leased_until(first->store) > timers_clock());
	store_step_down(first->store);
	await_role(&second, STORE_ACTIVE);
	await_role(first, STORE_DEPOSED);
	assert_true(store_leased_until(first->store) <= 0);
	assert_int_equal(try_to_write(first, "mine"), ERR_UNAVAILABLE);
	store_text(&second, "two", "2");

	store_stand_by(first->store);
	await_text(first, "two", "2");
	assert_int_equal(store_standing(first->store)->role, STORE_STANDBY);
	assert_string_equal(store_standing(first->store)->active, "second");
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
	run_sql(arg, "SELECT 1 FROM tsuru_broker.pulse FOR UPDATE; SELECT pg_sleep(4)");
	return NULL;
}

/* Nothing is renewed after the end of the lease either: otherwise nobody could follow. */
static void test_lease_ends_without_a_renewal(void **state)
{
	struct fixture *fixture = *state, second;
	char *url = strdup(fixture->shared.url);
	pthread_t holder;

	fixture->shared.lease = 2000;
	fixture_open(fixture, ROOMY);
	store_text(fixture, "one", "1");
	assert_int_equal(pthread_create(&holder, NULL, hold_the_pulse, url), 0);
	await_role(fixture, STORE_DEPOSED);
	assert_true(store_leased_until(fixture->store) <= 0);
	open_beside(fixture, &second);
	pthread_join(holder, NULL);
	free(url);
	await_role(&second, STORE_ACTIVE);
	assert_text(&second, "one", "1");
	assert_int_equal(try_to_write(fixture, "two"), ERR_UNAVAILABLE);
	second_teardown(&second);
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
	while (timers_clock() < end) {
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
	assert_true(count > 10);
	assert_int_equal(store_counter(fixture->store, "commits"), count);
	fixture_close(fixture);
	fixture_open(fixture, ROOMY);
	assert_int_equal(store_counter(fixture->store, "commits"), count);
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

static void test_newer_tables_are_refused(void **state)
{
	struct fixture *fixture = opened(state);

	fixture_close(fixture);
	run_sql(fixture->shared.url, "UPDATE tsuru_broker.head SET format = 1000");
	assert_int_equal(fixture_try_open(fixture, ROOMY, NULL), 0);
	while (store_standing(fixture->store)->trouble.code == 0)
		event_base_loop(fixture->base, EVLOOP_ONCE);
	assert_int_equal(store_standing(fixture->store)->trouble.code, ERR_CORRUPT);
	assert_non_null(strstr(store_standing(fixture->store)->trouble.text, "newer tsuru-broker"));
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
	    store_case(test_losses_are_noticed),
	    store_case(test_lost_answers),
	    store_case(test_directories_are_not_mixed),
	    store_case(test_newer_tables_are_refused),
	    store_case(test_old_groups_leave_the_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
