/* The pool of sessions: who gets one, which are kept, and that none is waited for without end. The sessions here do
 * what the test says. */
#include "driver/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <event2/event.h>

#define SESSIONS 2
#define IDLE     60000 /* ms */

struct session {
	struct world *world;
	pool_done *on_opened, *on_cleaned;
	void (*on_died)(void *arg);
	void *opened_arg, *cleaned_arg, *died_arg;
};

struct world {
	struct driver_context context;
	struct pool *pool;
	struct session *opened; /* the last one */
	int closes;
	int told, code; /* of the leases */
};

static void *session_open(const struct driver_context *context, const void *target, pool_done *on_opened, void *arg)
{
	struct session *session = calloc(1, sizeof(*session));
	struct world *world = (struct world *)(uintptr_t)target;

	(void)context;
	if (session == NULL)
		return NULL;
	*session = (struct session){.world = world, .on_opened = on_opened, .opened_arg = arg};
	world->opened = session;
	return session;
}

static void session_close(void *arg)
{
	struct session *session = arg;

	session->world->closes++;
	free(session);
}

static bool session_is_usable(const void *arg)
{
	(void)arg;
	return true;
}

static int session_clean(void *arg, pool_done *on_cleaned, void *cleaned_arg)
{
	struct session *session = arg;

	session->on_cleaned = on_cleaned;
	session->cleaned_arg = cleaned_arg;
	return 0;
}

static int session_watch(void *arg, void (*on_died)(void *arg), void *died_arg)
{
	struct session *session = arg;

	session->on_died = on_died;
	session->died_arg = died_arg;
	return 0;
}

static const struct pool_kind kind = {
    .open = session_open,
    .close = session_close,
    .is_usable = session_is_usable,
    .clean = session_clean,
    .watch = session_watch,
};

static int setup(void **state)
{
	const struct pool_limits limits = {.sessions = SESSIONS, .idle = IDLE};
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	world->context.base = event_base_new();
	world->context.timers = timers_new_manual(0);
	assert_non_null(world->context.base);
	assert_non_null(world->context.timers);
	assert_int_equal(pool_new(&world->context, &kind, world, &limits, &world->pool, NULL), 0);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	pool_free(world->pool);
	timers_free(world->context.timers);
	event_base_free(world->context.base);
	free(world);
	return 0;
}

static void turn(struct world *world)
{
	event_base_loop(world->context.base, EVLOOP_NONBLOCK);
}

static void on_lease(void *arg, int code, const struct error *error)
{
	struct world *world = arg;

	(void)error;
	world->told++;
	world->code = code;
}

/* The session that the lease gets once it is open. */
static struct session *lend_new(struct world *world, struct lease *lease)
{
	struct session *session;

	lease_ask(world->pool, lease, on_lease, world);
	turn(world);
	session = world->opened;
	assert_non_null(session);
	session->on_opened(session->opened_arg, 0, &(struct error){0});
	turn(world);
	assert_ptr_equal(lease_session(lease), session);
	return session;
}

static void test_a_clean_session_serves_the_next(void **state)
{
	struct world *world = *state;
	struct lease first, second;
	struct session *session = lend_new(world, &first);

	lease_end(&first);
	lease_ask(world->pool, &second, on_lease, world);
	session->on_cleaned(session->cleaned_arg, 0, &(struct error){0});
	turn(world);
	assert_ptr_equal(lease_session(&second), session);
	assert_int_equal(world->told, 2);
	assert_int_equal(world->closes, 0);
	lease_drop(&second);
	assert_int_equal(world->closes, 1);
	assert_int_equal(pool_size(world->pool), 0);
}

/* Its locks would be held, and its place taken, for ever. */
static void test_a_session_that_is_never_clean_is_closed(void **state)
{
	struct world *world = *state;
	struct lease leases[SESSIONS], next;

	for (size_t i = 0; i < SESSIONS; i++)
		lend_new(world, &leases[i]);
	for (size_t i = 0; i < SESSIONS; i++)
		lease_end(&leases[i]);
	lease_ask(world->pool, &next, on_lease, world);
	turn(world);
	assert_null(lease_session(&next));
	timers_advance(world->context.timers, IDLE);
	assert_int_equal(world->closes, SESSIONS);
	turn(world);
	world->opened->on_opened(world->opened->opened_arg, 0, &(struct error){0});
	turn(world);
	assert_ptr_equal(lease_session(&next), world->opened);
	lease_drop(&next);
}

