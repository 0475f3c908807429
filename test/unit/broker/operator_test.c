/* What operators ask for, and what the configuration limits: retained removals and their way back, purges, adoption,
 * forgetting, limits of teams and plans, and another configuration while work is under way. */
#include "unit/broker/harness.h"

#include <stdio.h>
#include <string.h>

#include "broker/internal.h"
#include "requests/operator.h"
#include "upkeep/drift.h"
#include "view/list.h"

#define MINUTE (60 * 1000)
#define HOUR   (60 * MINUTE)
#define RETAIN "{name: small, description: a, retain: 2h, weight: 1}"
#define SMALL  "{name: small, description: a, weight: 1}"

static const struct caller ops = {.user = "ops"};

static void make(struct world *world, const char *name)
{
	assert_int_equal(request(world, &ask_create, "instance", name, "plan", "small", "team", "t", NULL).code, 0);
}

static char resource[BACKEND_NAME_MAX + 1]; /* of the instance that was looked up last */

static const char *resource_of(struct world *world, const char *instance)
{
	const char *shown = strstr(describe(world, instance), "\"Name on the server\",\"value\":\"");

	assert_non_null(shown);
	assert_int_equal(sscanf(shown, "\"Name on the server\",\"value\":\"%64[a-z0-9_]", resource), 1);
	return resource;
}

/* ---- retained removals ---- */

static void test_removed_is_retained_then_purged(void **state)
{
	struct world *world = *state;
	struct answer bound;

	restart_edited(world, SMALL, RETAIN);
	make(world, "mydb");
	bound = request(world, &ask_bind, "instance", "mydb", "app", "shop", NULL);
	resource_of(world, "mydb");
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", NULL).code, 0);
	assert_true(scripted_is_retired(scripted(world), resource));
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", NULL).code, 0);
	make(world, "mydb"); /* the name is free */
	pass(world, HOUR);
	assert_int_equal(scripted_instances(scripted(world)), 2);
	assert_true(scripted_has_login(scripted(world), bound.user));
	pass(world, HOUR + 10 * 60 * 1000);
	assert_int_equal(scripted_instances(scripted(world)), 1);
	assert_false(scripted_has_login(scripted(world), bound.user));
	assert_int_equal(status_of(world, "mydb"), STATUS_UP);
}

static void test_retention_survives_a_restart(void **state)
{
	struct world *world = *state;

	restart_edited(world, SMALL, RETAIN);
	make(world, "mydb");
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", NULL).code, 0);
	pass(world, HOUR);
	restart(world);
	pass(world, HOUR / 2);
	assert_int_equal(scripted_instances(scripted(world)), 1);
	restart(world);
	pass(world, HOUR);
	assert_int_equal(scripted_instances(scripted(world)), 0);
}

static void test_undelete(void **state)
{
	struct world *world = *state;
	char incarnation[INCARNATION_LENGTH + 1];
	struct answer bound;

	restart_edited(world, SMALL, RETAIN);
	make(world, "mydb");
	bound = request(world, &ask_bind, "instance", "mydb", "app", "shop", NULL);
	strcpy(incarnation, incarnation_of(world, "mydb"));
	assert_int_equal(request(world, &ask_restore, "incarnation", incarnation, NULL).code, ERR_INVALID);
	request(world, &ask_remove, "instance", "mydb", NULL);
	assert_int_equal(request(world, &ask_restore, "incarnation", incarnation, NULL).code, 0);
	assert_false(scripted_is_retired(scripted(world), resource_of(world, "mydb")));
	assert_true(scripted_password_is(scripted(world), bound.user, bound.password));
	/* tsuru has no row of it: a create of the same team gets it, with what is in it */
	assert_int_equal(request(world, &ask_create, "instance", "mydb", "plan", "small", "team", "u", NULL).code,
	                 ERR_EXISTS);
	make(world, "mydb");
	assert_string_equal(incarnation_of(world, "mydb"), incarnation);
	pass(world, 3 * HOUR);
	assert_int_equal(scripted_instances(scripted(world)), 1);
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", NULL).code, 0);
	assert_true(scripted_is_retired(scripted(world), resource));
}

