/* Forwarded requests that come again: nothing is done twice, and the second copy is answered as the first was, also
 * after another broker has taken over. What must not happen again is counted at the server. */
#include "unit/broker/harness.h"

#include <stdio.h>
#include <string.h>

#include "broker/internal.h"

#define FIRST "0123456789abcdef"
#define OTHER "fedcba9876543210"

static int setup(void **state)
{
	const int rc = world_setup(state);

	restart_edited(*state, "weight: 1}", "weight: 1, actions: [flush]}");
	return rc;
}

static struct answer create_as(struct world *world, const char *repeat)
{
	return request(world, &ask_create, "instance", "db", "team", "red", "plan", "small", "event", "c1", "repeat",
	               repeat, NULL);
}

static void created(struct world *world)
{
	assert_int_equal(create_as(world, NULL).code, 0);
}

/* Without an event, by which tsuru's repeats are known otherwise. */
static struct answer bind_as(struct world *world, const char *repeat)
{
	return request(world, &ask_bind, "instance", "db", "app", "shop", "repeat", repeat, NULL);
}

static size_t begun(struct world *world, enum call_kind kind)
{
	return scripted_begun(scripted(world), kind);
}

static void hang(struct world *world, enum call_kind kind)
{
	scripted_rule(scripted(world), kind, SCRIPTED_HANG, 1, 0, 0);
}

static void fail_once(struct world *world, enum call_kind kind, int code)
{
	scripted_rule(scripted(world), kind, SCRIPTED_FAIL_FINAL, 1, 0, code);
}

/* How often a text stands in another. */
static size_t count(const char *text, const char *part)
{
	size_t found = 0;

	for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part))
		found++;
	return found;
}

/* ---- what is under way is joined ---- */

static void test_a_copy_joins_what_is_under_way(void **state)
{
	struct world *world = *state;
	struct ask first, copy;

	created(world);
	hang(world, CALL_BIND);
	begin(world, &first, &ask_bind, "instance", "db", "app", "shop", "repeat", FIRST, NULL);
	settle(world);
	begin(world, &copy, &ask_bind, "instance", "db", "app", "shop", "repeat", FIRST, NULL);
	settle(world);
	assert_false(copy.answer.came);
	assert_int_equal(scripted_release(scripted(world)), 1);
	settle(world);
	assert_true(first.answer.came && copy.answer.came);
	assert_int_equal(copy.answer.code, 0);
	assert_string_equal(copy.answer.password, first.answer.password);
	assert_int_equal(begun(world, CALL_BIND), 1);
}

/* After a takeover: the work goes on by itself, and the copy waits for it. */
static void test_a_copy_joins_after_a_restart(void **state)
{
	struct world *world = *state;
	struct ask first;
	struct answer copy;

	scripted_rule(scripted(world), CALL_PROVISION, SCRIPTED_FAIL_TRANSIENT, 3, 0, 0);
	begin(world, &first, &ask_create, "instance", "db", "team", "red", "plan", "small", "repeat", FIRST, NULL);
	settle(world);
	restart(world);
	copy = request(world, &ask_create, "instance", "db", "team", "red", "plan", "small", "repeat", FIRST, NULL);
	assert_int_equal(copy.code, 0);
	assert_int_equal(count(operations(world, "db"), "\"kind\":\"create\""), 1);
	assert_int_equal(scripted_instances(scripted(world)), 1);
}

/* Both were decided before either was durable. */
static void test_two_copies_at_once(void **state)
{
	struct world *world = *state;
	struct ask first, copy, another;

	created(world);
	begin(world, &first, &ask_act, "instance", "db", "action", "flush", "repeat", FIRST, NULL);
	begin(world, &copy, &ask_act, "instance", "db", "action", "flush", "repeat", FIRST, NULL);
	begin(world, &another, &ask_act, "instance", "db", "action", "flush", "repeat", OTHER, NULL);
	settle(world);
	assert_true(first.answer.came && copy.answer.came && another.answer.came);
	assert_int_equal(first.answer.code | copy.answer.code | another.answer.code, 0);
	assert_int_equal(begun(world, CALL_ACT), 2);
	assert_int_equal(count(operations(world, "db"), "\"kind\":\"action\""), 2);
}

