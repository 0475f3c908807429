/* What a removal promised holds, whatever came after it: content that was to be retained can be brought back. Each test
 * is one way to ask for a removal again, or to go on from one that failed. */
#include "unit/broker/harness.h"

#include <stdio.h>
#include <string.h>

#include "broker/internal.h"
#include "queue/queue.h"
#include "requests/operator.h"

#define MINUTE (60 * 1000)
#define HOUR   (60 * MINUTE)
#define SMALL  "{name: small, description: a, weight: 1}"
#define RETAIN "{name: small, description: a, retain: 2h, weight: 1}"

/* ---- what the tests have before them ---- */

static struct answer bound;                      /* the credentials of its app */
static char incarnation[INCARNATION_LENGTH + 1]; /* of the instance under test */
static char resource[BACKEND_NAME_MAX + 1];      /* its name on the server */
static const struct caller operator= {.user = "ops"};

static void read_record(struct world *world, struct arena *arena, struct held_instance *ret_held)
{
	assert_int_equal(records_read_instance(world->broker->catalog.records, arena, incarnation, ret_held, NULL), 0);
}

static enum instance_state state_of(struct world *world)
{
	struct held_instance held;
	struct arena arena;

	arena_init(&arena);
	read_record(world, &arena, &held);
	snprintf(resource, sizeof(resource), "%s", held.record.resource);
	arena_release(&arena);
	return held.record.state;
}

static void make_used(struct world *world, const char *event)
{
	assert_int_equal(
	    request(world, &ask_create, "instance", "mydb", "plan", "small", "team", "t", "event", event, NULL).code,
	    0);
	bound = request(world, &ask_bind, "instance", "mydb", "app", "shop", "event", "bound", NULL);
	assert_int_equal(bound.code, 0);
	strcpy(incarnation, incarnation_of(world, "mydb"));
	assert_int_equal(state_of(world), INSTANCE_READY);
}

/* An instance in use, whose removal has failed for good once. */
static void fail_removal(struct world *world)
{
	restart_edited(world, SMALL, RETAIN);
	make_used(world, "made");
	scripted_rule(scripted(world), CALL_RETIRE, SCRIPTED_FAIL_FINAL, 1, 0, 0);
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", "event", "first", NULL).code, ERR_REFUSED);
	assert_int_equal(state_of(world), INSTANCE_REMOVAL_FAILED);
}

static const char *pending_id(struct world *world, enum operation_kind kind)
{
	static char id[OPERATION_ID_LENGTH + 1];
	const struct job *job = queue_find(&world->broker->queue, incarnation, NULL, kind);

	assert_non_null(job);
	strcpy(id, job->id);
	return id;
}

static void cancel(struct world *world, enum operation_kind kind)
{
	struct error error;

	assert_int_equal(
	    operator_cancel(broker_requests(world->broker), &operator, pending_id(world, kind), NULL, NULL, &error), 0);
	settle(world);
	pass(world, 1000);
	assert_null(queue_find(&world->broker->queue, incarnation, NULL, kind));
}

/* One whose removal an operator has canceled while its server was away. */
static void cancel_removal(struct world *world)
{
	struct ask ask;

	restart_edited(world, SMALL, RETAIN);
	make_used(world, "made");
	scripted_rule(scripted(world), CALL_RETIRE, SCRIPTED_FAIL_TRANSIENT, 0, 0, 0);
	begin(world, &ask, &ask_remove, "instance", "mydb", "event", "first", NULL);
	pass(world, 1000);
	assert_int_equal(status_of(world, "mydb"), STATUS_PENDING);
	cancel(world, OPERATION_REMOVE);
	assert_true(ask.answer.came);
	assert_non_null(strstr(ask.answer.text, "canceled"));
	scripted_clear_rules(scripted(world));
	assert_int_equal(state_of(world), INSTANCE_REMOVAL_FAILED);
}

/* It is locked away, and comes back with what was in it. */
static void expect_kept(struct world *world)
{
	assert_int_equal(state_of(world), INSTANCE_RETAINED);
	assert_true(scripted_is_retired(scripted(world), resource));
	pass(world, HOUR + 55 * MINUTE);
	assert_true(scripted_has_instance(scripted(world), resource));
	assert_int_equal(request(world, &ask_restore, "incarnation", incarnation, "instance", "back", NULL).code, 0);
	assert_false(scripted_is_retired(scripted(world), resource));
	assert_true(scripted_password_is(scripted(world), bound.user, bound.password));
	assert_int_equal(status_of(world, "back"), STATUS_UP);
	assert_int_equal(scripted_begun(scripted(world), CALL_DEPROVISION), 0);
}