static void test_undelete_under_another_name(void **state)
{
	struct world *world = *state;
	char incarnation[INCARNATION_LENGTH + 1];

	restart_edited(world, SMALL, RETAIN);
	make(world, "mydb");
	strcpy(incarnation, incarnation_of(world, "mydb"));
	request(world, &ask_remove, "instance", "mydb", NULL);
	make(world, "mydb");
	assert_int_equal(request(world, &ask_restore, "incarnation", incarnation, NULL).code, ERR_EXISTS);
	assert_int_equal(request(world, &ask_restore, "incarnation", incarnation, "instance", "a/b", NULL).code,
	                 ERR_INVALID);
	assert_int_equal(request(world, &ask_restore, "incarnation", incarnation, "instance", "old", NULL).code, 0);
	assert_string_equal(incarnation_of(world, "old"), incarnation);
	assert_int_equal(status_of(world, "old"), STATUS_UP);
}

static void test_failed_undelete_stays_retained(void **state)
{
	struct world *world = *state;
	char incarnation[INCARNATION_LENGTH + 1];

	restart_edited(world, SMALL, RETAIN);
	make(world, "mydb");
	strcpy(incarnation, incarnation_of(world, "mydb"));
	request(world, &ask_remove, "instance", "mydb", NULL);
	scripted_rule(scripted(world), CALL_RESTORE, SCRIPTED_FAIL_FINAL, 1, 0, 0);
	assert_int_equal(request(world, &ask_restore, "incarnation", incarnation, NULL).code, ERR_REFUSED);
	assert_int_equal(request(world, &ask_update, "instance", "mydb", "plan", "large", NULL).code, ERR_NOT_FOUND);
	assert_int_equal(request(world, &ask_restore, "incarnation", incarnation, NULL).code, 0);
	assert_int_equal(status_of(world, "mydb"), STATUS_UP);
}

static void test_purge_at_once(void **state)
{
	struct world *world = *state;
	char incarnation[INCARNATION_LENGTH + 1];

	restart_edited(world, SMALL, RETAIN);
	make(world, "mydb");
	strcpy(incarnation, incarnation_of(world, "mydb"));
	assert_int_equal(request(world, &ask_purge, "incarnation", incarnation, NULL).code, ERR_INVALID);
	request(world, &ask_remove, "instance", "mydb", NULL);
	assert_int_equal(request(world, &ask_purge, "incarnation", incarnation, NULL).code, 0);
	assert_int_equal(scripted_instances(scripted(world)), 0);
	assert_int_equal(request(world, &ask_restore, "incarnation", incarnation, NULL).code, ERR_NOT_FOUND);
}

/* tsuru's undoing of its own create leaves nothing to keep. */
static void test_undone_create_is_dropped(void **state)
{
	struct world *world = *state;

	restart_edited(world, SMALL, RETAIN);
	assert_int_equal(request(world, &ask_create, "instance", "mydb", "team", "t", "event", "e", NULL).code, 0);
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", "event", "e", NULL).code, 0);
	assert_int_equal(scripted_instances(scripted(world)), 0);
}

/* ---- forgetting and adopting ---- */

static void test_forget_leaves_the_server_alone(void **state)
{
	struct world *world = *state;
	char incarnation[INCARNATION_LENGTH + 1];

	make(world, "mydb");
	request(world, &ask_bind, "instance", "mydb", "app", "shop", NULL);
	strcpy(incarnation, incarnation_of(world, "mydb"));
	assert_int_equal(request(world, &ask_forget, "incarnation", incarnation, NULL).code, 0);
	assert_int_equal(scripted_instances(scripted(world)), 1);
	assert_int_equal(scripted_logins(scripted(world)), 1);
	assert_int_equal(request(world, &ask_forget, "incarnation", incarnation, NULL).code, ERR_NOT_FOUND);
	for (int i = 0; i < 6; i++) { /* its place is free again */
		char name[16];

		snprintf(name, sizeof(name), "db%d", i);
		make(world, name);
	}
}

