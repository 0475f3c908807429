/* Two that claim a journal at once, again and again: one wins each time, and whoever was the active one before writes
 * nothing any more. Needs STORE_URL, as test/integration/store_postgres_test.c sets it. */
#include "harness.h"

#include <pthread.h>

#include "base/secret.h"
#include "base/timer.h"
#include "store/journal.h"

#define ROUNDS    1000
#define CLAIMANTS 2

struct claimant {
	struct store_shared options;
	struct journal *journal;
	struct journal_head seen;
	pthread_barrier_t *begin;
	pthread_t thread;
	int code;
	uint64_t won;
};

static void open_claimant(struct claimant *claimant, const char *name, pthread_barrier_t *begin)
{
	struct error error = {0};

	claimant->options = (struct store_shared){
	    .url = getenv("STORE_URL"), .name = name, .address = "", .lease = 60000, .notify = true};
	claimant->begin = begin;
	if (journal_postgres.open(&claimant->options, &claimant->journal, &error) != 0)
		fail_msg("%s", error.text);
}

static void look(struct claimant *claimant)
{
	struct error error = {0};

	if (journal_postgres.look(claimant->journal, &claimant->seen, &error) != 0)
		fail_msg("%s", error.text);
}

static void *claim(void *arg)
{
	struct claimant *claimant = arg;
	struct error error = {0};

	pthread_barrier_wait(claimant->begin);
	claimant->code = journal_postgres.claim(claimant->journal, &claimant->seen, &error);
	return NULL;
}

/* Which of them has won. */
static size_t race(struct claimant *claimants)
{
	size_t winner = 0;
	int won = 0;

	for (size_t i = 0; i < CLAIMANTS; i++)
		look(&claimants[i]);
	for (size_t i = 0; i < CLAIMANTS; i++)
		assert_int_equal(pthread_create(&claimants[i].thread, NULL, claim, &claimants[i]), 0);
	for (size_t i = 0; i < CLAIMANTS; i++) {
		pthread_join(claimants[i].thread, NULL);
		assert_true(claimants[i].code == 0 || claimants[i].code == ERR_STALE);
		if (claimants[i].code == 0)
			winner = i;
		won += claimants[i].code == 0;
	}
	assert_int_equal(won, 1);
	claimants[winner].won++;
	return winner;
}

static int append(const struct claimant *claimant, const struct point *before)
{
	struct group group = {.before = *before, .after = *before};
	struct error error = {0};

	group.after.revision++;
	secret_random(group.after.group, sizeof(group.after.group));
	return journal_postgres.append(claimant->journal, &group, &error);
}

/* Who lost may have won the round before: it has a lease by its clock, and finds out by writing. */
static bool is_fenced(const struct claimant *loser, const struct point *head)
{
	if (journal_postgres.leased_until(loser->journal) <= timers_clock())
		return false;
	assert_int_equal(append(loser, head), ERR_UNAVAILABLE);
	assert_true(journal_postgres.leased_until(loser->journal) <= 0);
	return true;
}

static void test_one_of_two_wins(void **state)
{
	struct claimant claimants[CLAIMANTS] = {0};
	pthread_barrier_t begin;
	uint64_t epoch = 0;
	int fenced = 0;

	(void)state;
	assert_int_equal(pthread_barrier_init(&begin, NULL, CLAIMANTS), 0);
	open_claimant(&claimants[0], "one", &begin);
	open_claimant(&claimants[1], "other", &begin);
	for (int i = 0; i < ROUNDS; i++) {
		const size_t winner = race(claimants);

		look(&claimants[winner]);
		assert_true(claimants[winner].seen.epoch > epoch);
		epoch = claimants[winner].seen.epoch;
		assert_string_equal(claimants[winner].seen.active, claimants[winner].options.name);
		fenced += is_fenced(&claimants[1 - winner], &claimants[winner].seen.point);
		assert_int_equal(append(&claimants[winner], &claimants[winner].seen.point), 0);
		assert_true(journal_postgres.leased_until(claimants[winner].journal) > timers_clock());
	}
	printf("%d rounds: %d and %d, %d fenced\n", ROUNDS, (int)claimants[0].won, (int)claimants[1].won, fenced);
	assert_true(fenced > 0);
	for (size_t i = 0; i < CLAIMANTS; i++)
		journal_postgres.close(claimants[i].journal);
	pthread_barrier_destroy(&begin);
}

#define MOMENT_US ((int64_t)20 * 1000)

/* As a broker's thread waits: it would renew the lease meanwhile, if it could. */
static void live_out_lease(const struct claimant *claimant)
{
	const int64_t until = journal_postgres.leased_until(claimant->journal);
	int64_t now;

	while ((now = journal_postgres.leased_until(claimant->journal)) > timers_clock()) {
		assert_true(now <= until);
		journal_postgres.wait(claimant->journal, -1, timers_clock() + MOMENT_US);
	}
}

/* A failover to a server that lacks the last claim gives its epoch again: whoever had it may reach the new server while
 * its lease is not over yet. */
