/* Logins that should be dead: told as long as they may live, and ended by whoever asks again. */
#include "unit/broker/harness.h"

#include <stdio.h>
#include <string.h>

#include "broker/internal.h"
#include "view/list.h"

#define MINUTE      (60 * 1000)
#define HOUR        (60 * MINUTE)
#define SMALL       "{name: small, description: a, weight: 1}"
#define RETAIN      "{name: small, description: a, retain: 2h, weight: 1}"
#define SERVICES    "services:\n"
#define NEVER       "limits: {verify_interval: 0}\n" SERVICES
#define EVERY_TENTH "limits: {verify_interval: 10m, verify_rate: 1}\n" SERVICES

static struct answer bound;

static void make_used(struct world *world)
{
	assert_int_equal(request(world, &ask_create, "instance", "mydb", "plan", "small", "team", "t", NULL).code, 0);
	bound = request(world, &ask_bind, "instance", "mydb", "app", "shop", "event", "e1", NULL);
	assert_int_equal(bound.code, 0);
	assert_int_equal(view_count_lingering(broker_view(world->broker)), 0);
}

/* An unbind that has failed for good. */
static void fail_unbind(struct world *world)
{
	make_used(world);
	scripted_rule(scripted(world), CALL_UNBIND, SCRIPTED_FAIL_FINAL, 1, 0, 0);
	assert_int_equal(request(world, &ask_unbind, "instance", "mydb", "app", "shop", "event", "e2", NULL).code,
	                 ERR_REFUSED);
	assert_true(scripted_has_login(scripted(world), bound.user));
	assert_int_equal(view_count_lingering(broker_view(world->broker)), 1);
	assert_non_null(strstr(describe(world, "mydb"), "told to fail"));
	assert_non_null(strstr(binds(world, "mydb"), "told to fail"));
}

static void expect_ended(struct world *world)
{
	assert_false(scripted_has_login(scripted(world), bound.user));
	assert_int_equal(view_count_lingering(broker_view(world->broker)), 0);
	assert_null(strstr(describe(world, "mydb"), "told to fail"));
}

static void test_the_user_tries_again(void **state)
{
	struct world *world = *state;

	fail_unbind(world);
	assert_int_equal(request(world, &ask_retry, "instance", "mydb", NULL).code, 0);
	settle(world);
	expect_ended(world);
}

static void test_an_operator_tries_again(void **state)
{
	struct world *world = *state;
	char incarnation[INCARNATION_LENGTH + 1];
	struct answer undone;

	fail_unbind(world);
	restart(world);
	strcpy(incarnation, incarnation_of(world, "mydb"));
	assert_int_equal(request(world, &ask_retry, "incarnation", incarnation, NULL).code, 0);
	settle(world);
	expect_ended(world);
	/* tsuru can take its unbind back all the same */
	undone = request(world, &ask_bind, "instance", "mydb", "app", "shop", "event", "e2", NULL);
	assert_string_equal(undone.password, bound.password);
}

static void test_tsuru_tries_again(void **state)
{
	struct world *world = *state;

	fail_unbind(world);
	assert_int_equal(request(world, &ask_unbind, "instance", "mydb", "app", "shop", "event", "e3", NULL).code, 0);
	expect_ended(world);
}

static void test_the_drift_pass_tries_again(void **state)
{
	struct world *world = *state;

	restart_edited(world, SERVICES, EVERY_TENTH);
	fail_unbind(world);
	scripted_rule(scripted(world), CALL_UNBIND, SCRIPTED_FAIL_FINAL, 1, 0, 0);
	pass(world, 2 * MINUTE); /* soon after the start */
	assert_int_equal(scripted_begun(scripted(world), CALL_UNBIND), 2);
	assert_int_equal(view_count_lingering(broker_view(world->broker)), 1);
	pass(world, 11 * MINUTE);
	expect_ended(world);
}

/* Somebody new under the name gets credentials of its own, and the old ones are of no use. */
static void test_a_bind_after_a_failed_unbind(void **state)
{
	struct world *world = *state;
	struct answer again;

	fail_unbind(world);
	again = request(world, &ask_bind, "instance", "mydb", "app", "shop", "event", "e3", NULL);
	assert_int_equal(again.code, 0);
	assert_string_not_equal(again.password, bound.password);
	assert_true(scripted_password_is(scripted(world), again.user, again.password));
	assert_false(scripted_password_is(scripted(world), bound.user, bound.password));
	assert_int_equal(scripted_logins(scripted(world)), 1);
	assert_int_equal(view_count_lingering(broker_view(world->broker)), 0);
	assert_null(strstr(describe(world, "mydb"), "told to fail"));
}

static bool shows(struct world *world, const char *part)
{
	struct error error;
	struct text json;
	bool found;

	text_init(&json, 65536);
	assert_int_equal(view_list_drift(broker_view(world->broker), &json, &error), 0);
	found = strstr(text_string(&json), part) != NULL;
	text_release(&json);
	return found;
}