static void test_adopt(void **state)
{
	struct world *world = *state;

	scripted_put_instance(scripted(world), "legacy", "none");
	assert_int_equal(request(world, &ask_adopt, "instance", "old", "team", "t", "plan", "large", "server", "one",
	                         "resource", "legacy", NULL)
	                     .code,
	                 0);
	assert_string_equal(scripted_plan(scripted(world), "legacy"), "large");
	assert_string_equal(resource_of(world, "old"), "legacy");
	assert_int_equal(request(world, &ask_bind, "instance", "old", "app", "shop", NULL).code, 0);
	assert_int_equal(
	    request(world, &ask_adopt, "instance", "old", "team", "t", "server", "one", "resource", "legacy", NULL)
	        .code,
	    ERR_EXISTS);
	assert_int_equal(
	    request(world, &ask_adopt, "instance", "new", "team", "t", "server", "nine", "resource", "x", NULL).code,
	    ERR_INVALID);
}

/* What could not be adopted is not touched, also not by a removal that comes meanwhile. */
static void test_failed_adoption_drops_nothing(void **state)
{
	struct world *world = *state;
	struct ask ask;

	scripted_put_instance(scripted(world), "legacy", "none");
	scripted_rule(scripted(world), CALL_ADOPT, SCRIPTED_FAIL_TRANSIENT, 0, 0, 0);
	begin(world, &ask, &ask_adopt, "instance", "old", "team", "t", "server", "one", "resource", "legacy", NULL);
	settle(world);
	assert_int_equal(request(world, &ask_remove, "instance", "old", NULL).code, ERR_NOT_READY);
	scripted_clear_rules(scripted(world));
	scripted_rule(scripted(world), CALL_ADOPT, SCRIPTED_FAIL_FINAL, 0, 0, 0);
	pass(world, 60000);
	assert_true(ask.answer.came);
	assert_true(scripted_has_instance(scripted(world), "legacy"));
	assert_int_equal(scripted_begun(scripted(world), CALL_DEPROVISION), 0);
	assert_int_equal(request(world, &ask_update, "instance", "old", NULL).code, ERR_NOT_FOUND);
}

/* ---- limits ---- */

static void test_limits(void **state)
{
	struct world *world = *state;
	struct ask asks[3];
	struct answer refused;
	size_t good = 0;

	restart_edited(world, SMALL, "{name: small, description: a, instances: 3, instances_per_team: 2, weight: 1}");
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = {"one", "two", "three"};

		begin(world, &asks[i], &ask_create, "instance", names[i], "plan", "small", "team", "t", NULL);
	}
	settle(world);
	pass(world, 1000);
	for (int i = 0; i < 3; i++)
		good += asks[i].answer.came && asks[i].answer.code == 0;
	assert_int_equal(good, 2); /* however they overlap */
	refused = request(world, &ask_create, "instance", "four", "plan", "small", "team", "t", NULL);
	assert_int_equal(refused.code, ERR_FORBIDDEN);
	assert_non_null(strstr(refused.text, "2 of 2"));
	assert_int_equal(request(world, &ask_create, "instance", "four", "plan", "small", "team", "u", NULL).code, 0);
}

static void test_limits_of_a_plan(void **state)
{
	struct world *world = *state;
	struct answer refused;

	restart_edited(world, SMALL, "{name: small, description: a, instances: 1, weight: 1}");
	make(world, "one");
	refused = request(world, &ask_create, "instance", "two", "plan", "small", "team", "u", NULL);
	assert_int_equal(refused.code, ERR_FORBIDDEN);
	assert_non_null(strstr(refused.text, "1 of 1"));
	assert_int_equal(request(world, &ask_create, "instance", "two", "plan", "large", "team", "u", NULL).code, 0);
	assert_int_equal(request(world, &ask_update, "instance", "two", "plan", "small", NULL).code, ERR_FORBIDDEN);
	assert_int_equal(request(world, &ask_update, "instance", "one", "plan", "small", NULL).code, 0);
	assert_int_equal(request(world, &ask_update, "instance", "one", "plan", "large", NULL).code, 0);
	assert_int_equal(request(world, &ask_update, "instance", "two", "plan", "small", NULL).code, 0);
	assert_int_equal(request(world, &ask_remove, "instance", "two", NULL).code, 0);
	assert_int_equal(request(world, &ask_update, "instance", "one", "plan", "small", NULL).code, 0);
}

