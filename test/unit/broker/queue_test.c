/* The queue and the life of operations: order, limits, retries, failure, recovery, placement. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "broker/internal.h"
#include "unit/broker/harness.h"

/* A create that fails for good is told, and leaves neither a record nor anything on the server. */
static void test_failed_create_leaves_nothing(void **state)
{
	struct world *world = *state;
	struct answer answer;

	scripted_rule(scripted(world), CALL_PROVISION, SCRIPTED_FAIL_FINAL, 1, 0, 0);
	answer = request(world, &ask_create, "instance", "db", "team", "red", NULL);
	assert_int_equal(answer.code, ERR_REFUSED);
	assert_string_not_equal(answer.text, "");
	pass(world, 1000);
	assert_int_equal(scripted_instances(scripted(world)), 0);
	assert_int_equal(request(world, &ask_bind, "instance", "db", "app", "shop", NULL).code, ERR_NOT_FOUND);
	assert_int_equal(request(world, &ask_create, "instance", "db", "team", "blue", NULL).code, 0);
}

/* Nobody sits out the whole wait for a server that is known to be down; a bind has no other answer than its work. */
static void test_a_change_does_not_wait_for_a_server_that_is_down(void **state)
{
	struct world *world = *state;
	struct ask update, bind, create;

	assert_int_equal(request(world, &ask_create, "instance", "db", "team", "red", NULL).code, 0);
	scripted_rule(scripted(world), CALL_UPDATE, SCRIPTED_FAIL_TRANSIENT, 10000, 0, 0);
	scripted_rule(scripted(world), CALL_PROVISION, SCRIPTED_FAIL_TRANSIENT, 10000, 0, 0);
	scripted_rule(scripted(world), CALL_BIND, SCRIPTED_FAIL_TRANSIENT, 10000, 0, 0);
	begin(world, &update, &ask_update, "instance", "db", "plan", "large", NULL);
	pass(world, 2500);
	assert_false(update.answer.came); /* its server is up */
	scripted_rule(scripted(world), CALL_CHECK, SCRIPTED_FAIL_TRANSIENT, 10000, 0, 0);
	pass(world, 7500); /* a check in 5 s, and the next look in 2 */
	assert_true(update.answer.came);
	assert_true(update.answer.code == 0 && update.answer.pending);
	begin(world, &create, &ask_create, "instance", "new", "team", "red", NULL);
	begin(world, &bind, &ask_bind, "instance", "db", "app", "shop", NULL);
	pass(world, 1500);
	assert_false(create.answer.came);
	pass(world, 600);
	assert_true(create.answer.came && create.answer.pending);
	pass(world, 60 * 1000);
	assert_false(bind.answer.came);
	scripted_clear_rules(scripted(world));
	pass(world, 60 * 1000);
	assert_true(bind.answer.came);
	assert_int_equal(bind.answer.code, 0);
}

/* One that fails after its caller was told "pending" stays visible, blocks nothing, and can be removed or retried. */
static void test_create_that_fails_later_is_shown(void **state)
{
	struct world *world = *state;

	scripted_rule(scripted(world), CALL_PROVISION, SCRIPTED_FAIL_TRANSIENT, 10000, 0, 0);
	assert_true(request(world, &ask_create, "instance", "db", "team", "red", NULL).pending);
	assert_int_equal(status_of(world, "db"), STATUS_PENDING);
	pass(world, 11 * 60 * 1000);
	assert_int_equal(status_of(world, "db"), STATUS_DOWN);
	assert_non_null(strstr(describe(world, "db"), "Last failure"));
	assert_int_equal(request(world, &ask_bind, "instance", "db", "app", "shop", NULL).code, ERR_REFUSED);
	scripted_clear_rules(scripted(world));
	assert_int_equal(request(world, &ask_retry, "instance", "db", NULL).code, 0);
	pass(world, 1000);
	assert_int_equal(status_of(world, "db"), STATUS_UP);
}