static void test_an_epoch_that_is_given_twice(void **state)
{
	struct claimant claimants[CLAIMANTS] = {0};
	struct claimant *former = &claimants[0], *next = &claimants[1];

	(void)state;
	open_claimant(former, "former", NULL);
	open_claimant(next, "next", NULL);
	former->options.lease = next->options.lease = 3000;
	look(former);
	look(next);
	assert_int_equal(journal_postgres.claim(former->journal, &former->seen, NULL), 0);
	run_sql(former->options.url, "UPDATE tsuru_broker.head SET epoch = epoch - 1, is_led = false, active = '';"
	                             "UPDATE tsuru_broker.pulse SET epoch = epoch - 1, beat = 0");
	assert_int_equal(journal_postgres.claim(next->journal, &next->seen, NULL), 0);
	look(former);
	assert_int_equal(former->seen.epoch, next->seen.epoch + 1);
	live_out_lease(former);
	look(next);
	assert_string_equal(next->seen.active, "next");
	journal_postgres.close(former->journal);
	journal_postgres.close(next->journal);
}

/* ---- the schema ---- */

#define MAKERS       4
#define SCHEMAS_MADE 10

static void *look_at_once(void *arg)
{
	struct claimant *claimant = arg;

	pthread_barrier_wait(claimant->begin);
	claimant->code = journal_postgres.look(claimant->journal, &claimant->seen, NULL);
	return NULL;
}

/* Brokers that are started together on an empty database: one of them makes the tables, and all find the same. */
static void test_one_makes_the_schema(void **state)
{
	struct claimant makers[MAKERS] = {0};
	pthread_barrier_t begin;

	(void)state;
	assert_int_equal(pthread_barrier_init(&begin, NULL, MAKERS), 0);
	for (int round = 0; round < SCHEMAS_MADE; round++) {
		run_sql(getenv("STORE_URL"),
		        "SET client_min_messages = error; DROP SCHEMA IF EXISTS tsuru_broker CASCADE");
		for (size_t i = 0; i < MAKERS; i++) {
			open_claimant(&makers[i], "maker", &begin);
			assert_int_equal(pthread_create(&makers[i].thread, NULL, look_at_once, &makers[i]), 0);
		}
		for (size_t i = 0; i < MAKERS; i++)
			pthread_join(makers[i].thread, NULL);
		for (size_t i = 0; i < MAKERS; i++) {
			assert_int_equal(makers[i].code, 0);
			assert_memory_equal(makers[i].seen.point.history, makers[0].seen.point.history, POINT_ID_BYTES);
			journal_postgres.close(makers[i].journal);
		}
	}
	pthread_barrier_destroy(&begin);
}

/* ---- what comes between a claimant's look and its claim ---- */

/* The active one and a claimant, which has seen its claim; the epoch is the same from here on. */
static void open_both(struct claimant *active, struct claimant *claimant, pthread_barrier_t *begin)
{
	assert_int_equal(pthread_barrier_init(begin, NULL, 1), 0);
	open_claimant(active, "active", begin);
	open_claimant(claimant, "claimant", begin);
	look(active);
	assert_int_equal(journal_postgres.claim(active->journal, &active->seen, NULL), 0);
	look(claimant);
}

/* Its claim found no row, and the former one is the active one still: one with another look finds it. */
static void check_refused(struct claimant *active, struct claimant *claimant, pthread_barrier_t *begin)
{
	assert_int_equal(claimant->code, ERR_STALE);
	look(claimant);
	assert_string_equal(claimant->seen.active, "active");
	assert_int_equal(journal_postgres.claim(claimant->journal, &claimant->seen, NULL), 0);
	journal_postgres.close(active->journal);
	journal_postgres.close(claimant->journal);
	pthread_barrier_destroy(begin);
}

static void test_a_renewal_since_the_look(void **state)
{
	struct claimant active = {0}, claimant = {0};
	pthread_barrier_t begin;
	int64_t until;

	(void)state;
	open_both(&active, &claimant, &begin);
	until = journal_postgres.leased_until(active.journal);
	while (journal_postgres.leased_until(active.journal) == until) /* the first one comes at once */
		journal_postgres.wait(active.journal, -1, timers_clock() + MOMENT_US);
	claim(&claimant);
	check_refused(&active, &claimant, &begin);
}

static void test_a_group_since_the_look(void **state)
{
	struct claimant active = {0}, claimant = {0};
	pthread_barrier_t begin;

	(void)state;
	open_both(&active, &claimant, &begin);
	assert_int_equal(append(&active, &claimant.seen.point), 0);
	claim(&claimant);
	check_refused(&active, &claimant, &begin);
}

/* One that is not committed yet when the claim comes: the claim waits for it. */
static void test_a_renewal_beside_the_claim(void **state)
{
	struct claimant active = {0}, claimant = {0};
	pthread_barrier_t begin;
	PGconn *renewal;

	(void)state;
	open_both(&active, &claimant, &begin);
	renewal = PQconnectdb(active.options.url);
	run_on(renewal, "BEGIN");
	run_on(renewal, "UPDATE tsuru_broker.pulse SET beat = beat + 1");
	assert_int_equal(pthread_create(&claimant.thread, NULL, claim, &claimant), 0);
	while (!is_lock_awaited(renewal))
		;
	run_on(renewal, "COMMIT");
	PQfinish(renewal);
	pthread_join(claimant.thread, NULL);
	check_refused(&active, &claimant, &begin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    store_case(test_one_of_two_wins),        store_case(test_an_epoch_that_is_given_twice),
	    store_case(test_one_makes_the_schema),   store_case(test_a_renewal_since_the_look),
	    store_case(test_a_group_since_the_look), store_case(test_a_renewal_beside_the_claim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