/* ---- asked for again ---- */

static void test_removed_again(void **state)
{
	struct world *world = *state;

	fail_removal(world);
	assert_int_equal(status_of(world, "mydb"), STATUS_DOWN);
	assert_non_null(strstr(describe(world, "mydb"), "removal-failed"));
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", "event", "second", NULL).code, 0);
	expect_kept(world);
}

static void test_removed_again_by_the_event_of_its_create(void **state)
{
	struct world *world = *state;

	fail_removal(world);
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", "event", "made", NULL).code, 0);
	expect_kept(world);
}

static void test_removed_again_and_again(void **state)
{
	struct world *world = *state;

	fail_removal(world);
	scripted_rule(scripted(world), CALL_RETIRE, SCRIPTED_FAIL_AFTER, 2, 0, 0);
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", NULL).code, ERR_REFUSED);
	assert_int_equal(request(world, &ask_retry, "instance", "mydb", NULL).code, 0);
	pass(world, 1000);
	assert_int_equal(state_of(world), INSTANCE_REMOVAL_FAILED);
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", NULL).code, 0);
	expect_kept(world);
}

static void test_retried_by_its_user(void **state)
{
	struct world *world = *state;

	fail_removal(world);
	assert_int_equal(request(world, &ask_retry, "instance", "mydb", NULL).code, 0);
	settle(world);
	expect_kept(world);
}

static void test_retried_by_an_operator(void **state)
{
	struct world *world = *state;

	fail_removal(world);
	assert_int_equal(request(world, &ask_retry, "incarnation", incarnation, NULL).code, 0);
	settle(world);
	expect_kept(world);
}

static void test_retried_under_a_newer_one_of_its_name(void **state)
{
	struct world *world = *state;

	fail_removal(world);
	assert_int_equal(request(world, &ask_create, "instance", "mydb", "plan", "small", "team", "u", NULL).code, 0);
	assert_string_not_equal(incarnation_of(world, "mydb"), incarnation);
	assert_int_equal(state_of(world), INSTANCE_REMOVAL_FAILED);
	assert_int_equal(request(world, &ask_retry, "incarnation", incarnation, NULL).code, 0);
	settle(world);
	expect_kept(world);
}

static void test_canceled_and_removed_again(void **state)
{
	struct world *world = *state;

	cancel_removal(world);
	assert_int_equal(status_of(world, "mydb"), STATUS_DOWN);
	assert_non_null(strstr(describe(world, "mydb"), "an operator canceled it"));
	assert_int_equal(request(world, &ask_update, "instance", "mydb", "plan", "large", NULL).code, ERR_REFUSED);
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", NULL).code, 0);
	expect_kept(world);
}

static void test_canceled_and_retried(void **state)
{
	struct world *world = *state;

	cancel_removal(world);
	assert_int_equal(request(world, &ask_retry, "instance", "mydb", NULL).code, 0);
	settle(world);
	expect_kept(world);
}

/* Its server is not in the configuration: nothing runs, and it can be canceled all the same. */
static void test_canceled_without_its_server(void **state)
{
	struct world *world = *state;
	struct ask ask;

	restart_edited(world, SMALL, RETAIN);
	make_used(world, "made");
	scripted_rule(scripted(world), CALL_RETIRE, SCRIPTED_FAIL_TRANSIENT, 0, 0, 0);
	begin(world, &ask, &ask_remove, "instance", "mydb", NULL);
	pass(world, 1000);
	reload_edited(world, "name: one,", "name: three,");
	pass(world, MINUTE);
	cancel(world, OPERATION_REMOVE);
	assert_int_equal(state_of(world), INSTANCE_REMOVAL_FAILED);
	reload_edited(world, SMALL, RETAIN);
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", NULL).code, 0);
	expect_kept(world);
}

/* ---- over restarts and other configurations ---- */

static void test_over_a_restart(void **state)
{
	struct world *world = *state;

	fail_removal(world);
	restart(world);
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", NULL).code, 0);
	expect_kept(world);
}