/* ---- reload ---- */

static void test_reload_while_work_runs(void **state)
{
	struct world *world = *state;
	void *before = scripted(world);
	struct ask running, waiting;

	make(world, "mydb");
	scripted_rule(before, CALL_UPDATE, SCRIPTED_HANG, 1, 0, 0);
	begin(world, &running, &ask_update, "instance", "mydb", "plan", "large", NULL);
	settle(world);
	begin(world, &waiting, &ask_bind, "instance", "mydb", "app", "shop", NULL);
	settle(world);
	reload_edited(world, "", "");
	assert_ptr_not_equal(scripted(world), before);
	settle(world);
	assert_false(running.answer.came);
	assert_int_equal(scripted_release(before), 1);
	settle(world);
	assert_true(running.answer.came);
	assert_int_equal(running.answer.code, 0);
	assert_true(waiting.answer.came); /* on the new driver, whose world is the same file */
}

static void test_reload_changes_plans(void **state)
{
	struct world *world = *state;

	make(world, "mydb");
	reload_edited(world, SMALL, "{name: tiny, description: a, weight: 1}");
	assert_int_equal(request(world, &ask_create, "instance", "new", "plan", "small", "team", "t", NULL).code,
	                 ERR_INVALID);
	assert_int_equal(request(world, &ask_create, "instance", "new", "plan", "tiny", "team", "t", NULL).code, 0);
	assert_int_equal(request(world, &ask_update, "instance", "mydb", "plan", "tiny", NULL).code, 0);
}

/* A request that was read before, and is asked for afterwards. */
static void test_reload_without_the_service_of_a_request(void **state)
{
	static const struct asked *const all[] = {&ask_create, &ask_update, &ask_remove, &ask_bind, &ask_unbind,
	                                          &ask_rotate, &ask_act,    &ask_retry,  NULL};
	struct world *world = *state;
	struct config *before = config_hold(world->config), *now;
	struct answer answer;

	make(world, "mydb");
	reload_edited(world, "name: scripted\n", "name: another\n");
	now = world->config;
	world->config = before;
	for (size_t i = 0; all[i] != NULL; i++) {
		answer = request(world, all[i], "instance", "mydb", "plan", "small", "app", "shop", NULL);
		assert_int_equal(answer.code, ERR_UNAVAILABLE);
		assert_non_null(strstr(answer.text, "the service \"scripted\" was taken out"));
	}
	world->config = now;
	config_free(before);
}

/* A server that is gone from the configuration takes its work up again when it is back. */
static void test_reload_without_a_server(void **state)
{
	struct world *world = *state;
	struct ask ask;

	make(world, "mydb");
	scripted_rule(scripted(world), CALL_BIND, SCRIPTED_FAIL_TRANSIENT, 0, 0, 0);
	begin(world, &ask, &ask_bind, "instance", "mydb", "app", "shop", NULL);
	pass(world, 1000);
	reload_edited(world, "name: one,", "name: three,");
	pass(world, 5000);
	assert_false(ask.answer.came);
	reload_edited(world, "", "");
	pass(world, 5000);
	assert_true(ask.answer.came);
	assert_int_equal(ask.answer.code, 0);
}