static void test_failed_instance_makes_way(void **state)
{
	struct world *world = *state;

	scripted_rule(scripted(world), CALL_PROVISION, SCRIPTED_FAIL_TRANSIENT, 10000, 0, 0);
	request(world, &ask_create, "instance", "db", "team", "red", NULL);
	pass(world, 11 * 60 * 1000);
	scripted_clear_rules(scripted(world));
	assert_int_equal(request(world, &ask_create, "instance", "db", "team", "blue", NULL).code, 0);
	pass(world, 1000);
	assert_int_equal(status_of(world, "db"), STATUS_UP);
	assert_int_equal(scripted_instances(scripted(world)), 1);
}

/* A bind that fails for good leaves no login and does not block a later one. */
static void test_failed_bind_leaves_nothing(void **state)
{
	struct world *world = *state;

	request(world, &ask_create, "instance", "db", "team", "red", NULL);
	scripted_rule(scripted(world), CALL_BIND, SCRIPTED_FAIL_FINAL, 1, 0, 0);
	assert_int_equal(request(world, &ask_bind, "instance", "db", "app", "shop", NULL).code, ERR_REFUSED);
	pass(world, 1000);
	assert_string_equal(binds(world, "db"), "[]");
	assert_int_equal(request(world, &ask_bind, "instance", "db", "app", "shop", NULL).code, 0);
}

static void test_bind_waits_for_the_instance(void **state)
{
	struct world *world = *state;
	struct ask creating;
	struct answer bound;

	scripted_rule(scripted(world), CALL_PROVISION, SCRIPTED_DELAY, 1, 5000, 0);
	begin(world, &creating, &ask_create, "instance", "db", "team", "red", NULL);
	settle(world);
	bound = request(world, &ask_bind, "instance", "db", "app", "shop", NULL);
	assert_int_equal(bound.code, 0);
	assert_true(scripted_password_is(scripted(world), bound.user, bound.password));
}

static void test_bind_of_what_is_never_ready(void **state)
{
	struct world *world = *state;

	scripted_rule(scripted(world), CALL_PROVISION, SCRIPTED_FAIL_TRANSIENT, 10000, 0, 0);
	request(world, &ask_create, "instance", "db", "team", "red", NULL);
	assert_int_equal(request(world, &ask_bind, "instance", "db", "app", "shop", NULL).code, ERR_NOT_READY);
}

static void test_bind_while_the_server_is_away(void **state)
{
	struct world *world = *state;
	struct answer answer;

	request(world, &ask_create, "instance", "db", "team", "red", NULL);
	scripted_rule(scripted(world), CALL_BIND, SCRIPTED_FAIL_TRANSIENT, 10000, 0, 0);
	answer = request(world, &ask_bind, "instance", "db", "app", "shop", NULL);
	assert_int_equal(answer.code, ERR_UNAVAILABLE);
	assert_non_null(strstr(answer.text, "repeat"));
	scripted_clear_rules(scripted(world));
	answer = request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e2", NULL);
	assert_int_equal(answer.code, 0);
	assert_true(scripted_password_is(scripted(world), answer.user, answer.password));
}

/* An attempt that gets no answer is given up at its deadline and made again. */
static void test_hanging_attempt_is_repeated(void **state)
{
	struct world *world = *state;

	scripted_rule(scripted(world), CALL_PROVISION, SCRIPTED_HANG, 1, 0, 0);
	assert_int_equal(request(world, &ask_create, "instance", "db", "team", "red", NULL).code, 0);
	assert_non_null(strstr(operations(world, "db"), "\"attempts\":2"));
}

/* Operations of one instance keep their order; those of others go on meanwhile. */
static void test_instances_do_not_wait_for_each_other(void **state)
{
	struct world *world = *state;
	struct ask slow, behind;

	scripted_rule(scripted(world), CALL_PROVISION, SCRIPTED_DELAY, 1, 8000, 0);
	begin(world, &slow, &ask_create, "instance", "slow", "team", "red", "pool", "east", NULL);
	settle(world);
	begin(world, &behind, &ask_bind, "instance", "slow", "app", "shop", NULL);
	settle(world);
	assert_int_equal(request(world, &ask_create, "instance", "quick", "team", "red", NULL).code, 0);
	assert_false(slow.answer.came || behind.answer.came);
	pass(world, 10000);
	assert_true(slow.answer.came && behind.answer.came);
	assert_int_equal(behind.answer.code, 0);
}

