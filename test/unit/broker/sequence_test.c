/* The sequences that tsuru creates (docs/tsuru.md): one test each, which fails without the broker's handling. */
#include <string.h>

#include "unit/broker/harness.h"

static struct answer create(struct world *world, const char *event)
{
	return request(world, &ask_create, "instance", "db", "team", "red", "plan", "small", "event", event, NULL);
}

/* S1: the first create was not answered in time; tsuru forgot it and the user asks again. */
static void test_create_again_takes_over(void **state)
{
	struct world *world = *state;
	struct ask lost;

	scripted_rule(scripted(world), CALL_PROVISION, SCRIPTED_HANG, 1, 0, 0);
	begin(world, &lost, &ask_create, "instance", "db", "team", "red", "plan", "small", "event", "e1", NULL);
	settle(world);
	assert_int_equal(
	    request(world, &ask_create, "instance", "db", "team", "red", "plan", "large", "event", "e2", NULL).code, 0);
	pass(world, 60000);
	assert_true(lost.answer.came);
	assert_non_null(strstr(describe(world, "db"), "\"Plan in force\",\"value\":\"large\""));
	assert_int_equal(status_of(world, "db"), STATUS_UP);
	assert_int_equal(create(world, "e3").code, 0);
	pass(world, 1000);
	assert_non_null(strstr(describe(world, "db"), "\"Plan in force\",\"value\":\"small\""));
}