/* Both what could begin and what stands behind it say what they wait for; to give up needs no server. */
static void test_work_is_stranded_without_its_server(void **state)
{
	static const char waits[] = "\"waits_for\":\"configuration\"";
	const struct caller operator= {.user = "op"};
	struct world *world = *state;
	struct ask first, second;
	const struct job *head;
	const char *told;
	struct error error;

	make(world, "mydb");
	begin(world, &first, &ask_bind, "instance", "mydb", "app", "shop", NULL);
	begin(world, &second, &ask_bind, "instance", "mydb", "app", "other", NULL);
	reload_edited(world, "name: one,", "name: three,");
	settle(world);
	told = strstr(operations(world, "mydb"), waits);
	assert_non_null(told);
	assert_non_null(strstr(told + 1, waits));
	head = TAILQ_FIRST(&world->broker->queue.lanes->jobs);
	assert_int_equal(head->state, JOB_STRANDED);
	assert_int_equal(operator_cancel(broker_requests(world->broker), &operator, head->id, NULL, NULL, &error), 0);
	pass(world, 1000);
	assert_true(first.answer.came);
	assert_int_equal(first.answer.code, ERR_CANCELED);
	assert_false(second.answer.came);
	reload_edited(world, "", "");
	pass(world, 1000);
	assert_true(second.answer.came);
	assert_int_equal(second.answer.code, 0);
}

/* ---- the drift pass ---- */

#define SERVICES    "services:\n"
#define EVERY_TENTH "limits: {verify_interval: 10m, verify_rate: 1}\n" SERVICES
#define NEVER       "limits: {verify_interval: 0}\n" SERVICES

static void test_the_drift_pass_comes_by_itself(void **state)
{
	struct world *world = *state;
	struct answer bound;

	restart_edited(world, SERVICES, EVERY_TENTH);
	make(world, "mydb");
	bound = request(world, &ask_bind, "instance", "mydb", "app", "shop", NULL);
	pass(world, 2 * MINUTE);
	assert_int_equal(scripted_begun(scripted(world), CALL_INSPECT), 1); /* soon after the start */
	scripted_drop(scripted(world), bound.user);
	pass(world, 5 * MINUTE);
	assert_false(scripted_has_login(scripted(world), bound.user));
	pass(world, 5 * MINUTE);
	assert_true(scripted_password_is(scripted(world), bound.user, bound.password));
}

static void test_the_drift_pass_keeps_its_rate(void **state)
{
	static const char *const names[] = {"one", "two", "three", "four", "five"};
	struct world *world = *state;
	struct error error;

	restart_edited(world, SERVICES, EVERY_TENTH);
	for (int i = 0; i < 5; i++)
		make(world, names[i]);
	assert_int_equal(drift_start(broker_upkeep(world->broker), &error), 0);
	pass(world, 2500);
	assert_int_equal(scripted_begun(scripted(world), CALL_INSPECT), 3);
	pass(world, 5000);
	assert_int_equal(scripted_begun(scripted(world), CALL_INSPECT), 5);
}

static void test_reload_changes_the_drift_pass(void **state)
{
	struct world *world = *state;

	restart_edited(world, SERVICES, NEVER);
	make(world, "mydb");
	pass(world, 20 * MINUTE);
	assert_int_equal(scripted_begun(scripted(world), CALL_INSPECT), 0);
	reload_edited(world, SERVICES, EVERY_TENTH);
	pass(world, 2 * MINUTE);
	reload_edited(world, SERVICES, EVERY_TENTH);
	pass(world, 9 * MINUTE + MINUTE / 2); /* a file that says the same does not put it off */
	assert_int_equal(scripted_begun(scripted(world), CALL_INSPECT), 1);
	reload_edited(world, SERVICES, NEVER);
	pass(world, 20 * MINUTE);
	assert_int_equal(scripted_begun(scripted(world), CALL_INSPECT), 0);
}

/* ---- the audit ---- */

static void note(struct world *world, int number)
{
	const struct caller caller = {.user = "ops"};
	char text[16];

	snprintf(text, sizeof(text), "note %d", number);
	operator_note(broker_requests(world->broker), &caller, "reload", "done", text);
	settle(world);
}