static void test_under_another_plan(void **state)
{
	static const char *const plans[] = {"{name: small, description: a, retain: 0, weight: 1}",
	                                    "{name: tiny, description: a, retain: 0, weight: 1}"};
	struct world *world = *state;

	fail_removal(world);
	for (size_t i = 0; i < sizeof(plans) / sizeof(*plans); i++) {
		reload_edited(world, SMALL, plans[i]);
		scripted_rule(scripted(world), CALL_RETIRE, SCRIPTED_FAIL_FINAL, 1, 0, 0);
		assert_int_equal(request(world, &ask_remove, "instance", "mydb", NULL).code, ERR_REFUSED);
	}
	restart_edited(world, SMALL, plans[0]);
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", NULL).code, 0);
	expect_kept(world);
}

static void test_a_pending_one_under_another_plan(void **state)
{
	struct world *world = *state;
	struct ask ask;

	restart_edited(world, SMALL, RETAIN);
	make_used(world, "made");
	scripted_rule(scripted(world), CALL_RETIRE, SCRIPTED_FAIL_TRANSIENT, 0, 0, 0);
	begin(world, &ask, &ask_remove, "instance", "mydb", NULL);
	pass(world, 1000);
	restart_edited(world, SMALL, "{name: tiny, description: a, weight: 1}");
	pass(world, MINUTE);
	expect_kept(world);
}

/* What was kept for two hours is kept when the plan that said so is gone before anybody removes it. */
static void test_without_its_plan(void **state)
{
	struct world *world = *state;

	restart_edited(world, SMALL, RETAIN);
	make_used(world, "made");
	restart_edited(world, SMALL, "{name: tiny, description: a, weight: 1}");
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", NULL).code, 0);
	expect_kept(world);
}

/* ---- taken back ---- */

static void test_canceled_and_taken_back(void **state)
{
	struct world *world = *state;
	struct answer other;

	cancel_removal(world);
	scripted_rule(scripted(world), CALL_RETIRE, SCRIPTED_FAIL_AFTER, 1, 0, 0); /* half of it is done */
	request(world, &ask_remove, "instance", "mydb", NULL);
	assert_true(scripted_is_retired(scripted(world), resource));
	assert_int_equal(request(world, &ask_restore, "incarnation", incarnation, NULL).code, 0);
	assert_false(scripted_is_retired(scripted(world), resource));
	assert_int_equal(status_of(world, "mydb"), STATUS_UP);
	assert_true(scripted_password_is(scripted(world), bound.user, bound.password));
	other = request(world, &ask_bind, "instance", "mydb", "app", "shop", "event", "bound", NULL);
	assert_string_equal(other.password, bound.password);
	/* and a removal of it is as the first one would have been */
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", NULL).code, 0);
	expect_kept(world);
}

static void test_what_was_taken_back_has_the_plan_of_now(void **state)
{
	struct world *world = *state;

	cancel_removal(world);
	assert_int_equal(request(world, &ask_restore, "incarnation", incarnation, NULL).code, 0);
	reload_edited(world, SMALL, "{name: small, description: a, retain: 0, weight: 1}");
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", NULL).code, 0);
	assert_int_equal(scripted_instances(scripted(world)), 0);
}

static void test_not_taken_back(void **state)
{
	struct world *world = *state;

	fail_removal(world);
	scripted_rule(scripted(world), CALL_RESTORE, SCRIPTED_FAIL_FINAL, 2, 0, 0);
	assert_int_equal(request(world, &ask_restore, "incarnation", incarnation, NULL).code, ERR_REFUSED);
	assert_int_equal(state_of(world), INSTANCE_REMOVAL_FAILED);
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", NULL).code, 0);
	assert_int_equal(request(world, &ask_restore, "incarnation", incarnation, NULL).code, ERR_REFUSED);
	expect_kept(world);
}

/* The one that is brought back is removed before it is there. */
static void test_removed_while_it_is_taken_back(void **state)
{
	struct world *world = *state;
	struct ask back, again;

	fail_removal(world);
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", NULL).code, 0);
	scripted_rule(scripted(world), CALL_RESTORE, SCRIPTED_HANG, 1, 0, 0);
	begin(world, &back, &ask_restore, "incarnation", incarnation, NULL);
	settle(world);
	begin(world, &again, &ask_remove, "instance", "mydb", NULL);
	settle(world);
	assert_int_equal(scripted_release(scripted(world)), 1);
	settle(world);
	assert_true(back.answer.came && again.answer.came);
	expect_kept(world);
}