/* No more than `parallel` calls at once on a server. */
static void test_server_limit(void **state)
{
	struct world *world = *state;
	struct ask asks[4];
	char names[4][16];

	scripted_rule(scripted(world), CALL_PROVISION, SCRIPTED_DELAY, 4, 1000, 0);
	for (int i = 0; i < 4; i++) {
		snprintf(names[i], sizeof(names[i]), "db%d", i);
		begin(world, &asks[i], &ask_create, "instance", names[i], "team", "red", NULL);
	}
	settle(world);
	assert_int_equal(world->broker->queue.pending, 4);
	assert_true(world->broker->queue.running <= 4);
	pass(world, 5000);
	for (int i = 0; i < 4; i++)
		assert_int_equal(asks[i].answer.code, 0);
}

static void test_duplicates_join(void **state)
{
	struct world *world = *state;
	struct ask asks[5];

	scripted_rule(scripted(world), CALL_PROVISION, SCRIPTED_DELAY, 1, 1000, 0);
	for (int i = 0; i < 5; i++)
		begin(world, &asks[i], &ask_create, "instance", "db", "team", "red", "plan", "small", NULL);
	settle(world);
	assert_int_equal(world->broker->queue.pending, 1);
	assert_int_equal(world->broker->queue.waiting, 5);
	pass(world, 2000);
	for (int i = 0; i < 5; i++)
		assert_int_equal(asks[i].answer.code, 0);
}

static void test_many_binds_at_once(void **state)
{
	enum { COUNT = 200 };
	static struct ask asks[COUNT];
	static char apps[COUNT][16];
	struct world *world = *state;

	request(world, &ask_create, "instance", "db", "team", "red", NULL);
	for (int i = 0; i < COUNT; i++) {
		snprintf(apps[i], sizeof(apps[i]), "app-%d", i);
		begin(world, &asks[i], &ask_bind, "instance", "db", "app", apps[i], NULL);
	}
	pass(world, 20000);
	for (int i = 0; i < COUNT; i++) {
		assert_int_equal(asks[i].answer.code, 0);
		assert_true(scripted_password_is(scripted(world), asks[i].answer.user, asks[i].answer.password));
	}
}

/* New instances go where there is most room, until all is full; a removal makes room again. */
static void test_placement_and_capacity(void **state)
{
	struct world *world = *state;
	char name[16];

	for (int i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "db%d", i);
		assert_int_equal(request(world, &ask_create, "instance", name, "team", "red", NULL).code, 0);
	}
	assert_non_null(strstr(describe(world, "db0"), "\"Server\",\"value\":\"one\""));
	assert_int_equal(request(world, &ask_create, "instance", "db6", "team", "red", NULL).code, ERR_FORBIDDEN);
	restart(world);
	assert_int_equal(request(world, &ask_create, "instance", "db6", "team", "red", NULL).code, ERR_FORBIDDEN);
	assert_int_equal(request(world, &ask_remove, "instance", "db3", NULL).code, 0);
	assert_int_equal(request(world, &ask_create, "instance", "db6", "team", "red", NULL).code, 0);
}

static void test_history_is_bounded(void **state)
{
	struct world *world = *state;
	size_t count = 0;

	request(world, &ask_create, "instance", "db", "team", "red", NULL);
	for (int i = 0; i < 40; i++)
		request(world, &ask_bind, "instance", "db", "app", "shop", NULL);
	for (const char *at = operations(world, "db"); (at = strstr(at, "\"id\"")) != NULL; at++)
		count++;
	assert_int_equal(count, world->config->limits.history);
}