/* The newest entry's text, of all in the audit. */
static bool newest_is(struct world *world, const char *wanted)
{
	const struct list_filter filter = {.limit = 1};
	struct error error;
	struct text json;
	bool found;

	text_init(&json, 4096);
	assert_int_equal(view_list_audit(broker_view(world->broker), &filter, &json, &error), 0);
	found = strstr(text_string(&json), wanted) != NULL;
	text_release(&json);
	return found;
}

static void test_the_audit_is_kept_by_number(void **state)
{
	struct world *world = *state;

	restart_edited(world, SERVICES, "limits: {audit_entries: 1000}\n" SERVICES);
	for (int i = 0; i < 1700; i++)
		note(world, i);
	assert_int_equal(store_counter(world->store, AUDIT_COUNTER), 1700);
	pass(world, 6 * MINUTE);
	assert_int_equal(store_counter(world->store, AUDIT_COUNTER), 1000);
	assert_true(newest_is(world, "\"note 1699\""));
}

static void test_the_audit_is_kept_by_age(void **state)
{
	struct world *world = *state;

	restart_edited(world, SERVICES, "limits: {audit: 1h}\n" SERVICES);
	note(world, 1);
	pass(world, 40 * MINUTE);
	note(world, 2);
	pass(world, 10 * MINUTE);
	assert_int_equal(store_counter(world->store, AUDIT_COUNTER), 2);
	pass(world, 20 * MINUTE);
	assert_int_equal(store_counter(world->store, AUDIT_COUNTER), 1);
	assert_true(newest_is(world, "\"note 2\""));
	pass(world, 40 * MINUTE);
	assert_int_equal(store_counter(world->store, AUDIT_COUNTER), 0);
}

/* ---- what another broker wrote while this one stood by ---- */

static void put(struct world *world, enum keyspace keyspace, const char *key, const void *bytes, size_t length)
{
	struct batch *batch = batch_new(world->store);
	struct error error;

	batch_put(batch, keyspace, key, strlen(key), bytes, length, REVISION_ANY);
	assert_int_equal(batch_commit_now(batch, &error), 0);
}

static void test_what_was_drained_while_it_stood_by_is_drained(void **state)
{
	struct world *world = *state;
	struct error error;

	assert_int_equal(broker_resign(world->broker, &error), 0);
	put(world, KEYSPACE_META, "drained/scripted/one", "", 0);
	put(world, KEYSPACE_META, "drained/scripted/two", "", 0);
	assert_int_equal(broker_begin(world->broker, &error), 0);
	assert_int_equal(request(world, &ask_create, "instance", "mydb", "plan", "small", "team", "t", NULL).code,
	                 ERR_FORBIDDEN);
	assert_int_equal(
	    operator_drain(broker_requests(world->broker), &ops, "scripted", "one", false, NULL, NULL, &error), 0);
	make(world, "mydb");
}

static struct world *drained_of; /* NULL, or it is drained once that is told */

static bool is_drained(struct world *world, size_t host)
{
	return world->broker->catalog.present->offerings[0].hosts[host].drained;
}

static void on_drained(void *arg, int code, const char *text)
{
	int *ret_code = arg;

	(void)text;
	if (drained_of != NULL)
		assert_true(is_drained(drained_of, 0));
	assert_int_equal(*ret_code, 1);
	*ret_code = code;
}

static int drain(struct world *world, int *ret_code)
{
	struct error error;

	*ret_code = 1;
	return operator_drain(broker_requests(world->broker), &ops, "scripted", "one", true, on_drained, ret_code,
	                      &error);
}

/* Whoever waits is told once: after the commit, or by a broker that resigns meanwhile. One that closes tells nobody. */
static void test_drain_is_told_once_it_is_durable(void **state)
{
	struct world *world = *state;
	struct error error;
	int code;

	assert_int_equal(drain(world, &code), 0);
	assert_int_equal(code, 1);
	settle(world);
	assert_int_equal(code, 0);
	assert_int_equal(drain(world, &code), 0);
	assert_int_equal(broker_resign(world->broker, &error), 0);
	assert_int_equal(code, 0);
	assert_int_equal(broker_begin(world->broker, &error), 0);
	assert_int_equal(drain(world, &code), 0);
}