/* S1: only for the same team, and only as long as it was never bound. */
static void test_create_of_anothers_name_is_refused(void **state)
{
	struct world *world = *state;

	assert_int_equal(create(world, "e1").code, 0);
	assert_int_equal(request(world, &ask_create, "instance", "db", "team", "blue", "event", "e2", NULL).code,
	                 ERR_EXISTS);
	assert_int_equal(request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e3", NULL).code, 0);
	assert_int_equal(create(world, "e4").code, ERR_EXISTS);
}

/* S2: the removal comes while the instance is still being made. */
static void test_remove_while_creating(void **state)
{
	struct world *world = *state;
	struct ask creating;

	scripted_rule(scripted(world), CALL_PROVISION, SCRIPTED_FAIL_TRANSIENT, 1000, 0, 0);
	begin(world, &creating, &ask_create, "instance", "db", "team", "red", "event", "e1", NULL);
	settle(world);
	assert_int_equal(request(world, &ask_remove, "instance", "db", "event", "e1", NULL).code, 0);
	assert_int_equal(creating.answer.code, ERR_CANCELED);
	assert_int_equal(scripted_instances(scripted(world)), 0);
}

/* S3: an update that fails for good is seen in status and info, and can be tried anew. */
static void test_failed_update_is_shown(void **state)
{
	struct world *world = *state;

	create(world, "e1");
	scripted_rule(scripted(world), CALL_UPDATE, SCRIPTED_FAIL_FINAL, 1, 0, 0);
	assert_int_equal(request(world, &ask_update, "instance", "db", "plan", "large", "event", "e2", NULL).code,
	                 ERR_REFUSED);
	assert_int_equal(status_of(world, "db"), STATUS_TEXT);
	assert_non_null(strstr(describe(world, "db"), "\"Plan in force\",\"value\":\"small\""));
	assert_non_null(strstr(describe(world, "db"), "\"Wanted plan\",\"value\":\"large\""));
	assert_int_equal(request(world, &ask_retry, "instance", "db", NULL).code, 0);
	pass(world, 1000);
	assert_int_equal(status_of(world, "db"), STATUS_UP);
	assert_non_null(strstr(describe(world, "db"), "\"Plan in force\",\"value\":\"large\""));
}

/* S3: tsuru shows the plan that was refused as the instance's; info tells why it is not. */
static void test_a_refused_update_is_told(void **state)
{
	struct world *world = *state;

	create(world, "e1");
	assert_null(strstr(describe(world, "db"), "Last refusal"));
	assert_int_equal(request(world, &ask_update, "instance", "db", "plan", "huge", "event", "e2", NULL).code,
	                 ERR_INVALID);
	assert_non_null(strstr(describe(world, "db"), "\"Last refusal\",\"value\":\"the service "));
	assert_non_null(strstr(describe(world, "db"), "has no plan \\\"huge\\\""));
	restart(world);
	assert_non_null(strstr(describe(world, "db"), "has no plan \\\"huge\\\""));
	assert_non_null(strstr(describe(world, "db"), "\"Plan in force\",\"value\":\"small\""));
	assert_int_equal(status_of(world, "db"), STATUS_UP);
	assert_int_equal(request(world, &ask_update, "instance", "db", "plan", "large", "event", "e3", NULL).code, 0);
	assert_null(strstr(describe(world, "db"), "Last refusal"));
}

/* An update that is asked again after another one was refused is accepted, not only waited for. */
static void test_what_is_under_way_takes_a_refusal_back(void **state)
{
	struct world *world = *state;
	struct ask first;

	create(world, "e1");
	scripted_rule(scripted(world), CALL_UPDATE, SCRIPTED_FAIL_TRANSIENT, 3, 0, 0);
	begin(world, &first, &ask_update, "instance", "db", "plan", "large", "event", "e2", NULL);
	settle(world);
	assert_int_equal(request(world, &ask_update, "instance", "db", "plan", "huge", "event", "e3", NULL).code,
	                 ERR_INVALID);
	assert_non_null(strstr(describe(world, "db"), "Last refusal"));
	assert_int_equal(request(world, &ask_update, "instance", "db", "plan", "large", "event", "e4", NULL).code, 0);
	pass(world, 60000);
	assert_true(first.answer.came);
	assert_null(strstr(describe(world, "db"), "Last refusal"));
	assert_non_null(strstr(describe(world, "db"), "\"Plan in force\",\"value\":\"large\""));
}

/* S3: what was accepted is reached, however long the server is away. */
static void test_update_converges(void **state)
{
	struct world *world = *state;
	struct answer answer;

	create(world, "e1");
	scripted_rule(scripted(world), CALL_UPDATE, SCRIPTED_FAIL_TRANSIENT, 6, 0, 0);
	answer = request(world, &ask_update, "instance", "db", "plan", "large", "event", "e2", NULL);
	assert_int_equal(answer.code, 0);
	pass(world, 120000);
	assert_non_null(strstr(describe(world, "db"), "\"Plan in force\",\"value\":\"large\""));
}

/* S4: the first bind still runs when tsuru's user tries again. */
static void test_bind_again_while_binding(void **state)
{
	struct world *world = *state;
	struct ask first;
	struct answer second;

	create(world, "e1");
	scripted_rule(scripted(world), CALL_BIND, SCRIPTED_DELAY, 1, 3000, 0);
	begin(world, &first, &ask_bind, "instance", "db", "app", "shop", "event", "e2", NULL);
	settle(world);
	second = request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e3", NULL);
	assert_int_equal(second.code, 0);
	assert_true(scripted_password_is(scripted(world), second.user, second.password));
}

/* S4: the first bind's answer was lost after the server had acted. */
static void test_bind_again_after_a_lost_answer(void **state)
{
	struct world *world = *state;
	struct ask lost;
	struct answer again;

	create(world, "e1");
	scripted_rule(scripted(world), CALL_BIND, SCRIPTED_LOST, 1, 0, 0);
	begin(world, &lost, &ask_bind, "instance", "db", "app", "shop", "event", "e2", NULL);
	settle(world);
	again = request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e3", NULL);
	assert_int_equal(again.code, 0);
	assert_true(scripted_password_is(scripted(world), again.user, again.password));
}

/* S5: an unbind may come twice, or for what was never bound. */
static void test_unbind_is_idempotent(void **state)
{
	struct world *world = *state;
	struct answer bound;

	create(world, "e1");
	bound = request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e2", NULL);
	assert_int_equal(request(world, &ask_unbind, "instance", "db", "app", "shop", "event", "e2", NULL).code, 0);
	assert_false(scripted_password_is(scripted(world), bound.user, bound.password));
	assert_int_equal(request(world, &ask_unbind, "instance", "db", "app", "shop", "event", "e2", NULL).code, 0);
	assert_int_equal(request(world, &ask_unbind, "instance", "db", "app", "other", "event", "e3", NULL).code, 0);
}

/* S6: tsuru takes its unbind back with the same event and throws the answer away. */
static void test_undone_unbind_restores_the_credentials(void **state)
{
	struct world *world = *state;
	struct answer bound;

	create(world, "e1");
	bound = request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e2", "parameters",
	                "{\"read_only\":true}", NULL);
	request(world, &ask_unbind, "instance", "db", "app", "shop", "event", "e3", NULL);
	pass(world, 30 * 60 * 1000);
	restart(world);
	request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e3", NULL);
	assert_true(scripted_password_is(scripted(world), bound.user, bound.password));
	assert_non_null(strstr(binds(world, "db"), "read_only"));
}