static void test_bad_requests_are_refused_with_a_sentence(void **state)
{
	struct world *world = *state;
	struct answer answer = request(world, &ask_create, "instance", "plans", "team", "red", NULL);

	assert_int_equal(answer.code, ERR_INVALID);
	assert_int_equal(request(world, &ask_create, "instance", "9db", "team", "red", NULL).code, ERR_INVALID);
	answer = request(world, &ask_create, "instance", "db", "team", "red", "plan", "huge", NULL);
	assert_int_equal(answer.code, ERR_INVALID);
	assert_non_null(strstr(answer.text, "small, large"));
	answer = request(world, &ask_create, "instance", "db", "team", "red", "parameters", "{\"color\":\"x\"}", NULL);
	assert_int_equal(answer.code, ERR_INVALID);
	assert_non_null(strstr(answer.text, "color"));
	assert_int_equal(request(world, &ask_create, "instance", "db", "parameters", "{\"size\":\"101\"}", NULL).code,
	                 ERR_INVALID);
	request(world, &ask_create, "instance", "db", "team", "red", NULL);
	assert_int_equal(request(world, &ask_bind, "instance", "db", "app", "No Name", NULL).code, ERR_INVALID);
	assert_int_equal(
	    request(world, &ask_bind, "instance", "db", "app", "shop", "parameters", "{\"env_prefix\":\"1-\"}", NULL)
	        .code,
	    ERR_INVALID);
}

static void test_protected_from_removal(void **state)
{
	struct world *world = *state;
	struct answer answer;

	request(world, &ask_create, "instance", "db", "team", "red", "event", "e1", "parameters",
	        "{\"deletion_protection\":\"true\"}", NULL);
	answer = request(world, &ask_remove, "instance", "db", "event", "e2", NULL);
	assert_int_equal(answer.code, ERR_FORBIDDEN);
	assert_non_null(strstr(answer.text, "deletion_protection=false"));
	assert_int_equal(status_of(world, "db"), STATUS_UP);
	assert_int_equal(
	    request(world, &ask_update, "instance", "db", "parameters", "{\"deletion_protection\":\"maybe\"}", NULL)
	        .code,
	    ERR_INVALID);
	assert_int_equal(
	    request(world, &ask_update, "instance", "db", "parameters", "{\"deletion_protection\":false}", NULL).code,
	    0);
	assert_int_equal(request(world, &ask_remove, "instance", "db", "event", "e2", NULL).code, 0);
	/* tsuru takes its own create back (S2): the same event. */
	request(world, &ask_create, "instance", "db", "team", "red", "event", "e3", "parameters",
	        "{\"deletion_protection\":true}", NULL);
	assert_int_equal(request(world, &ask_remove, "instance", "db", "event", "e3", NULL).code, 0);
}

static void test_environment_layers(void **state)
{
	struct world *world = *state;
	struct answer answer;

	request(world, &ask_create, "service", "relay", "instance", "mail", "team", "red", NULL);
	answer = request(world, &ask_bind, "service", "relay", "instance", "mail", "app", "shop", NULL);
	assert_int_equal(answer.code, 0);
	assert_int_equal(answer.variables, 2);
	assert_string_equal(answer.user, "mail-shop");
}

static void test_old_clients_bind_by_host(void **state)
{
	struct world *world = *state;
	struct answer answer;

	request(world, &ask_create, "instance", "db", "team", "red", NULL);
	answer = request(world, &ask_bind, "instance", "db", "host", "shop.example.com", NULL);
	assert_int_equal(answer.code, 0);
	assert_true(scripted_password_is(scripted(world), answer.user, answer.password));
	assert_int_equal(request(world, &ask_unbind, "instance", "db", "host", "shop.example.com", NULL).code, 0);
	assert_false(scripted_password_is(scripted(world), answer.user, answer.password));
}