static void test_two_creates_at_once(void **state)
{
	struct world *world = *state;
	struct ask first, copy;

	begin(world, &first, &ask_create, "instance", "db", "team", "red", "plan", "small", "repeat", FIRST, NULL);
	begin(world, &copy, &ask_create, "instance", "db", "team", "red", "plan", "small", "repeat", FIRST, NULL);
	settle(world);
	assert_true(first.answer.came && copy.answer.came);
	assert_int_equal(first.answer.code | copy.answer.code, 0);
	assert_int_equal(begun(world, CALL_PROVISION), 1);
	assert_int_equal(begun(world, CALL_UPDATE), 0);
}

/* The broker ends while one copy waits for the other's commit. */
static void test_copies_that_wait_at_the_end(void **state)
{
	struct world *world = *state;
	struct ask first, copy;

	created(world);
	begin(world, &first, &ask_act, "instance", "db", "action", "flush", "repeat", FIRST, NULL);
	begin(world, &copy, &ask_act, "instance", "db", "action", "flush", "repeat", FIRST, NULL);
	restart(world);
	settle(world);
	assert_false(first.answer.came || copy.answer.came);
	assert_int_equal(request(world, &ask_act, "instance", "db", "action", "flush", "repeat", FIRST, NULL).code, 0);
	assert_int_equal(count(operations(world, "db"), "\"kind\":\"action\""), 1);
}

/* ---- what is done is answered as it was ---- */

static void test_an_action_runs_once(void **state)
{
	struct world *world = *state;

	created(world);
	assert_int_equal(request(world, &ask_act, "instance", "db", "action", "flush", "repeat", FIRST, NULL).code, 0);
	settle(world);
	assert_int_equal(begun(world, CALL_ACT), 1);
	assert_int_equal(request(world, &ask_act, "instance", "db", "action", "flush", "repeat", FIRST, NULL).code, 0);
	settle(world);
	assert_int_equal(begun(world, CALL_ACT), 1);
	restart(world);
	assert_int_equal(request(world, &ask_act, "instance", "db", "action", "flush", "repeat", FIRST, NULL).code, 0);
	settle(world);
	assert_int_equal(begun(world, CALL_ACT), 0); /* of the pretended server's new life */
	assert_int_equal(request(world, &ask_act, "instance", "db", "action", "flush", "repeat", OTHER, NULL).code, 0);
	settle(world);
	assert_int_equal(begun(world, CALL_ACT), 1);
}

static void test_a_rotation_runs_once(void **state)
{
	struct world *world = *state;
	struct answer after;

	created(world);
	assert_int_equal(bind_as(world, NULL).code, 0);
	assert_int_equal(request(world, &ask_rotate, "instance", "db", "repeat", FIRST, NULL).code, 0);
	settle(world);
	after = request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e2", "repeat", OTHER, NULL);
	assert_int_equal(request(world, &ask_rotate, "instance", "db", "repeat", FIRST, NULL).code, 0);
	settle(world);
	assert_true(scripted_password_is(scripted(world), after.user, after.password));
	assert_int_equal(count(operations(world, "db"), "\"kind\":\"rotate\""), 1);
}

/* It says so itself, and nothing is tried again that has failed since. */
static void test_a_retry_is_not_repeated(void **state)
{
	struct world *world = *state;

	created(world);
	fail_once(world, CALL_UPDATE, ERR_REFUSED);
	assert_int_equal(request(world, &ask_update, "instance", "db", "plan", "large", NULL).code, ERR_REFUSED);
	fail_once(world, CALL_UPDATE, ERR_REFUSED);
	assert_int_equal(request(world, &ask_retry, "instance", "db", "repeat", FIRST, NULL).code, 0);
	settle(world);
	assert_int_equal(begun(world, CALL_UPDATE), 2);
	assert_int_equal(request(world, &ask_retry, "instance", "db", "repeat", FIRST, NULL).code, 0);
	settle(world);
	assert_int_equal(begun(world, CALL_UPDATE), 2);
}

