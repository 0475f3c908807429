/* Logins beside the loop, with logins that are made here: their steps are those that a test asks for, and a step that
 * computes does so until the test lets it end. The clock is moved by hand, so rests take no time. */
#include "driver/login.h"

#include <event2/event.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define SERVERS   10
#define PATIENCE  60000 /* ms of the real clock */
#define FIRST_LOG 64

/* What a login to a server does, and what was seen of it. */
struct backdoor {
	atomic_int computing; /* steps that compute now */
	atomic_bool let_go;   /* they end */
	atomic_int steps, freed;
	int begun;
	atomic_int tid;         /* of the thread that does */
	atomic_bool works_hard; /* the second step computes */
	bool last;              /* the third one does instead */
	bool sleeps;            /* it waits instead */
	bool good;              /* it ends well */
	bool answers;           /* its socket becomes readable */
	bool copies;            /* it leaves copies of its sockets, as a process that is being forked does */
	int copied[2];
};

struct attempt {
	struct backdoor *backdoor;
	int sockets[2];
	int steps;
};

struct seen {
	struct login *login;
	int overs, rests, agains;
	bool good;
};

struct rig {
	struct event_base *base;
	struct timers *timers;
	struct logins *logins;
	struct login_server *servers[SERVERS];
	struct backdoor backdoors[SERVERS];
	int held;
	char held_server[FIRST_LOG], held_whose[FIRST_LOG];
	int held_times;
};

/* ---- a kind of logins ---- */

static void compute(struct backdoor *backdoor)
{
	atomic_store(&backdoor->tid, gettid());
	atomic_fetch_add(&backdoor->computing, 1);
	while (!atomic_load(&backdoor->let_go))
		backdoor->sleeps ? poll(NULL, 0, 100) : sched_yield();
	atomic_fetch_sub(&backdoor->computing, 1);
}

static enum login_next step(void *arg, int *ret_fd)
{
	struct attempt *attempt = arg;
	struct backdoor *backdoor = attempt->backdoor;

	atomic_fetch_add(&backdoor->steps, 1);
	*ret_fd = attempt->sockets[0];
	switch (attempt->steps++) {
	case 0:
		for (int i = 0; backdoor->copies && i < 2; i++)
			backdoor->copied[i] = dup(attempt->sockets[i]);
		return LOGIN_WRITES;
	case 1:
		if (atomic_load(&backdoor->works_hard) && !backdoor->last)
			compute(backdoor);
		if (backdoor->answers)
			(void)!write(attempt->sockets[1], "x", 1);
		return LOGIN_READS;
	default:
		if (atomic_load(&backdoor->works_hard) && backdoor->last)
			compute(backdoor);
		return backdoor->good ? LOGIN_DONE : LOGIN_FAILED;
	}
}

static void free_attempt(void *arg)
{
	struct attempt *attempt = arg;

	close(attempt->sockets[0]);
	close(attempt->sockets[1]);
	atomic_fetch_add(&attempt->backdoor->freed, 1);
	free(attempt);
}

static const struct login_kind kind = {.step = step, .free = free_attempt};

/* ---- the rig ---- */

static void on_held(void *arg, const char *service, const char *server, const char *whose, int times)
{
	struct rig *rig = arg;

	assert_string_equal(service, "db");
	rig->held++;
	rig->held_times = times;
	strncpy(rig->held_server, server, FIRST_LOG - 1);
	strncpy(rig->held_whose, whose, FIRST_LOG - 1);
}

static int set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct error error;
	char name[2] = "a";

	rig->base = event_base_new();
	rig->timers = timers_new_manual(0);
	assert_int_equal(logins_new(rig->base, rig->timers, on_held, rig, &rig->logins, &error), 0);
	for (int i = 0; i < SERVERS; i++, name[0]++) {
		rig->servers[i] = login_server_new(rig->logins, "db", name, "the broker");
		rig->backdoors[i].good = rig->backdoors[i].answers = true;
		assert_non_null(rig->servers[i]);
	}
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;

	for (int i = 0; i < SERVERS; i++) {
		atomic_store(&rig->backdoors[i].let_go, true);
		login_server_free(rig->servers[i]);
	}
	logins_close(rig->logins);
	for (int i = 0; i < SERVERS; i++) { /* threads that computed may still be at their last step */
		while (atomic_load(&rig->backdoors[i].freed) < rig->backdoors[i].begun)
			sched_yield();
	}
	timers_free(rig->timers);
	event_base_free(rig->base);
	free(rig);
	return 0;
}