/* tsuru takes back the create that took over what was adopted or brought back: its content is not that create's. */
static void test_an_undone_takeover(void **state)
{
	struct world *world = *state;

	fail_removal(world);
	request(world, &ask_remove, "instance", "mydb", NULL);
	assert_int_equal(request(world, &ask_restore, "incarnation", incarnation, NULL).code, 0);
	assert_int_equal(
	    request(world, &ask_create, "instance", "mydb", "plan", "small", "team", "t", "event", "anew", NULL).code,
	    0);
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", "event", "anew", NULL).code, 0);
	expect_kept(world);
}

static void test_an_undone_takeover_of_what_was_adopted(void **state)
{
	struct world *world = *state;

	restart_edited(world, SMALL, RETAIN);
	scripted_put_instance(scripted(world), "legacy", "none");
	assert_int_equal(request(world, &ask_adopt, "instance", "mydb", "team", "t", "plan", "small", "server", "one",
	                         "resource", "legacy", NULL)
	                     .code,
	                 0);
	strcpy(incarnation, incarnation_of(world, "mydb"));
	assert_int_equal(
	    request(world, &ask_create, "instance", "mydb", "plan", "small", "team", "t", "event", "anew", NULL).code,
	    0);
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", "event", "anew", NULL).code, 0);
	assert_int_equal(state_of(world), INSTANCE_RETAINED);
	assert_true(scripted_is_retired(scripted(world), "legacy"));
}

/* ---- purges ---- */

static void test_a_failed_purge(void **state)
{
	struct world *world = *state;

	fail_removal(world);
	request(world, &ask_remove, "instance", "mydb", NULL);
	scripted_rule(scripted(world), CALL_DEPROVISION, SCRIPTED_FAIL_FINAL, 1, 0, 0);
	assert_int_equal(request(world, &ask_purge, "incarnation", incarnation, NULL).code, ERR_REFUSED);
	assert_int_equal(state_of(world), INSTANCE_RETAINED);
	assert_int_equal(request(world, &ask_restore, "incarnation", incarnation, NULL).code, 0);
	assert_true(scripted_password_is(scripted(world), bound.user, bound.password));
}

static void test_a_canceled_purge(void **state)
{
	struct world *world = *state;
	struct ask ask;

	fail_removal(world);
	request(world, &ask_remove, "instance", "mydb", NULL);
	scripted_rule(scripted(world), CALL_DEPROVISION, SCRIPTED_FAIL_TRANSIENT, 0, 0, 0);
	begin(world, &ask, &ask_purge, "incarnation", incarnation, NULL);
	pass(world, 1000);
	cancel(world, OPERATION_REMOVE);
	assert_int_equal(state_of(world), INSTANCE_RETAINED);
	scripted_clear_rules(scripted(world));
	pass(world, HOUR);
	assert_true(scripted_is_retired(scripted(world), resource));
	pass(world, 2 * HOUR); /* its time is over */
	assert_int_equal(scripted_instances(scripted(world)), 0);
}

/* An operator who retries what an operator asked for gets it; what is only retained stays. */
static void test_a_purge_that_is_retried(void **state)
{
	struct world *world = *state;

	fail_removal(world);
	request(world, &ask_remove, "instance", "mydb", NULL);
	assert_int_equal(request(world, &ask_retry, "incarnation", incarnation, NULL).code, 0);
	settle(world);
	assert_int_equal(state_of(world), INSTANCE_RETAINED);
	scripted_rule(scripted(world), CALL_DEPROVISION, SCRIPTED_FAIL_FINAL, 1, 0, 0);
	request(world, &ask_purge, "incarnation", incarnation, NULL);
	assert_int_equal(request(world, &ask_retry, "incarnation", incarnation, NULL).code, 0);
	settle(world);
	assert_int_equal(scripted_instances(scripted(world)), 0);
}

/* tsuru was told that the removal had been accepted; that somebody brought the instance back elsewhere is not its
 * affair. */