static void test_a_create_that_is_done(void **state)
{
	struct world *world = *state;

	assert_int_equal(create_as(world, FIRST).code, 0);
	assert_int_equal(bind_as(world, NULL).code, 0);
	restart(world);
	assert_int_equal(create_as(world, FIRST).code, 0); /* in use by now: any other create is refused */
	assert_int_equal(create_as(world, OTHER).code, ERR_EXISTS);
	assert_int_equal(begun(world, CALL_UPDATE), 0);
}

/* Its operation is not in the history any more. */
static void test_a_create_of_long_ago(void **state)
{
	struct world *world = *state;

	assert_int_equal(create_as(world, FIRST).code, 0);
	for (int i = 0; i < 30; i++)
		assert_int_equal(bind_as(world, NULL).code, 0);
	assert_int_equal(count(operations(world, "db"), "\"kind\":\"create\""), 0);
	assert_int_equal(create_as(world, FIRST).code, 0);
}

/* Two that one operation answered: both are repeated, in the end and before. */
static void test_joined_creates_are_both_repeated(void **state)
{
	struct world *world = *state;
	struct ask first, other;

	hang(world, CALL_PROVISION);
	begin(world, &first, &ask_create, "instance", "db", "team", "red", "plan", "small", "repeat", FIRST, NULL);
	settle(world);
	begin(world, &other, &ask_create, "instance", "db", "team", "red", "plan", "small", "repeat", OTHER, NULL);
	settle(world);
	restart(world);
	hang(world, CALL_PROVISION);
	begin(world, &other, &ask_create, "instance", "db", "team", "red", "plan", "small", "repeat", OTHER, NULL);
	settle(world);
	assert_false(other.answer.came);
	assert_int_equal(scripted_release(scripted(world)), 1);
	settle(world);
	assert_true(other.answer.came && other.answer.code == 0);
	assert_int_equal(bind_as(world, NULL).code, 0);
	assert_int_equal(
	    request(world, &ask_create, "instance", "db", "team", "red", "plan", "small", "repeat", FIRST, NULL).code,
	    0);
	assert_int_equal(
	    request(world, &ask_create, "instance", "db", "team", "red", "plan", "small", "repeat", OTHER, NULL).code,
	    0);
	assert_int_equal(begun(world, CALL_UPDATE), 0);
}

static void test_an_update_that_is_done(void **state)
{
	struct world *world = *state;

	created(world);
	assert_int_equal(request(world, &ask_update, "instance", "db", "plan", "large", "repeat", FIRST, NULL).code, 0);
	assert_int_equal(request(world, &ask_update, "instance", "db", "plan", "small", "repeat", OTHER, NULL).code, 0);
	restart(world);
	assert_int_equal(request(world, &ask_update, "instance", "db", "plan", "large", "repeat", FIRST, NULL).code, 0);
	assert_non_null(strstr(describe(world, "db"), "\"Plan in force\",\"value\":\"small\""));
}

static void test_units_are_let_in_once(void **state)
{
	struct world *world = *state;

	created(world);
	for (int i = 0; i < 2; i++)
		assert_int_equal(
		    request(world, &ask_allow_unit, "instance", "db", "unit", "10.0.0.1", "repeat", FIRST, NULL).code,
		    0);
	assert_int_equal(request(world, &ask_deny_unit, "instance", "db", "unit", "10.0.0.1", NULL).code, 0);
	assert_int_equal(
	    request(world, &ask_allow_unit, "instance", "db", "unit", "10.0.0.1", "repeat", FIRST, NULL).code, 0);
	assert_int_equal(begun(world, CALL_ALLOW_UNIT), 1);
}

/* ---- binds ---- */

/* The credentials that the first copy was given, also those of a bind that has been rotated since. */
static void test_a_bind_has_its_environment(void **state)
{
	struct world *world = *state;
	struct answer first, copy;

	created(world);
	first = bind_as(world, FIRST);
	restart(world);
	copy = bind_as(world, FIRST);
	assert_int_equal(copy.code, 0);
	assert_string_equal(copy.password, first.password);
	assert_string_equal(bind_as(world, FIRST).password, first.password);
	assert_true(scripted_password_is(scripted(world), first.user, first.password));

	assert_int_equal(request(world, &ask_rotate, "instance", "db", NULL).code, 0);
	settle(world);
	copy = bind_as(world, FIRST);
	assert_int_equal(copy.code, 0);
	assert_string_not_equal(copy.password, first.password);
	assert_true(scripted_password_is(scripted(world), copy.user, copy.password));
}