/* An unbind is answered before its server can be reached. */
static void test_an_unbind_whose_server_is_away(void **state)
{
	struct world *world = *state;
	struct answer unbound;

	make_used(world);
	scripted_rule(scripted(world), CALL_UNBIND, SCRIPTED_FAIL_TRANSIENT, 0, 0, 0);
	unbound = request(world, &ask_unbind, "instance", "mydb", "app", "shop", NULL);
	assert_true(unbound.code == 0 && unbound.pending);
	assert_int_equal(view_count_lingering(broker_view(world->broker)), 1);
	pass(world, MINUTE);
	assert_true(shows(world, "\"logins\":[{\"service\":\"scripted\",\"instance\":\"mydb\""));
	restart(world);
	assert_int_equal(view_count_lingering(broker_view(world->broker)), 1);
	scripted_clear_rules(scripted(world));
	pass(world, MINUTE);
	expect_ended(world);
	assert_true(shows(world, "\"logins\":[]"));
}

/* Since when the one login that is shown should be dead; "" when none is. */
static void read_since(struct world *world, char ret_since[static 32])
{
	static const char before[] = "\"since\":\"";
	const char *found;
	struct error error;
	struct text json;

	text_init(&json, 65536);
	assert_int_equal(view_list_drift(broker_view(world->broker), &json, &error), 0);
	found = strstr(text_string(&json), before);
	ret_since[0] = '\0';
	if (found != NULL)
		assert_int_equal(sscanf(found + strlen(before), "%31[^\"]", ret_since), 1);
	text_release(&json);
}

static void expect_since(struct world *world, const char *since)
{
	char found[32];

	read_since(world, found);
	assert_string_equal(found, since);
}

/* Neither is a login hidden by a try to end it, nor does it become a new one by that. */
static void test_tries_do_not_renew_the_time(void **state)
{
	struct world *world = *state;
	char first[32], second[32];

	restart_edited(world, SERVICES, NEVER); /* nobody else tries */
	fail_unbind(world);
	expect_since(world, ""); /* a moment is not worth telling */
	pass(world, MINUTE);
	read_since(world, first);
	assert_string_not_equal(first, "");
	scripted_rule(scripted(world), CALL_UNBIND, SCRIPTED_FAIL_FINAL, 0, 0, 0);
	assert_int_equal(request(world, &ask_retry, "instance", "mydb", NULL).code, 0);
	expect_since(world, first);
	settle(world);
	expect_since(world, first);
	pass(world, HOUR);
	assert_int_equal(request(world, &ask_unbind, "instance", "mydb", "app", "shop", "event", "e3", NULL).code,
	                 ERR_REFUSED);
	expect_since(world, first);
	scripted_clear_rules(scripted(world));
	assert_int_equal(request(world, &ask_bind, "instance", "mydb", "app", "shop", "event", "e4", NULL).code, 0);
	expect_since(world, "");
	scripted_rule(scripted(world), CALL_UNBIND, SCRIPTED_FAIL_FINAL, 1, 0, 0);
	assert_int_equal(request(world, &ask_unbind, "instance", "mydb", "app", "shop", "event", "e5", NULL).code,
	                 ERR_REFUSED);
	expect_since(world, "");
	pass(world, MINUTE);
	read_since(world, second);
	assert_string_not_equal(second, "");
	assert_string_not_equal(second, first);
}

static void test_tries_to_remove_do_not_renew_the_time(void **state)
{
	struct world *world = *state;
	char incarnation[INCARNATION_LENGTH + 1];
	char first[32];

	restart_edited(world, SMALL, RETAIN);
	make_used(world);
	strcpy(incarnation, incarnation_of(world, "mydb"));
	scripted_rule(scripted(world), CALL_RETIRE, SCRIPTED_FAIL_FINAL, 0, 0, 0);
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", NULL).code, ERR_REFUSED);
	pass(world, MINUTE);
	read_since(world, first);
	assert_string_not_equal(first, "");
	assert_int_equal(request(world, &ask_retry, "incarnation", incarnation, NULL).code, 0);
	settle(world);
	expect_since(world, first);
	scripted_clear_rules(scripted(world));
	assert_int_equal(request(world, &ask_restore, "incarnation", incarnation, NULL).code, 0);
	scripted_rule(scripted(world), CALL_RETIRE, SCRIPTED_FAIL_FINAL, 1, 0, 0);
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", NULL).code, ERR_REFUSED);
	expect_since(world, "");
}

static void test_a_removal_that_failed(void **state)
{
	struct world *world = *state;
	char incarnation[INCARNATION_LENGTH + 1];

	restart_edited(world, SMALL, RETAIN);
	make_used(world);
	strcpy(incarnation, incarnation_of(world, "mydb"));
	scripted_rule(scripted(world), CALL_RETIRE, SCRIPTED_FAIL_FINAL, 1, 0, 0);
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", NULL).code, ERR_REFUSED);
	assert_int_equal(view_count_lingering(broker_view(world->broker)), 1);
	restart_edited(world, SMALL, RETAIN);
	assert_int_equal(view_count_lingering(broker_view(world->broker)), 1);
	assert_int_equal(request(world, &ask_retry, "incarnation", incarnation, NULL).code, 0);
	settle(world);
	assert_int_equal(view_count_lingering(broker_view(world->broker)), 0);
}