/* A removal that the server refuses is told, shown, and can be asked for again. */
static void test_failed_removal_can_be_repeated(void **state)
{
	struct world *world = *state;

	request(world, &ask_create, "instance", "db", "team", "red", NULL);
	scripted_rule(scripted(world), CALL_DEPROVISION, SCRIPTED_FAIL_FINAL, 2, 0, 0);
	assert_int_equal(request(world, &ask_remove, "instance", "db", NULL).code, ERR_REFUSED);
	assert_int_equal(status_of(world, "db"), STATUS_DOWN);
	assert_non_null(strstr(describe(world, "db"), "Last failure"));
	assert_int_equal(request(world, &ask_remove, "instance", "db", NULL).code, ERR_REFUSED);
	assert_int_equal(request(world, &ask_retry, "instance", "db", NULL).code, 0);
	pass(world, 1000);
	assert_int_equal(scripted_instances(scripted(world)), 0);
	assert_int_equal(request(world, &ask_remove, "instance", "db", NULL).code, 0);
}

/* A bind that waits for a create which fails for good is told so. */
static void test_bind_behind_a_failing_create(void **state)
{
	struct world *world = *state;
	struct ask creating, binding;

	scripted_rule(scripted(world), CALL_PROVISION, SCRIPTED_FAIL_FINAL, 1, 3000, 0);
	begin(world, &creating, &ask_create, "instance", "db", "team", "red", NULL);
	settle(world);
	begin(world, &binding, &ask_bind, "instance", "db", "app", "shop", NULL);
	pass(world, 5000);
	assert_int_equal(creating.answer.code, ERR_REFUSED);
	assert_int_equal(binding.answer.code, ERR_CANCELED);
	assert_int_equal(request(world, &ask_create, "instance", "db", "team", "red", NULL).code, 0);
	assert_string_equal(binds(world, "db"), "[]");
}

/* The same when nobody waits for the create any more, so that its record stays. */
static void test_bind_behind_a_create_that_expires(void **state)
{
	struct world *world = *state;
	struct ask binding;

	scripted_rule(scripted(world), CALL_PROVISION, SCRIPTED_FAIL_TRANSIENT, 0, 0, 0);
	request(world, &ask_create, "instance", "db", "team", "red", NULL);
	pass(world, 9 * 60 * 1000);
	begin(world, &binding, &ask_bind, "instance", "db", "app", "shop", NULL);
	pass(world, 2 * 60 * 1000);
	assert_int_equal(binding.answer.code, ERR_CANCELED);
	assert_non_null(strstr(binding.answer.text, "could not be created"));
	assert_string_equal(binds(world, "db"), "[]");
}

/* An unbind is accepted in the very turn in which the bind's result is written. */
static void test_result_that_comes_too_late(void **state)
{
	struct world *world = *state;
	struct ask binding, unbinding;

	request(world, &ask_create, "instance", "db", "team", "red", NULL);
	scripted_rule(scripted(world), CALL_BIND, SCRIPTED_DELAY, 1, 1000, 0);
	begin(world, &binding, &ask_bind, "instance", "db", "app", "shop", NULL);
	settle(world);
	begin(world, &unbinding, &ask_unbind, "instance", "db", "app", "shop", NULL);
	timers_advance(world->timers, 1000);
	pass(world, 1000);
	assert_int_equal(binding.answer.code, 0);
	assert_int_equal(unbinding.answer.code, 0);
	assert_string_equal(binds(world, "db"), "[]");
	assert_int_equal(scripted_logins(scripted(world)), 0);
}

/* With a full disk a result is told only once it could be written. */
static void test_result_that_cannot_be_saved(void **state)
{
	struct world *world = *state;
	struct rlimit before, full;
	struct ask creating;

	scripted_rule(scripted(world), CALL_PROVISION, SCRIPTED_DELAY, 1, 1000, 0);
	begin(world, &creating, &ask_create, "instance", "db", "team", "red", NULL);
	settle(world);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	full = before;
	full.rlim_cur = 4096;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	timers_advance(world->timers, 1000);
	settle(world);
	assert_false(creating.answer.came);
	assert_int_equal(request(world, &ask_create, "instance", "other", "team", "red", NULL).code, ERR_NO_SPACE);
	assert_int_equal(status_of(world, "db"), STATUS_PENDING);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	pass(world, 3000);
	assert_true(creating.answer.came);
	assert_int_equal(creating.answer.code, 0);
	assert_int_equal(status_of(world, "db"), STATUS_UP);
}