static void test_removed_again_while_back_under_another_name(void **state)
{
	struct world *world = *state;

	fail_removal(world);
	assert_int_equal(request(world, &ask_restore, "incarnation", incarnation, "instance", "back", NULL).code, 0);
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", "event", "second", NULL).code, 0);
	assert_int_equal(status_of(world, "back"), STATUS_UP);
}

static void test_an_undelete_that_is_retried(void **state)
{
	struct world *world = *state;

	fail_removal(world);
	request(world, &ask_remove, "instance", "mydb", NULL);
	scripted_rule(scripted(world), CALL_RESTORE, SCRIPTED_FAIL_FINAL, 1, 0, 0);
	assert_int_equal(request(world, &ask_restore, "incarnation", incarnation, "instance", "back", NULL).code,
	                 ERR_REFUSED);
	assert_int_equal(request(world, &ask_retry, "incarnation", incarnation, NULL).code, 0);
	settle(world);
	assert_int_equal(status_of(world, "back"), STATUS_UP);
}

/* A purge when the time is over fails for good: it is tried again by itself, in a while. */
static void test_a_purge_that_fails_when_its_time_is_over(void **state)
{
	struct world *world = *state;

	fail_removal(world);
	request(world, &ask_remove, "instance", "mydb", NULL);
	scripted_rule(scripted(world), CALL_DEPROVISION, SCRIPTED_FAIL_FINAL, 1, 0, 0);
	pass(world, 2 * HOUR + 10 * MINUTE);
	assert_int_equal(state_of(world), INSTANCE_RETAINED);
	assert_int_equal(scripted_begun(scripted(world), CALL_DEPROVISION), 1);
	pass(world, HOUR);
	assert_int_equal(scripted_instances(scripted(world)), 0);
}

/* ---- nothing to keep ---- */

static void test_what_never_was_ready_is_dropped(void **state)
{
	struct world *world = *state;
	struct ask create, removal;

	restart_edited(world, SMALL, RETAIN);
	scripted_rule(scripted(world), CALL_PROVISION, SCRIPTED_FAIL_TRANSIENT, 0, 0, 0);
	begin(world, &create, &ask_create, "instance", "mydb", "plan", "small", "team", "t", NULL);
	pass(world, 1000);
	strcpy(incarnation, incarnation_of(world, "mydb"));
	scripted_rule(scripted(world), CALL_DEPROVISION, SCRIPTED_FAIL_FINAL, 1, 0, 0);
	begin(world, &removal, &ask_remove, "instance", "mydb", NULL);
	pass(world, 1000);
	assert_int_equal(removal.answer.code, ERR_REFUSED);
	assert_int_equal(state_of(world), INSTANCE_REMOVAL_FAILED);
	assert_int_equal(request(world, &ask_restore, "incarnation", incarnation, NULL).code, ERR_REFUSED);
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", NULL).code, 0);
	assert_int_equal(scripted_begun(scripted(world), CALL_RETIRE), 0);
}

static void test_a_plan_that_keeps_nothing(void **state)
{
	struct world *world = *state;

	make_used(world, "made");
	scripted_rule(scripted(world), CALL_DEPROVISION, SCRIPTED_FAIL_FINAL, 1, 0, 0);
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", NULL).code, ERR_REFUSED);
	reload_edited(world, SMALL, RETAIN);
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", NULL).code, 0);
	assert_int_equal(scripted_instances(scripted(world)), 0);
}

/* ---- other operations that are canceled, and then ---- */

static void test_an_update_that_a_canceled_removal_ended(void **state)
{
	struct world *world = *state;
	struct ask update, removal;

	restart_edited(world, SMALL, RETAIN);
	make_used(world, "made");
	scripted_rule(scripted(world), CALL_UPDATE, SCRIPTED_FAIL_TRANSIENT, 0, 0, 0);
	scripted_rule(scripted(world), CALL_RETIRE, SCRIPTED_FAIL_TRANSIENT, 0, 0, 0);
	begin(world, &update, &ask_update, "instance", "mydb", "plan", "large", NULL);
	pass(world, 1000);
	begin(world, &removal, &ask_remove, "instance", "mydb", NULL);
	pass(world, 5000);
	assert_true(update.answer.came);
	cancel(world, OPERATION_REMOVE);
	scripted_clear_rules(scripted(world));
	assert_int_equal(request(world, &ask_restore, "incarnation", incarnation, NULL).code, 0);
	assert_int_equal(status_of(world, "mydb"), STATUS_TEXT); /* it has not the plan that was accepted */
	assert_int_equal(request(world, &ask_retry, "instance", "mydb", NULL).code, 0);
	settle(world);
	assert_string_equal(scripted_plan(scripted(world), resource), "large");
	assert_int_equal(status_of(world, "mydb"), STATUS_UP);
}