/* It comes back with the logins that are bound, not with one whose unbind had been accepted. */
static void test_an_undelete_opens_no_ended_login(void **state)
{
	struct world *world = *state;
	char incarnation[INCARNATION_LENGTH + 1];
	struct answer other;

	restart_edited(world, SMALL, RETAIN);
	fail_unbind(world);
	strcpy(incarnation, incarnation_of(world, "mydb"));
	other = request(world, &ask_bind, "instance", "mydb", "app", "other", NULL);
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", NULL).code, 0);
	assert_int_equal(request(world, &ask_restore, "incarnation", incarnation, NULL).code, 0);
	assert_true(scripted_password_is(scripted(world), other.user, other.password));
	assert_false(scripted_has_login(scripted(world), bound.user));
}

/* Nobody has to wait for the removal: what is bound still can be unbound. */
static void test_an_unbind_after_a_failed_removal(void **state)
{
	struct world *world = *state;

	restart_edited(world, SMALL, RETAIN);
	make_used(world);
	scripted_rule(scripted(world), CALL_RETIRE, SCRIPTED_FAIL_FINAL, 1, 0, 0);
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", NULL).code, ERR_REFUSED);
	assert_int_equal(request(world, &ask_unbind, "instance", "mydb", "app", "shop", NULL).code, 0);
	assert_false(scripted_has_login(scripted(world), bound.user));
	assert_int_equal(view_count_lingering(broker_view(world->broker)), 0);
}

static bool on_note(void *arg, const void *key, size_t key_length, const struct store_value *value)
{
	(void)key;
	(void)key_length;
	(void)value;
	++*(size_t *)arg;
	return true;
}

static size_t notes(struct world *world)
{
	size_t count = 0;

	assert_int_equal(store_scan(world->store, KEYSPACE_META, TO_END, strlen(TO_END), NULL, 0, on_note, &count), 0);
	return count;
}

static void test_notes_go_when_they_are_of_no_use(void **state)
{
	struct world *world = *state;

	restart_edited(world, SERVICES, NEVER);
	fail_unbind(world);
	pass(world, 6 * MINUTE);
	assert_int_equal(notes(world), 1);
	assert_int_equal(request(world, &ask_retry, "instance", "mydb", NULL).code, 0);
	pass(world, 6 * MINUTE);
	expect_ended(world);
	assert_int_equal(notes(world), 0);
}

/* What the drift pass could not mend stays bound: tsuru has it, and its app uses it. */
static void test_a_failed_mending_ends_no_bind(void **state)
{
	struct world *world = *state;

	restart_edited(world, SERVICES, EVERY_TENTH);
	make_used(world);
	scripted_drop(scripted(world), bound.user);
	scripted_rule(scripted(world), CALL_BIND, SCRIPTED_FAIL_FINAL, 1, 0, 0);
	pass(world, 2 * MINUTE);
	assert_int_equal(scripted_begun(scripted(world), CALL_BIND), 2);
	assert_int_equal(scripted_begun(scripted(world), CALL_UNBIND), 0);
	assert_non_null(strstr(binds(world, "mydb"), "\"bound\""));
	pass(world, 11 * MINUTE);
	assert_true(scripted_password_is(scripted(world), bound.user, bound.password));
}

static void test_a_failed_rotation_is_tried_again(void **state)
{
	struct world *world = *state;
	struct answer again;

	make_used(world);
	scripted_rule(scripted(world), CALL_BIND, SCRIPTED_FAIL_FINAL, 1, 0, 0);
	assert_int_equal(request(world, &ask_rotate, "instance", "mydb", NULL).code, 0);
	settle(world);
	assert_true(scripted_password_is(scripted(world), bound.user, bound.password));
	assert_non_null(strstr(describe(world, "mydb"), "told to fail"));
	assert_int_equal(request(world, &ask_retry, "instance", "mydb", NULL).code, 0);
	settle(world);
	assert_false(scripted_password_is(scripted(world), bound.user, bound.password));
	assert_null(strstr(describe(world, "mydb"), "told to fail"));
	again = request(world, &ask_bind, "instance", "mydb", "app", "shop", "event", "e1", NULL);
	assert_true(scripted_password_is(scripted(world), again.user, again.password));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_the_user_tries_again),
	    TEST(test_an_operator_tries_again),
	    TEST(test_tsuru_tries_again),
	    TEST(test_the_drift_pass_tries_again),
	    TEST(test_a_bind_after_a_failed_unbind),
	    TEST(test_an_unbind_whose_server_is_away),
	    TEST(test_tries_do_not_renew_the_time),
	    TEST(test_tries_to_remove_do_not_renew_the_time),
	    TEST(test_a_removal_that_failed),
	    TEST(test_an_undelete_opens_no_ended_login),
	    TEST(test_an_unbind_after_a_failed_removal),
	    TEST(test_notes_go_when_they_are_of_no_use),
	    TEST(test_a_failed_mending_ends_no_bind),
	    TEST(test_a_failed_rotation_is_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