static void test_only_so_many_wait_for_the_store(void **state)
{
	static int codes[1000];
	struct world *world = *state;
	struct error error;
	int code;

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		assert_int_equal(drain(world, &codes[i]), 0);
	assert_int_equal(drain(world, &code), ERR_UNAVAILABLE);
	operator_note(broker_requests(world->broker), &ops, "reload", "done", NULL); /* nobody waits for that */
	settle(world);
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		assert_int_equal(codes[i], 0);
	assert_int_equal(code, 1);
	assert_int_equal(drain(world, &code), 0);
	assert_int_equal(broker_resign(world->broker, &error), 0);
	assert_int_equal(code, 0);
	assert_int_equal(broker_begin(world->broker, &error), 0);
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		assert_int_equal(drain(world, &codes[i]), 0);
}

/* A configuration that is read before the commit goes by what was written before. */
static void test_drain_holds_over_a_reload(void **state)
{
	struct world *world = *state;
	struct error error;
	int code;

	assert_int_equal(drain(world, &code), 0);
	assert_true(is_drained(world, 0));
	reload_edited(world, "", "");
	drained_of = world;
	operator_note(broker_requests(world->broker), &ops, "reload", "done", NULL);
	settle(world);
	assert_int_equal(code, 0);
	assert_true(is_drained(world, 0));
	drained_of = NULL;
	assert_int_equal(
	    operator_drain(broker_requests(world->broker), &ops, "scripted", "one", false, NULL, NULL, &error), 0);
	reload_edited(world, "", "");
	settle(world);
	assert_false(is_drained(world, 0));
	assert_int_equal(drain(world, &code), 0);
	reload_edited(world, "name: scripted\n", "name: another\n"); /* which takes the service out */
	settle(world);
	assert_int_equal(code, 0);
	reload_edited(world, "", "");
	assert_true(is_drained(world, 0));
}

/* By a broker whose clock was an hour ahead. */
static void test_ids_stand_behind_those_of_the_broker_before(void **state)
{
	struct world *world = *state;
	char theirs[OPERATION_ID_LENGTH + 1], ours[OPERATION_ID_LENGTH + 1];
	struct error error;

	assert_int_equal(broker_resign(world->broker, &error), 0);
	operation_id(timers_wall(world->timers) + HOUR, 7, theirs);
	put(world, KEYSPACE_AUDIT, theirs, "x", 1);
	assert_int_equal(broker_begin(world->broker, &error), 0);
	records_next_id(world->broker->catalog.records, ours);
	assert_true(strcmp(ours, theirs) > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_removed_is_retained_then_purged),
	    TEST(test_retention_survives_a_restart),
	    TEST(test_undelete),
	    TEST(test_undelete_under_another_name),
	    TEST(test_failed_undelete_stays_retained),
	    TEST(test_purge_at_once),
	    TEST(test_undone_create_is_dropped),
	    TEST(test_forget_leaves_the_server_alone),
	    TEST(test_adopt),
	    TEST(test_failed_adoption_drops_nothing),
	    TEST(test_limits),
	    TEST(test_limits_of_a_plan),
	    TEST(test_reload_while_work_runs),
	    TEST(test_reload_changes_plans),
	    TEST(test_reload_without_the_service_of_a_request),
	    TEST(test_reload_without_a_server),
	    TEST(test_work_is_stranded_without_its_server),
	    TEST(test_the_drift_pass_comes_by_itself),
	    TEST(test_the_drift_pass_keeps_its_rate),
	    TEST(test_reload_changes_the_drift_pass),
	    TEST(test_the_audit_is_kept_by_number),
	    TEST(test_the_audit_is_kept_by_age),
	    TEST(test_what_was_drained_while_it_stood_by_is_drained),
	    TEST(test_drain_is_told_once_it_is_durable),
	    TEST(test_only_so_many_wait_for_the_store),
	    TEST(test_drain_holds_over_a_reload),
	    TEST(test_ids_stand_behind_those_of_the_broker_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