static void test_a_bind_that_a_canceled_removal_ended(void **state)
{
	struct world *world = *state;
	struct ask bind, removal;
	struct answer again;

	restart_edited(world, SMALL, RETAIN);
	make_used(world, "made");
	scripted_rule(scripted(world), CALL_BIND, SCRIPTED_FAIL_TRANSIENT, 0, 0, 0);
	scripted_rule(scripted(world), CALL_RETIRE, SCRIPTED_FAIL_TRANSIENT, 0, 0, 0);
	begin(world, &bind, &ask_bind, "instance", "mydb", "app", "other", NULL);
	pass(world, 1000);
	begin(world, &removal, &ask_remove, "instance", "mydb", NULL);
	pass(world, 5000);
	assert_true(bind.answer.came);
	cancel(world, OPERATION_REMOVE);
	scripted_clear_rules(scripted(world));
	assert_int_equal(request(world, &ask_restore, "incarnation", incarnation, NULL).code, 0);
	again = request(world, &ask_bind, "instance", "mydb", "app", "other", NULL);
	assert_int_equal(again.code, 0);
	assert_true(scripted_password_is(scripted(world), again.user, again.password));
}

/* A cancel that was acknowledged holds over a restart. */
static void test_a_cancel_over_a_restart(void **state)
{
	struct world *world = *state;
	struct error error;
	struct ask ask;

	restart_edited(world, SMALL, RETAIN);
	make_used(world, "made");
	scripted_rule(scripted(world), CALL_RETIRE, SCRIPTED_HANG, 0, 0, 0);
	begin(world, &ask, &ask_remove, "instance", "mydb", NULL);
	settle(world);
	assert_int_equal(operator_cancel(broker_requests(world->broker), &operator, pending_id(world, OPERATION_REMOVE),
	                                 NULL, NULL, &error),
	                 0);
	settle(world);
	restart_edited(world, SMALL, RETAIN);
	pass(world, MINUTE);
	assert_int_equal(state_of(world), INSTANCE_REMOVAL_FAILED);
	assert_int_equal(scripted_begun(scripted(world), CALL_RETIRE), 0);
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", NULL).code, 0);
	expect_kept(world);
}

/* What a canceled create has made goes, however often that takes. */
static void test_a_canceled_create_leaves_nothing(void **state)
{
	struct world *world = *state;
	struct error error;
	struct ask ask;

	scripted_rule(scripted(world), CALL_PROVISION, SCRIPTED_LOST, 0, 100, 0);
	scripted_rule(scripted(world), CALL_DEPROVISION, SCRIPTED_FAIL_TRANSIENT, 2, 0, 0);
	begin(world, &ask, &ask_create, "instance", "mydb", "plan", "small", "team", "t", NULL);
	pass(world, 1000);
	strcpy(incarnation, incarnation_of(world, "mydb"));
	assert_int_equal(scripted_instances(scripted(world)), 1);
	assert_int_equal(operator_cancel(broker_requests(world->broker), &operator, pending_id(world, OPERATION_CREATE),
	                                 NULL, NULL, &error),
	                 0);
	pass(world, MINUTE);
	assert_true(ask.answer.came);
	assert_int_equal(scripted_instances(scripted(world)), 0);
	assert_null(queue_find(&world->broker->queue, incarnation, NULL, OPERATION_CREATE));
}

/* ---- stores that an earlier program wrote ---- */

static void on_written(void *arg, int code, const struct error *error, uint64_t revision)
{
	(void)arg;
	(void)error;
	(void)revision;
	assert_int_equal(code, 0);
}