static void on_done(void *arg, enum login_end end, void *work)
{
	struct seen *seen = arg;

	seen->login = NULL;
	seen->overs += end == LOGIN_OVER;
	seen->rests += end == LOGIN_RESTS;
	seen->agains += end == LOGIN_AGAIN;
	assert_int_equal(work != NULL, end == LOGIN_OVER);
	if (work != NULL)
		free_attempt(work);
}

static void begin(struct rig *rig, int server, struct seen *seen)
{
	struct attempt *attempt = calloc(1, sizeof(*attempt));

	attempt->backdoor = &rig->backdoors[server];
	attempt->backdoor->begun++;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, attempt->sockets), 0);
	seen->login = login_start(rig->servers[server], &kind, attempt, on_done, seen);
	assert_non_null(seen->login);
}

static void turn(struct rig *rig)
{
	event_base_loop(rig->base, EVLOOP_NONBLOCK);
	poll(NULL, 0, 1);
}

#define run_until(rig, condition)                                                                                      \
	do {                                                                                                           \
		for (int waited_ = 0; !(condition) && waited_ < PATIENCE; waited_++)                                   \
			turn(rig);                                                                                     \
		assert_true(condition);                                                                                \
	} while (0)

/* The same while the clock goes on at ten times its pace, so that the threads are looked at. */
#define look_until(rig, condition)                                                                                     \
	do {                                                                                                           \
		for (int waited_ = 0; !(condition) && waited_ < PATIENCE; waited_++) {                                 \
			turn(rig);                                                                                     \
			if (waited_ % 10 == 0)                                                                         \
				timers_advance((rig)->timers, 100);                                                    \
		}                                                                                                      \
		assert_true(condition);                                                                                \
	} while (0)

/* A login to the server holds its thread. */
static void hold(struct rig *rig, int server, struct seen *seen)
{
	const int held = rig->held;

	atomic_store(&rig->backdoors[server].works_hard, true);
	atomic_store(&rig->backdoors[server].let_go, false);
	begin(rig, server, seen);
	look_until(rig, rig->held > held);
}

/* ---- tests ---- */

static void logs_in_step_by_step(void **state)
{
	struct rig *rig = *state;
	struct seen seen = {0};

	begin(rig, 0, &seen);
	run_until(rig, seen.overs == 1);
	assert_int_equal(rig->backdoors[0].steps, 3);
	assert_int_equal(rig->backdoors[0].freed, 1);
	assert_false(login_server_is_slow(rig->servers[0]));
}

static void a_failure_is_over_too(void **state)
{
	struct rig *rig = *state;
	struct seen seen[2] = {0};

	rig->backdoors[0].good = false;
	begin(rig, 0, &seen[0]);
	run_until(rig, seen[0].overs == 1);
	begin(rig, 0, &seen[1]);
	run_until(rig, seen[1].overs == 1);
}

static void what_is_given_up_is_freed_in_silence(void **state)
{
	struct rig *rig = *state;
	struct seen seen[3] = {0};

	rig->backdoors[0].answers = false;
	for (int i = 0; i < 3; i++)
		begin(rig, 0, &seen[i]);
	login_cancel(seen[0].login); /* perhaps before its first step */
	run_until(rig, rig->backdoors[0].steps >= 4);
	login_cancel(seen[1].login);
	run_until(rig, rig->backdoors[0].freed == 2);
	assert_int_equal(seen[0].overs + seen[1].overs + seen[2].overs, 0);
	/* The third one ends with the threads. */
	logins_close(rig->logins);
	rig->logins = NULL;
	assert_int_equal(rig->backdoors[0].freed, 3);
}

/* Its socket is still open elsewhere, and becomes readable once nobody waits for it any more. */
static void what_is_freed_is_not_waited_for(void **state)
{
	struct rig *rig = *state;
	struct seen seen = {0}, next = {0};

	rig->backdoors[0].answers = false;
	rig->backdoors[0].copies = true;
	begin(rig, 0, &seen);
	run_until(rig, rig->backdoors[0].steps == 2);
	turn(rig);
	login_cancel(seen.login);
	run_until(rig, rig->backdoors[0].freed == 1);
	for (int i = 0; i < 20; i++)
		turn(rig);
	assert_int_equal(write(rig->backdoors[0].copied[1], "x", 1), 1);
	begin(rig, 1, &next);
	run_until(rig, next.overs == 1);
	close(rig->backdoors[0].copied[0]);
	close(rig->backdoors[0].copied[1]);
}