/* S6: the bind that takes it back may come again under the same event, and gives the same again. */
static void test_undone_unbind_is_repeated(void **state)
{
	struct world *world = *state;
	struct answer bound;

	create(world, "e1");
	bound = request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e2", NULL);
	request(world, &ask_unbind, "instance", "db", "app", "shop", "event", "e3", NULL);
	for (int i = 0; i < 2; i++) {
		request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e3", NULL);
		assert_true(scripted_password_is(scripted(world), bound.user, bound.password));
	}
}

/* S4: what was begun under an event that nobody waits for any more is the next event's, also when that one repeats. */
static void test_joined_bind_is_repeated(void **state)
{
	struct world *world = *state;
	struct answer bound;
	struct ask lost;

	create(world, "e1");
	scripted_rule(scripted(world), CALL_BIND, SCRIPTED_DELAY, 1, 4000, 0);
	begin(world, &lost, &ask_bind, "instance", "db", "app", "shop", "event", "e2", NULL);
	settle(world);
	bound = request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e3", NULL);
	assert_int_equal(bound.code, 0);
	request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e3", NULL);
	assert_true(scripted_password_is(scripted(world), bound.user, bound.password));
}

/* A bind that began before the instance's parameters changed is not the next one's: it would have the old ones. */
static void test_bind_under_way_when_parameters_change(void **state)
{
	struct world *world = *state;
	struct ask lost, update;

	create(world, "e1");
	scripted_rule(scripted(world), CALL_BIND, SCRIPTED_DELAY, 1, 4000, 0);
	begin(world, &lost, &ask_bind, "instance", "db", "app", "shop", "event", "e2", NULL);
	settle(world);
	begin(world, &update, &ask_update, "instance", "db", "parameters", "{\"binds.shop.read_only\":true}", NULL);
	settle(world);
	assert_null(strstr(binds(world, "db"), "{\\\"read_only"));
	assert_int_equal(request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e3", NULL).code, 0);
	assert_non_null(strstr(binds(world, "db"), "{\\\"read_only\\\":true}"));
	/* A bind that is asked for by the same event again is that bind, whatever came between. */
	request(world, &ask_update, "instance", "db", NULL);
	restart(world);
	request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e3", NULL);
	assert_non_null(strstr(binds(world, "db"), "{\\\"read_only\\\":true}"));
	assert_non_null(strstr(binds(world, "db"), "\"old_parameters\":\"read_only\""));
	request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e4", NULL);
	assert_null(strstr(binds(world, "db"), "read_only"));
}

/* S6: the same while the unbind still runs, and after an unbind that came twice. */
static void test_undone_unbind_that_still_runs(void **state)
{
	struct world *world = *state;
	struct answer bound;
	struct ask unbinding;

	create(world, "e1");
	bound = request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e2", NULL);
	scripted_rule(scripted(world), CALL_UNBIND, SCRIPTED_DELAY, 1, 4000, 0);
	begin(world, &unbinding, &ask_unbind, "instance", "db", "app", "shop", "event", "e3", NULL);
	settle(world);
	request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e3", NULL);
	assert_true(scripted_password_is(scripted(world), bound.user, bound.password));
	request(world, &ask_unbind, "instance", "db", "app", "shop", "event", "e4", NULL);
	request(world, &ask_unbind, "instance", "db", "app", "shop", "event", "e5", NULL);
	request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e5", NULL);
	assert_true(scripted_password_is(scripted(world), bound.user, bound.password));
}

/* What tsuru says of the app is kept, and is what the last bind said; an unbind that is taken back without a word
 * leaves it. */
static void test_hosts_are_kept(void **state)
{
	struct world *world = *state;
	struct answer bound;

	create(world, "e1");
	request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e2", "hosts", "[\"a\"]", "runs_in", "east",
	        NULL);
	assert_non_null(strstr(binds(world, "db"), "\"hosts\":[\"a\"],\"pool\":\"east\""));
	bound = request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e3", "hosts", "[\"b\"]", NULL);
	restart(world);
	assert_non_null(strstr(binds(world, "db"), "\"hosts\":[\"b\"]"));
	assert_null(strstr(binds(world, "db"), "east"));
	for (int i = 0; i < 2; i++) {
		request(world, &ask_unbind, "instance", "db", "app", "shop", "event", "e4", NULL);
		request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e4", NULL);
		assert_non_null(strstr(binds(world, "db"), "\"hosts\":[\"b\"]"));
	}
	request(world, &ask_unbind, "instance", "db", "app", "shop", "event", "e5", NULL);
	request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e5", "hosts", "[\"c\"]", NULL);
	assert_non_null(strstr(binds(world, "db"), "\"hosts\":[\"c\"]"));
	assert_true(scripted_password_is(scripted(world), bound.user, bound.password));
}

/* S4: a bind that says something else than the one under way is made as well, also under the same event. */
static void test_other_hosts_while_binding(void **state)
{
	static const char *const events[] = {"e2", "e3"};
	struct world *world = *state;
	struct answer second;
	struct ask first;

	create(world, "e1");
	for (size_t i = 0; i < 2; i++) {
		const size_t begun = scripted_begun(scripted(world), CALL_BIND);

		scripted_rule(scripted(world), CALL_BIND, SCRIPTED_DELAY, 1, 3000, 0);
		begin(world, &first, &ask_bind, "instance", "db", "app", "shop", "event", "e2", "hosts", "[\"a\"]",
		      NULL);
		settle(world);
		second = request(world, &ask_bind, "instance", "db", "app", "shop", "event", events[i], "hosts",
		                 "[\"b\"]", NULL);
		assert_int_equal(second.code, 0);
		assert_true(first.answer.came);
		assert_int_equal(scripted_begun(scripted(world), CALL_BIND), begun + 2);
		assert_true(scripted_password_is(scripted(world), second.user, second.password));
		assert_non_null(strstr(binds(world, "db"), "\"hosts\":[\"b\"]"));
		request(world, &ask_unbind, "instance", "db", "app", "shop", "event", "e9", NULL);
	}
}

/* S7: an app's name can be taken by another team, with or without an unbind that got through. */
static void test_earlier_credentials_never_work_again(void **state)
{
	struct world *world = *state;
	struct answer first, second, third;

	create(world, "e1");
	first = request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e2", NULL);
	second = request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e3", NULL);
	assert_false(scripted_password_is(scripted(world), first.user, first.password));
	assert_true(scripted_password_is(scripted(world), second.user, second.password));
	request(world, &ask_unbind, "instance", "db", "app", "shop", "event", "e4", NULL);
	third = request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e5", NULL);
	assert_false(scripted_password_is(scripted(world), second.user, second.password));
	assert_true(scripted_password_is(scripted(world), third.user, third.password));
}

/* The same event again is the same operation of tsuru's: the same credentials. */
static void test_bind_of_the_same_event_is_the_same(void **state)
{
	struct world *world = *state;
	struct answer first, second;

	create(world, "e1");
	first = request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e2", NULL);
	second = request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e2", NULL);
	assert_string_equal(first.user, second.user);
	assert_string_equal(first.password, second.password);
}

/* S8: an app and a job may share a name; the removal of the instance ends every bind. */
static void test_removal_ends_every_bind(void **state)
{
	struct world *world = *state;
	struct answer app, job;

	create(world, "e1");
	app = request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e2", NULL);
	job = request(world, &ask_bind, "instance", "db", "job", "shop", "event", "e3", NULL);
	assert_string_not_equal(app.user, job.user);
	request(world, &ask_unbind, "instance", "db", "app", "shop", "event", "e4", NULL);
	assert_true(scripted_password_is(scripted(world), job.user, job.password));
	assert_int_equal(request(world, &ask_remove, "instance", "db", "event", "e5", NULL).code, 0);
	assert_false(scripted_password_is(scripted(world), job.user, job.password));
	assert_int_equal(scripted_instances(scripted(world)), 0);
}

/* S8: of the unbinds that a removal finds waiting, it lets only the last one of each bind run first. */
static void test_removal_does_not_wait_for_what_others_overtook(void **state)
{
	struct world *world = *state;
	struct ask asks[9];
	size_t count = 0;

	create(world, "e1");
	request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e2", NULL);
	scripted_rule(scripted(world), CALL_UNBIND, SCRIPTED_DELAY, 5, 4000, 0);
	for (int i = 0; i < 4; i++) {
		begin(world, &asks[count++], &ask_unbind, "instance", "db", "app", "shop", "event", "e3", NULL);
		settle(world);
		begin(world, &asks[count++], &ask_bind, "instance", "db", "app", "shop", "event", "e4", NULL);
		settle(world);
	}
	begin(world, &asks[count], &ask_remove, "instance", "db", "event", "e5", NULL);
	settle(world);
	pass(world, 6000);
	assert_true(asks[count].answer.came);
	assert_int_equal(asks[count].answer.code, 0);
	assert_int_equal(asks[count - 2].answer.code, ERR_CANCELED);
	assert_int_equal(scripted_instances(scripted(world)), 0);
}

/* S9: a removal may be repeated; an unknown name is an error. */
static void test_remove_again(void **state)
{
	struct world *world = *state;

	create(world, "e1");
	assert_int_equal(request(world, &ask_remove, "instance", "db", "event", "e2", NULL).code, 0);
	assert_int_equal(request(world, &ask_remove, "instance", "db", "event", "e3", NULL).code, 0);
	restart(world);
	assert_int_equal(request(world, &ask_remove, "instance", "db", "event", "e4", NULL).code, 0);
	assert_int_equal(request(world, &ask_remove, "instance", "other", "event", "e5", NULL).code, ERR_NOT_FOUND);
}

/* S9: the name is used again while the old removal cannot reach its server. */
static void test_name_used_again_is_a_new_incarnation(void **state)
{
	struct world *world = *state;
	struct answer old, new;

	create(world, "e1");
	old = request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e2", NULL);
	scripted_rule(scripted(world), CALL_DEPROVISION, SCRIPTED_FAIL_TRANSIENT, 0, 0, 0);
	assert_true(request(world, &ask_remove, "instance", "db", "event", "e3", NULL).pending);
	assert_int_equal(request(world, &ask_create, "instance", "db", "team", "blue", "event", "e4", NULL).code, 0);
	new = request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e5", NULL);
	assert_string_not_equal(old.user, new.user);
	scripted_clear_rules(scripted(world));
	pass(world, 60000);
	assert_false(scripted_password_is(scripted(world), old.user, old.password));
	assert_true(scripted_password_is(scripted(world), new.user, new.password));
	assert_int_equal(scripted_instances(scripted(world)), 1);
	assert_int_equal(status_of(world, "db"), STATUS_UP);
}

/* S10: views answer while the server does not. */
static void test_views_do_not_wait(void **state)
{
	struct world *world = *state;

	create(world, "e1");
	scripted_rule(scripted(world), CALL_OBSERVE, SCRIPTED_HANG, 1000, 0, 0);
	scripted_rule(scripted(world), CALL_CHECK, SCRIPTED_FAIL_TRANSIENT, 2, 0, 0);
	assert_non_null(strstr(describe(world, "db"), "\"State\",\"value\":\"ready\""));
	pass(world, 6000);
	assert_int_equal(status_of(world, "db"), STATUS_DOWN);
	pass(world, 15000);
	assert_int_equal(status_of(world, "db"), STATUS_UP);
}

/* What is shown of a server that does not answer was seen before: it says when. */
static void test_figures_of_a_server_that_is_down_say_how_old_they_are(void **state)
{
	struct world *world = *state;

	create(world, "e1");
	(void)describe(world, "db");
	settle(world);
	assert_null(strstr(describe(world, "db"), "Figures from"));
	scripted_rule(scripted(world), CALL_CHECK, SCRIPTED_FAIL_TRANSIENT, 1000, 0, 0);
	pass(world, 30000);
	assert_int_equal(status_of(world, "db"), STATUS_DOWN);
	assert_non_null(strstr(describe(world, "db"), "\"Figures from\",\"value\":\"2027-01-15T08:0"));
	assert_non_null(strstr(describe(world, "db"), "Z, 30 s ago\""));
	pass(world, 5 * 60 * 1000);
	assert_non_null(strstr(describe(world, "db"), "Z, 5 min ago\""));
	pass(world, 3 * 60 * 60 * 1000);
	assert_non_null(strstr(describe(world, "db"), "Z, 3 h ago\""));
	scripted_clear_rules(scripted(world));
	pass(world, 10000);
	assert_int_equal(status_of(world, "db"), STATUS_UP);
	settle(world);
	assert_null(strstr(describe(world, "db"), "Figures from"));
	pass(world, 2 * 60 * 1000); /* nobody asked meanwhile: the first look shows what was */
	assert_non_null(strstr(describe(world, "db"), "Z, 2 min ago\""));
	settle(world);
	assert_null(strstr(describe(world, "db"), "Figures from"));
}

/* S11: every operation that was acknowledged goes on after a crash. */
static void test_pending_work_survives_a_crash(void **state)
{
	struct world *world = *state;
	struct ask creating, binding;

	scripted_rule(scripted(world), CALL_PROVISION, SCRIPTED_HANG, 1, 0, 0);
	begin(world, &creating, &ask_create, "instance", "db", "team", "red", "event", "e1", NULL);
	settle(world);
	begin(world, &binding, &ask_bind, "instance", "db", "app", "shop", "event", "e2", NULL);
	settle(world);
	restart(world);
	pass(world, 1000);
	assert_false(creating.answer.came || binding.answer.came);
	assert_int_equal(status_of(world, "db"), STATUS_UP);
	assert_non_null(strstr(binds(world, "db"), "\"state\":\"bound\""));
}

/* S9, S12: what is being removed lets nobody in any more, as it binds nobody. */
static void test_no_unit_is_let_into_what_is_removed(void **state)
{
	struct world *world = *state;
	struct ask removing;

	create(world, "e1");
	scripted_rule(scripted(world), CALL_DEPROVISION, SCRIPTED_DELAY, 1, 4000, 0);
	begin(world, &removing, &ask_remove, "instance", "db", "event", "e2", NULL);
	settle(world);
	assert_int_equal(request(world, &ask_allow_unit, "instance", "db", "unit", "10.0.0.7", NULL).code,
	                 ERR_CANCELED);
}

/* 404 would be success to tsuru for an update, and "does not exist" for a bind: it does, and the removal may fail. */
static void test_what_is_being_removed_is_not_gone(void **state)
{
	struct world *world = *state;
	struct ask removing;
	struct answer answer;

	create(world, "e1");
	scripted_rule(scripted(world), CALL_DEPROVISION, SCRIPTED_DELAY, 1, 4000, 0);
	begin(world, &removing, &ask_remove, "instance", "db", "event", "e2", NULL);
	settle(world);
	answer = request(world, &ask_update, "instance", "db", "plan", "large", "event", "e3", NULL);
	assert_int_equal(error_http_status(answer.code), 503);
	assert_non_null(strstr(answer.text, "is being removed"));
	answer = request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e4", NULL);
	assert_int_equal(error_http_status(answer.code), 503);
	pass(world, 10000);
	assert_true(removing.answer.came);
	answer = request(world, &ask_update, "instance", "db", "plan", "large", "event", "e5", NULL);
	assert_int_equal(error_http_status(answer.code), 404);
}

/* S12: units of old clients, with a driver that has nothing to do for them. */
static void test_units_are_idempotent(void **state)
{
	struct world *world = *state;

	create(world, "e1");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(request(world, &ask_allow_unit, "instance", "db", "unit", "10.0.0.7", NULL).code, 0);
		assert_int_equal(request(world, &ask_deny_unit, "instance", "db", "unit", "10.0.0.7", NULL).code, 0);
	}
	assert_int_equal(request(world, &ask_allow_unit, "instance", "none", "unit", "10.0.0.7", NULL).code,
	                 ERR_NOT_FOUND);
	assert_int_equal(request(world, &ask_allow_unit, "instance", "db", "unit", "10 0", NULL).code, ERR_INVALID);
}