/* Without the id, a second bind is somebody else's, and ends the first one's password. */
static void test_another_request_is_no_copy(void **state)
{
	struct world *world = *state;
	struct answer first, other;

	created(world);
	first = bind_as(world, FIRST);
	other = bind_as(world, OTHER);
	assert_int_equal(other.code, 0);
	assert_string_not_equal(other.password, first.password);

	/* And a copy of the first does not get what is another's, nor end it. */
	restart(world);
	assert_int_equal(bind_as(world, FIRST).code, ERR_CANCELED);
	assert_true(scripted_password_is(scripted(world), other.user, other.password));
	assert_string_equal(bind_as(world, OTHER).password, other.password);
}

/* Two that were answered by one operation: both are repeated. */
static void test_joined_binds_are_both_repeated(void **state)
{
	struct world *world = *state;
	struct ask first, other;

	created(world);
	hang(world, CALL_BIND);
	begin(world, &first, &ask_bind, "instance", "db", "app", "shop", "repeat", FIRST, NULL);
	settle(world);
	begin(world, &other, &ask_bind, "instance", "db", "app", "shop", "repeat", OTHER, NULL);
	settle(world);
	assert_int_equal(scripted_release(scripted(world)), 1);
	settle(world);
	assert_string_equal(first.answer.password, other.answer.password);
	restart(world);
	assert_string_equal(bind_as(world, OTHER).password, first.answer.password);
	assert_string_equal(bind_as(world, FIRST).password, first.answer.password);
	assert_true(scripted_password_is(scripted(world), first.answer.user, first.answer.password));
}

/* tsuru gave the bind up meanwhile: a late copy brings no login back. */
static void test_a_late_copy_of_a_bind_that_ended(void **state)
{
	struct world *world = *state;
	struct answer bound;

	created(world);
	bound = request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e1", "repeat", FIRST, NULL);
	assert_int_equal(bound.code, 0);
	assert_int_equal(request(world, &ask_unbind, "instance", "db", "app", "shop", "event", "e1", NULL).code, 0);
	bound = request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e1", "repeat", FIRST, NULL);
	assert_int_equal(bound.code, ERR_CANCELED);
	assert_non_null(strstr(bound.text, "unbound"));
	assert_int_equal(scripted_logins(scripted(world)), 0);
}