static void other_servers_go_on_while_a_step_computes(void **state)
{
	struct rig *rig = *state;
	struct seen rogue = {0}, waiting = {0}, later = {0};

	rig->backdoors[1].answers = false;
	begin(rig, 1, &waiting);
	hold(rig, 0, &rogue);
	assert_string_equal(rig->held_server, "a");
	assert_string_equal(rig->held_whose, "the broker");
	assert_int_equal(waiting.agains, 1);
	rig->backdoors[1].answers = true;
	begin(rig, 1, &later);
	run_until(rig, later.overs == 1);
	assert_int_equal(rig->backdoors[0].computing, 1);
	assert_int_equal(rogue.overs, 0);
}

static void a_server_holds_one_thread_at_most(void **state)
{
	struct rig *rig = *state;
	struct seen rogue = {0}, brother = {0}, next = {0};
	struct error error;

	rig->backdoors[0].answers = false;
	begin(rig, 0, &brother);
	run_until(rig, rig->backdoors[0].steps == 2);
	hold(rig, 0, &rogue);
	assert_int_equal(brother.agains, 1);
	begin(rig, 0, &next);
	look_until(rig, next.rests == 1);
	assert_int_equal(rig->backdoors[0].computing, 1);
	assert_int_equal(rig->backdoors[0].steps, 4);
	assert_int_equal(login_server_explain(rig->servers[0], &error), ERR_UNAVAILABLE);
	assert_non_null(strstr(error.text, "it is not asked meanwhile"));
}

static void release(struct rig *rig, int server)
{
	atomic_store(&rig->backdoors[server].let_go, true);
	run_until(rig, atomic_load(&rig->backdoors[server].computing) == 0);
}

struct told {
	struct rig *rig;
	int agains;
};

/* The first that is told takes its time, in which the step ends and the thread waits again. */
static void on_told(void *arg, enum login_end end, void *work)
{
	struct told *told = arg;
	struct backdoor *holding = &told->rig->backdoors[0];

	assert_int_equal(end, LOGIN_AGAIN);
	assert_null(work);
	if (told->agains++ > 0)
		return;
	atomic_store(&holding->let_go, true);
	while (atomic_load(&holding->steps) < 3)
		sched_yield();
	poll(NULL, 0, 100);
}

static void who_is_told_after_the_step_is_freed_too(void **state)
{
	struct rig *rig = *state;
	struct told told = {.rig = rig};
	struct seen rogue = {0};

	rig->backdoors[1].answers = false;
	for (int i = 0; i < 2; i++) {
		struct attempt *attempt = calloc(1, sizeof(*attempt));

		attempt->backdoor = &rig->backdoors[1];
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, attempt->sockets), 0);
		assert_non_null(login_start(rig->servers[1], &kind, attempt, on_told, &told));
	}
	run_until(rig, rig->backdoors[1].steps == 4);
	hold(rig, 0, &rogue);
	assert_int_equal(told.agains, 2);
	run_until(rig, rogue.overs == 1);
	run_until(rig, rig->backdoors[1].freed == 2);
}

static bool is_held(const struct rig *rig, int server)
{
	struct error error;

	login_server_explain(rig->servers[server], &error);
	return strstr(error.text, "it is not asked meanwhile") != NULL;
}

static void it_is_asked_ever_more_rarely(void **state)
{
	struct rig *rig = *state;
	struct error error;
	int64_t rest = LOGIN_REST_FIRST;

	rig->backdoors[0].good = false;
	for (int times = 1; times <= 8; times++, rest = rest * 2 < LOGIN_REST_MAX ? rest * 2 : LOGIN_REST_MAX) {
		struct seen rogue = {0}, early = {0};

		hold(rig, 0, &rogue);
		assert_int_equal(rig->held_times, times);
		release(rig, 0);
		run_until(rig, rogue.overs == 1);
		timers_advance(rig->timers, rest - 200);
		begin(rig, 0, &early);
		timers_advance(rig->timers, 100);
		assert_int_equal(early.rests, 1);
		assert_int_equal(login_server_explain(rig->servers[0], &error), ERR_UNAVAILABLE);
		assert_non_null(strstr(error.text, "it is asked again in 1 s"));
		timers_advance(rig->timers, 100);
	}
}