/* S13: a rotation is answered once it is durable, and done in the queue. */
static void test_rotation_runs_in_the_queue(void **state)
{
	struct world *world = *state;
	struct answer bound;

	create(world, "e1");
	bound = request(world, &ask_bind, "instance", "db", "app", "shop", "event", "e2", NULL);
	scripted_rule(scripted(world), CALL_BIND, SCRIPTED_FAIL_TRANSIENT, 3, 0, 0);
	assert_int_equal(request(world, &ask_rotate, "instance", "db", NULL).code, 0);
	assert_true(scripted_password_is(scripted(world), bound.user, bound.password));
	/* Its answer was lost, and it is asked for again. */
	assert_int_equal(request(world, &ask_rotate, "instance", "db", NULL).code, 0);
	assert_int_equal(request(world, &ask_rotate, "instance", "db", "app", "shop", NULL).code, 0);
	pass(world, 60000);
	assert_false(scripted_password_is(scripted(world), bound.user, bound.password));
	assert_non_null(strstr(binds(world, "db"), "\"state\":\"bound\""));
	assert_int_equal(request(world, &ask_rotate, "instance", "db", "app", "none", NULL).code, ERR_NOT_FOUND);
}

#define SEQUENCE(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    SEQUENCE(test_create_again_takes_over),
	    SEQUENCE(test_create_of_anothers_name_is_refused),
	    SEQUENCE(test_remove_while_creating),
	    SEQUENCE(test_failed_update_is_shown),
	    SEQUENCE(test_a_refused_update_is_told),
	    SEQUENCE(test_what_is_under_way_takes_a_refusal_back),
	    SEQUENCE(test_update_converges),
	    SEQUENCE(test_bind_again_while_binding),
	    SEQUENCE(test_bind_again_after_a_lost_answer),
	    SEQUENCE(test_unbind_is_idempotent),
	    SEQUENCE(test_undone_unbind_restores_the_credentials),
	    SEQUENCE(test_undone_unbind_is_repeated),
	    SEQUENCE(test_joined_bind_is_repeated),
	    SEQUENCE(test_bind_under_way_when_parameters_change),
	    SEQUENCE(test_undone_unbind_that_still_runs),
	    SEQUENCE(test_hosts_are_kept),
	    SEQUENCE(test_other_hosts_while_binding),
	    SEQUENCE(test_earlier_credentials_never_work_again),
	    SEQUENCE(test_bind_of_the_same_event_is_the_same),
	    SEQUENCE(test_removal_ends_every_bind),
	    SEQUENCE(test_removal_does_not_wait_for_what_others_overtook),
	    SEQUENCE(test_remove_again),
	    SEQUENCE(test_name_used_again_is_a_new_incarnation),
	    SEQUENCE(test_views_do_not_wait),
	    SEQUENCE(test_figures_of_a_server_that_is_down_say_how_old_they_are),
	    SEQUENCE(test_pending_work_survives_a_crash),
	    SEQUENCE(test_no_unit_is_let_into_what_is_removed),
	    SEQUENCE(test_what_is_being_removed_is_not_gone),
	    SEQUENCE(test_units_are_idempotent),
	    SEQUENCE(test_rotation_runs_in_the_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