/* As it left the record when a removal had failed: without a promise, and without a state of its own. */
static void write_as_before(struct world *world, int64_t retained_until)
{
	struct held_instance held;
	struct changes changes;
	struct arena arena;
	struct error error;

	arena_init(&arena);
	read_record(world, &arena, &held);
	held.record.state = INSTANCE_REMOVING;
	held.record.removal = 0;
	held.record.retain = 0;
	held.record.retained_until = retained_until;
	changes_begin(&changes, world->broker->catalog.records);
	changes_put_instance(&changes, KEYSPACE_INSTANCES, &held.record, held.revision);
	batch_delete(changes.batch, KEYSPACE_META, "settled.removals", strlen("settled.removals"), REVISION_ANY);
	assert_int_equal(changes_commit(&changes, on_written, world, &error), 0);
	store_flush(world->store);
	arena_release(&arena);
	restart_edited(world, SMALL, RETAIN);
}

static void test_an_earlier_program_left_a_failed_removal(void **state)
{
	struct world *world = *state;

	fail_removal(world);
	write_as_before(world, 0);
	assert_int_equal(state_of(world), INSTANCE_REMOVAL_FAILED);
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", NULL).code, 0);
	expect_kept(world);
}

/* The second removal, which the earlier program had made without a promise, is still pending. */
static void test_an_earlier_program_left_a_pending_removal(void **state)
{
	struct world *world = *state;
	struct held_operation *history = NULL;
	struct changes changes;
	struct arena arena;
	struct error error;
	struct ask ask;
	size_t count = 0;

	fail_removal(world);
	scripted_rule(scripted(world), CALL_RETIRE, SCRIPTED_FAIL_TRANSIENT, 0, 0, 0);
	begin(world, &ask, &ask_remove, "instance", "mydb", NULL);
	pass(world, 1000);
	arena_init(&arena);
	assert_int_equal(
	    records_read_operations(world->broker->catalog.records, &arena, incarnation, &history, &count, NULL), 0);
	assert_true(count > 0);
	assert_int_equal(history[count - 1].record.state, OPERATION_PENDING);
	history[count - 1].record.retain = 0;
	changes_begin(&changes, world->broker->catalog.records);
	changes_put_operation(&changes, &history[count - 1].record, history[count - 1].revision);
	assert_int_equal(changes_commit(&changes, on_written, world, &error), 0);
	store_flush(world->store);
	arena_release(&arena);
	write_as_before(world, 0);
	assert_int_equal(state_of(world), INSTANCE_REMOVING);
	pass(world, MINUTE);
	expect_kept(world);
}

static void test_an_earlier_program_left_a_failed_purge(void **state)
{
	struct world *world = *state;

	fail_removal(world);
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", NULL).code, 0);
	write_as_before(world, WALL + 3 * HOUR);
	expect_kept(world);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_removed_again),
	    TEST(test_removed_again_by_the_event_of_its_create),
	    TEST(test_removed_again_and_again),
	    TEST(test_retried_by_its_user),
	    TEST(test_retried_by_an_operator),
	    TEST(test_retried_under_a_newer_one_of_its_name),
	    TEST(test_canceled_and_removed_again),
	    TEST(test_canceled_and_retried),
	    TEST(test_canceled_without_its_server),
	    TEST(test_over_a_restart),
	    TEST(test_under_another_plan),
	    TEST(test_a_pending_one_under_another_plan),
	    TEST(test_without_its_plan),
	    TEST(test_canceled_and_taken_back),
	    TEST(test_what_was_taken_back_has_the_plan_of_now),
	    TEST(test_not_taken_back),
	    TEST(test_removed_while_it_is_taken_back),
	    TEST(test_an_undone_takeover),
	    TEST(test_an_undone_takeover_of_what_was_adopted),
	    TEST(test_a_failed_purge),
	    TEST(test_a_canceled_purge),
	    TEST(test_a_purge_that_is_retried),
	    TEST(test_removed_again_while_back_under_another_name),
	    TEST(test_an_undelete_that_is_retried),
	    TEST(test_a_purge_that_fails_when_its_time_is_over),
	    TEST(test_what_never_was_ready_is_dropped),
	    TEST(test_a_plan_that_keeps_nothing),
	    TEST(test_an_update_that_a_canceled_removal_ended),
	    TEST(test_a_bind_that_a_canceled_removal_ended),
	    TEST(test_a_cancel_over_a_restart),
	    TEST(test_a_canceled_create_leaves_nothing),
	    TEST(test_an_earlier_program_left_a_failed_removal),
	    TEST(test_an_earlier_program_left_a_pending_removal),
	    TEST(test_an_earlier_program_left_a_failed_purge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