/* The limit of its cleaning was for its cleaning alone. */
static void test_a_kept_session_lives_until_it_is_unused_for_long(void **state)
{
	struct world *world = *state;
	struct lease lease;
	struct session *session = lend_new(world, &lease);

	lease_end(&lease);
	session->on_cleaned(session->cleaned_arg, 0, &(struct error){0});
	timers_advance(world->context.timers, IDLE - 1);
	assert_int_equal(pool_size(world->pool), 1);
	timers_advance(world->context.timers, 1);
	assert_int_equal(pool_size(world->pool), 0);
	assert_int_equal(world->closes, 1);
}

static void test_what_is_not_clean_or_died_is_closed(void **state)
{
	struct world *world = *state;
	struct lease lease;
	struct session *session = lend_new(world, &lease);

	lease_end(&lease);
	session->on_cleaned(session->cleaned_arg, ERR_UNAVAILABLE, &(struct error){.code = ERR_UNAVAILABLE});
	assert_int_equal(world->closes, 1);
	session = lend_new(world, &lease);
	lease_end(&lease);
	session->on_cleaned(session->cleaned_arg, 0, &(struct error){0});
	session->on_died(session->died_arg);
	assert_int_equal(world->closes, 2);
	assert_int_equal(pool_size(world->pool), 0);
}

/* Its watch ends with its first query: until then the server may end a session that a call has. */
static void test_a_lent_session_that_dies_stays_the_lease_s(void **state)
{
	struct world *world = *state;
	struct lease lease;
	struct session *session = lend_new(world, &lease);

	session->on_died(session->died_arg);
	assert_ptr_equal(lease_session(&lease), session);
	assert_int_equal(world->closes, 0);
	lease_drop(&lease);
	assert_int_equal(world->closes, 1);
	assert_int_equal(pool_size(world->pool), 0);
}

static void test_no_session_is_told_to_all_who_wait(void **state)
{
	struct world *world = *state;
	struct lease leases[SESSIONS + 1];

	for (size_t i = 0; i <= SESSIONS; i++)
		lease_ask(world->pool, &leases[i], on_lease, world);
	turn(world);
	assert_int_equal(pool_size(world->pool), SESSIONS);
	world->opened->on_opened(world->opened->opened_arg, ERR_UNAVAILABLE, &(struct error){.code = ERR_UNAVAILABLE});
	assert_int_equal(world->told, SESSIONS + 1);
	assert_int_equal(world->code, ERR_UNAVAILABLE);
	assert_int_equal(pool_size(world->pool), SESSIONS - 1);
}

static void count_visit(void *session, void *arg)
{
	assert_non_null(((struct session *)session)->world);
	++*(int *)arg;
}

static void test_every_session_is_visited(void **state)
{
	struct world *world = *state;
	struct lease first = {0}, second = {0};
	int visits = 0;

	pool_visit(world->pool, count_visit, &visits);
	assert_int_equal(visits, 0);
	lend_new(world, &first);
	lease_ask(world->pool, &second, on_lease, world);
	turn(world);
	pool_visit(world->pool, count_visit, &visits);
	assert_int_equal(visits, 2); /* one lent, one being opened */
	lease_end(&first);
	lease_drop(&second);
	visits = 0;
	pool_visit(world->pool, count_visit, &visits);
	assert_int_equal(visits, (int)pool_size(world->pool));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_clean_session_serves_the_next),
	    TEST(test_a_session_that_is_never_clean_is_closed),
	    TEST(test_a_kept_session_lives_until_it_is_unused_for_long),
	    TEST(test_what_is_not_clean_or_died_is_closed),
	    TEST(test_a_lent_session_that_dies_stays_the_lease_s),
	    TEST(test_no_session_is_told_to_all_who_wait),
	    TEST(test_every_session_is_visited),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