static void test_an_unbind_that_is_done(void **state)
{
	struct world *world = *state;
	struct answer bound;

	created(world);
	assert_int_equal(bind_as(world, NULL).code, 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(
		    request(world, &ask_unbind, "instance", "db", "app", "shop", "repeat", FIRST, NULL).code, 0);
	bound = bind_as(world, NULL);
	assert_int_equal(request(world, &ask_unbind, "instance", "db", "app", "shop", "repeat", FIRST, NULL).code, 0);
	assert_true(scripted_password_is(scripted(world), bound.user, bound.password));
}

/* ---- removals ---- */

static struct answer remove_as(struct world *world, const char *repeat)
{
	return request(world, &ask_remove, "instance", "db", "event", "r1", "repeat", repeat, NULL);
}

/* A new instance has the name by now: the late copy is not about it. */
static void test_a_late_copy_of_a_removal(void **state)
{
	struct world *world = *state;

	created(world);
	assert_int_equal(remove_as(world, FIRST).code, 0);
	assert_int_equal(remove_as(world, FIRST).code, 0);
	created(world);
	restart(world);
	assert_int_equal(remove_as(world, FIRST).code, 0);
	assert_int_equal(status_of(world, "db"), STATUS_UP);
	assert_int_equal(remove_as(world, OTHER).code, 0);
	assert_int_equal(scripted_instances(scripted(world)), 0);
}

/* The same where the first one is still on its way out. */
static void test_a_late_copy_of_a_removal_under_way(void **state)
{
	struct world *world = *state;

	created(world);
	scripted_rule(scripted(world), CALL_DEPROVISION, SCRIPTED_FAIL_TRANSIENT, 0, 0, 0);
	assert_true(remove_as(world, FIRST).pending);
	created(world);
	assert_int_equal(remove_as(world, FIRST).code, 0);
	assert_int_equal(status_of(world, "db"), STATUS_UP);
}

static void test_a_removal_that_is_retained(void **state)
{
	struct world *world = *state;

	restart_edited(world, "weight: 1}", "weight: 1, retain: 1h}");
	created(world);
	assert_int_equal(remove_as(world, FIRST).code, 0);
	assert_int_equal(remove_as(world, FIRST).code, 0);
	created(world);
	assert_int_equal(remove_as(world, FIRST).code, 0);
	assert_int_equal(status_of(world, "db"), STATUS_UP);
}

/* The create that made what was removed since, too: it was answered, or given up, before. */
static void test_a_late_copy_of_a_create(void **state)
{
	struct world *world = *state;

	assert_int_equal(create_as(world, FIRST).code, 0);
	assert_int_equal(remove_as(world, NULL).code, 0);
	assert_int_equal(create_as(world, FIRST).code, 0);
	assert_int_equal(scripted_instances(scripted(world)), 0);
	assert_int_equal(create_as(world, OTHER).code, 0);
	assert_int_equal(scripted_instances(scripted(world)), 1);
}

/* ---- what failed for good ---- */

static void test_a_failure_is_told_again(void **state)
{
	struct world *world = *state;
	struct answer first, copy;

	created(world);
	fail_once(world, CALL_BIND, ERR_FORBIDDEN);
	first = bind_as(world, FIRST);
	assert_int_equal(first.code, ERR_FORBIDDEN);
	restart(world);
	copy = bind_as(world, FIRST);
	assert_int_equal(copy.code, first.code);
	assert_string_equal(copy.text, first.text);
	assert_int_equal(scripted_logins(scripted(world)), 0);
	assert_int_equal(bind_as(world, OTHER).code, 0);
}

/* Nothing is left of the instance when its create has failed and somebody was told. */
static void test_a_failed_create_is_told_again(void **state)
{
	struct world *world = *state;
	struct answer first, copy;

	fail_once(world, CALL_PROVISION, ERR_FORBIDDEN);
	first = create_as(world, FIRST);
	assert_int_equal(first.code, ERR_FORBIDDEN);
	settle(world);
	copy = create_as(world, FIRST);
	assert_int_equal(copy.code, first.code);
	assert_string_equal(copy.text, first.text);
	assert_int_equal(begun(world, CALL_PROVISION), 1);
	restart(world);
	assert_int_equal(create_as(world, FIRST).code, first.code);
	assert_int_equal(create_as(world, OTHER).code, 0);
}

/* Who waited did not live to be told: the copy is, while what the create left is being removed, and then nothing of it
 * stays either. */
static void test_a_create_that_failed_unseen(void **state)
{
	struct world *world = *state;
	struct ask first;

	hang(world, CALL_PROVISION);
	begin(world, &first, &ask_create, "instance", "db", "team", "red", "plan", "small", "repeat", FIRST, NULL);
	settle(world);
	stop_world(world);
	start_world(world);
	fail_once(world, CALL_PROVISION, ERR_FORBIDDEN);
	scripted_rule(scripted(world), CALL_DEPROVISION, SCRIPTED_FAIL_TRANSIENT, 1, 0, 0);
	settle(world);
	assert_int_equal(create_as(world, FIRST).code, ERR_FORBIDDEN);
	pass(world, 60000);
	assert_int_equal(scripted_instances(scripted(world)), 0);
	assert_int_equal(request(world, &ask_remove, "instance", "db", NULL).code, 0);
	assert_int_equal(begun(world, CALL_DEPROVISION), 2); /* the cleaning: the removal found nothing */
	assert_int_equal(create_as(world, FIRST).code, ERR_FORBIDDEN);
}

static void test_a_create_that_was_removed_before_its_end(void **state)
{
	struct world *world = *state;
	struct ask first;

	scripted_rule(scripted(world), CALL_PROVISION, SCRIPTED_FAIL_TRANSIENT, 1000, 0, 0);
	begin(world, &first, &ask_create, "instance", "db", "team", "red", "plan", "small", "repeat", FIRST, NULL);
	settle(world);
	assert_int_equal(remove_as(world, NULL).code, 0);
	assert_int_equal(first.answer.code, ERR_CANCELED);
	scripted_clear_rules(scripted(world));
	assert_int_equal(create_as(world, FIRST).code, ERR_CANCELED);
	assert_int_equal(scripted_instances(scripted(world)), 0);
}

/* A refusal leaves nothing, and is decided again. */
static void test_a_refusal_is_decided_again(void **state)
{
	struct world *world = *state;

	assert_int_equal(bind_as(world, FIRST).code, ERR_NOT_FOUND);
	created(world);
	assert_int_equal(bind_as(world, FIRST).code, 0);
}

/* A failed instance makes way under the create's id: the removal is no answer to it. */
static void test_a_create_in_a_failed_ones_place(void **state)
{
	struct world *world = *state;
	struct ask unseen;

	hang(world, CALL_PROVISION);
	begin(world, &unseen, &ask_create, "instance", "db", "team", "red", "plan", "small", NULL);
	settle(world);
	restart(world);
	fail_once(world, CALL_PROVISION, ERR_FORBIDDEN);
	pass(world, 1000);
	assert_int_equal(status_of(world, "db"), STATUS_DOWN);
	fail_once(world, CALL_PROVISION, ERR_REFUSED);
	assert_int_equal(create_as(world, FIRST).code, ERR_REFUSED);
	pass(world, 1000);
	assert_int_equal(create_as(world, FIRST).code, ERR_REFUSED);
}

/* ---- operators ---- */

static void test_an_operators_request(void **state)
{
	struct world *world = *state;
	char incarnation[INCARNATION_LENGTH + 1];
	struct answer bound;

	created(world);
	assert_int_equal(bind_as(world, NULL).code, 0);
	snprintf(incarnation, sizeof(incarnation), "%s", incarnation_of(world, "db"));
	for (int i = 0; i < 2; i++)
		assert_int_equal(
		    request(world, &ask_end_bind, "incarnation", incarnation, "app", "shop", "repeat", FIRST, NULL)
		        .code,
		    0);
	bound = bind_as(world, NULL);
	assert_int_equal(
	    request(world, &ask_end_bind, "incarnation", incarnation, "app", "shop", "repeat", FIRST, NULL).code, 0);
	assert_true(scripted_password_is(scripted(world), bound.user, bound.password));
}

#define repeat_case(test) cmocka_unit_test_setup_teardown(test, setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    repeat_case(test_a_copy_joins_what_is_under_way),
	    repeat_case(test_a_copy_joins_after_a_restart),
	    repeat_case(test_two_copies_at_once),
	    repeat_case(test_two_creates_at_once),
	    repeat_case(test_copies_that_wait_at_the_end),
	    repeat_case(test_an_action_runs_once),
	    repeat_case(test_a_rotation_runs_once),
	    repeat_case(test_a_retry_is_not_repeated),
	    repeat_case(test_a_create_that_is_done),
	    repeat_case(test_a_create_of_long_ago),
	    repeat_case(test_joined_creates_are_both_repeated),
	    repeat_case(test_an_update_that_is_done),
	    repeat_case(test_units_are_let_in_once),
	    repeat_case(test_a_bind_has_its_environment),
	    repeat_case(test_another_request_is_no_copy),
	    repeat_case(test_joined_binds_are_both_repeated),
	    repeat_case(test_a_late_copy_of_a_bind_that_ended),
	    repeat_case(test_an_unbind_that_is_done),
	    repeat_case(test_a_late_copy_of_a_removal),
	    repeat_case(test_a_late_copy_of_a_removal_under_way),
	    repeat_case(test_a_removal_that_is_retained),
	    repeat_case(test_a_late_copy_of_a_create),
	    repeat_case(test_a_failure_is_told_again),
	    repeat_case(test_a_failed_create_is_told_again),
	    repeat_case(test_a_create_that_failed_unseen),
	    repeat_case(test_a_create_that_was_removed_before_its_end),
	    repeat_case(test_a_refusal_is_decided_again),
	    repeat_case(test_a_create_in_a_failed_ones_place),
	    repeat_case(test_an_operators_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