/* A plan that went from the configuration, and came back. */
static void test_plan_that_is_no_longer_offered(void **state)
{
	struct world *world = *state;

	request(world, &ask_create, "instance", "db", "team", "red", "plan", "large", NULL);
	restart_edited(world, "name: large", "name: larger");
	assert_int_equal(request(world, &ask_bind, "instance", "db", "app", "shop", NULL).code, ERR_INVALID);
	assert_int_equal(request(world, &ask_update, "instance", "db", "plan", "larger", NULL).code, 0);
	assert_int_equal(request(world, &ask_bind, "instance", "db", "app", "shop", NULL).code, 0);
}

/* Work of a service that is not configured waits until it is again. */
/* What a plan's options have become reaches an instance with its next update, also one that asks for nothing new. */
static void test_update_applies_what_the_plan_has_become(void **state)
{
	struct world *world = *state;
	size_t before;

	request(world, &ask_create, "instance", "db", "team", "red", "plan", "small", NULL);
	before = scripted_begun(scripted(world), CALL_UPDATE);
	assert_int_equal(request(world, &ask_update, "instance", "db", NULL).code, 0);
	assert_int_equal(scripted_begun(scripted(world), CALL_UPDATE), before + 1);
}

static void test_service_that_is_not_configured(void **state)
{
	struct world *world = *state;
	struct ask creating;

	scripted_rule(scripted(world), CALL_PROVISION, SCRIPTED_HANG, 0, 0, 0);
	begin(world, &creating, &ask_create, "instance", "db", "team", "red", NULL);
	settle(world);
	restart_edited(world, "name: one,", "name: elsewhere,");
	pass(world, 60000);
	assert_int_equal(status_of(world, "db"), STATUS_PENDING);
	restart_edited(world, "", "");
	pass(world, 1000);
	assert_int_equal(status_of(world, "db"), STATUS_UP);
}

static void on_written(void *arg, int code, const struct error *error, uint64_t revision)
{
	(void)arg;
	(void)error;
	(void)revision;
	assert_int_equal(code, 0);
}

/* A sweep takes many tombstones in parts. */
static void test_sweep_in_parts(void **state)
{
	struct world *world = *state;
	struct changes changes;
	char name[16];

	changes_begin(&changes, world->broker->catalog.records);
	for (int i = 0; i < 1200; i++) {
		const struct instance gone = {.incarnation = "0123456789abcdef", .service = "scripted", .name = name};

		snprintf(name, sizeof(name), "db%d", i);
		changes_put_tombstone(&changes, &gone, WALL);
	}
	assert_int_equal(changes_commit(&changes, on_written, NULL, NULL), 0);
	settle(world);
	assert_true(records_is_removed(world->broker->catalog.records, "scripted", "db1199"));
	world->passed += 31LL * 24 * 3600 * 1000;
	restart(world);
	pass(world, 6 * 60 * 1000);
	for (int i = 0; i < 1200; i++) {
		snprintf(name, sizeof(name), "db%d", i);
		assert_false(records_is_removed(world->broker->catalog.records, "scripted", name));
	}
}

/* What an unbind left behind, and tombstones, go when their time is over. */
static void test_memories_fade(void **state)
{
	struct world *world = *state;
	struct answer bound, again;

	request(world, &ask_create, "instance", "db", "team", "red", NULL);
	request(world, &ask_create, "instance", "gone", "team", "red", NULL);
	bound = request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e1", NULL);
	request(world, &ask_unbind, "instance", "db", "app", "shop", "event", "e2", NULL);
	request(world, &ask_remove, "instance", "gone", NULL);
	world->passed += 31LL * 24 * 3600 * 1000;
	restart(world);
	pass(world, 6 * 60 * 1000);
	assert_int_equal(request(world, &ask_remove, "instance", "gone", NULL).code, ERR_NOT_FOUND);
	again = request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e2", NULL);
	assert_int_equal(again.code, 0);
	assert_string_not_equal(again.password, bound.password);
}

/* ---- several brokers on one store ---- */

static bool may_call(void *arg)
{
	return *(bool *)arg;
}