static void a_slow_login_that_ends_well_is_no_reason_to_rest(void **state)
{
	struct rig *rig = *state;
	struct seen slow = {0}, quick = {0};

	hold(rig, 0, &slow);
	release(rig, 0);
	run_until(rig, slow.overs == 1);
	assert_true(login_server_is_slow(rig->servers[0]));
	atomic_store(&rig->backdoors[0].works_hard, false);
	begin(rig, 0, &quick);
	run_until(rig, quick.overs == 1);
	assert_false(login_server_is_slow(rig->servers[0]));
}

static void give_up_and_release(struct rig *rig)
{
	struct seen rogue = {0}, next = {0};

	hold(rig, 0, &rogue);
	login_cancel(rogue.login);
	release(rig, 0);
	run_until(rig, !is_held(rig, 0));
	assert_int_equal(rig->backdoors[0].freed, 1);
	begin(rig, 0, &next);
	look_until(rig, next.rests == 1);
	assert_int_equal(rogue.overs, 0);
}

/* Given up by its deadline, a login that ends later was none. */
static void one_that_ends_after_its_deadline_is_not_good(void **state)
{
	give_up_and_release(*state);
}

/* Also when nothing was left to do. */
static void one_that_is_through_after_its_deadline_is_not_good(void **state)
{
	struct rig *rig = *state;

	rig->backdoors[0].last = true;
	give_up_and_release(rig);
}

static void what_computes_goes_behind_all_other_work(void **state)
{
	struct rig *rig = *state;
	struct seen rogue = {0};
	const int before = getpriority(PRIO_PROCESS, 0);

	hold(rig, 0, &rogue);
	assert_int_equal(getpriority(PRIO_PROCESS, (id_t)atomic_load(&rig->backdoors[0].tid)), 19);
	assert_int_equal(getpriority(PRIO_PROCESS, 0), before);
}

/* A step that takes no processor but waits, which none should. */
static void a_step_that_waits_holds_its_thread_too(void **state)
{
	struct rig *rig = *state;
	struct seen stuck = {0}, other = {0};

	rig->backdoors[0].sleeps = true;
	hold(rig, 0, &stuck);
	begin(rig, 1, &other);
	run_until(rig, other.overs == 1);
	assert_int_equal(stuck.overs, 0);
}

static void the_last_threads_are_for_servers_that_held_none(void **state)
{
	struct rig *rig = *state;
	struct seen rogues[LOGIN_THREADS] = {0}, known = {0}, queued = {0}, other = {0};

	rig->backdoors[SERVERS - 1].good = false;
	hold(rig, SERVERS - 1, &known);
	release(rig, SERVERS - 1);
	run_until(rig, known.overs == 1);
	timers_advance(rig->timers, LOGIN_REST_FIRST);
	for (int i = 0; i < LOGIN_SUSPECTS; i++)
		hold(rig, i, &rogues[i]);
	begin(rig, SERVERS - 1, &known);
	look_until(rig, known.rests == 1);
	begin(rig, SERVERS - 2, &other);
	run_until(rig, other.overs == 1);
	/* With no thread left a login waits for one. */
	for (int i = LOGIN_SUSPECTS; i < LOGIN_THREADS; i++)
		hold(rig, i, &rogues[i]);
	begin(rig, SERVERS - 2, &queued);
	begin(rig, SERVERS - 2, &other);
	login_cancel(other.login);
	for (int i = 0; i < 50; i++)
		turn(rig);
	assert_int_equal(queued.overs + queued.rests, 0);
	release(rig, 0);
	run_until(rig, queued.overs == 1);
}

static void the_end_waits_for_no_step(void **state)
{
	struct rig *rig = *state;
	struct seen rogue = {0};

	hold(rig, 0, &rogue);
	login_cancel(rogue.login);
	assert_true(logins_close(rig->logins));
	rig->logins = NULL;
	assert_int_equal(rig->backdoors[0].computing, 1);
	/* The thread frees what it has. */
	release(rig, 0);
	run_until(rig, rig->backdoors[0].freed == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(logs_in_step_by_step, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_failure_is_over_too, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_is_given_up_is_freed_in_silence, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_is_freed_is_not_waited_for, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(other_servers_go_on_while_a_step_computes, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_server_holds_one_thread_at_most, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(who_is_told_after_the_step_is_freed_too, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(it_is_asked_ever_more_rarely, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_slow_login_that_ends_well_is_no_reason_to_rest, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(one_that_ends_after_its_deadline_is_not_good, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(one_that_is_through_after_its_deadline_is_not_good, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_computes_goes_behind_all_other_work, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_step_that_waits_holds_its_thread_too, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(the_last_threads_are_for_servers_that_held_none, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(the_end_waits_for_no_step, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