static void test_nothing_begins_near_the_end_of_a_lease(void **state)
{
	struct world *world = *state;
	bool may = false;
	struct ask create;

	pass(world, 1000);
	world->broker->catalog.context.may_call = may_call;
	world->broker->catalog.context.arg = &may;
	begin(world, &create, &ask_create, "instance", "db", "team", "red", NULL);
	pass(world, 6000); /* a check would have been due, too */
	assert_int_equal(scripted_begun(scripted(world), CALL_PROVISION), 0);
	assert_false(create.answer.came);
	may = true;
	pass(world, 1000);
	assert_true(create.answer.came);
	assert_int_equal(create.answer.code, 0);
	assert_int_equal(scripted_begun(scripted(world), CALL_PROVISION), 1);
}

/* Who waits is told, what runs is cancelled, and all of it is taken up by the next that begins. */
static void test_resigned(void **state)
{
	struct world *world = *state;
	struct ask create, bind;
	struct error error;

	request(world, &ask_create, "instance", "old", "team", "red", NULL);
	scripted_rule(scripted(world), CALL_PROVISION, SCRIPTED_HANG, 1, 0, 0);
	begin(world, &create, &ask_create, "instance", "db", "team", "red", NULL);
	scripted_rule(scripted(world), CALL_BIND, SCRIPTED_HANG, 1, 0, 0);
	begin(world, &bind, &ask_bind, "instance", "old", "app", "shop", NULL);
	pass(world, 100);
	assert_false(create.answer.came || bind.answer.came);
	assert_int_equal(broker_resign(world->broker, &error), 0);
	assert_true(create.answer.came && bind.answer.came);
	assert_int_equal(create.answer.code, ERR_UNAVAILABLE);
	assert_int_equal(bind.answer.code, ERR_UNAVAILABLE);
	assert_int_equal(broker_has_begun(world->broker, &error), ERR_UNAVAILABLE);
	pass(world, 60 * 1000);
	assert_int_equal(scripted_instances(scripted(world)), 1);

	assert_int_equal(broker_begin(world->broker, &error), 0);
	assert_int_equal(broker_has_begun(world->broker, &error), 0);
	pass(world, 1000);
	assert_int_equal(status_of(world, "db"), STATUS_UP);
	assert_int_equal(request(world, &ask_bind, "instance", "old", "app", "shop", NULL).code, 0);
}

#define LIFE(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    LIFE(test_failed_create_leaves_nothing),
	    LIFE(test_a_change_does_not_wait_for_a_server_that_is_down),
	    LIFE(test_create_that_fails_later_is_shown),
	    LIFE(test_failed_instance_makes_way),
	    LIFE(test_failed_bind_leaves_nothing),
	    LIFE(test_bind_waits_for_the_instance),
	    LIFE(test_bind_of_what_is_never_ready),
	    LIFE(test_bind_while_the_server_is_away),
	    LIFE(test_hanging_attempt_is_repeated),
	    LIFE(test_instances_do_not_wait_for_each_other),
	    LIFE(test_server_limit),
	    LIFE(test_duplicates_join),
	    LIFE(test_many_binds_at_once),
	    LIFE(test_placement_and_capacity),
	    LIFE(test_history_is_bounded),
	    LIFE(test_bad_requests_are_refused_with_a_sentence),
	    LIFE(test_protected_from_removal),
	    LIFE(test_environment_layers),
	    LIFE(test_old_clients_bind_by_host),
	    LIFE(test_memories_fade),
	    LIFE(test_nothing_begins_near_the_end_of_a_lease),
	    LIFE(test_resigned),
	    LIFE(test_failed_removal_can_be_repeated),
	    LIFE(test_bind_behind_a_failing_create),
	    LIFE(test_bind_behind_a_create_that_expires),
	    LIFE(test_result_that_comes_too_late),
	    LIFE(test_result_that_cannot_be_saved),
	    LIFE(test_plan_that_is_no_longer_offered),
	    LIFE(test_update_applies_what_the_plan_has_become),
	    LIFE(test_service_that_is_not_configured),
	    LIFE(test_sweep_in_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
