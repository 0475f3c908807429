/* The fence: what the broker does on a server by the mark that it carries. */
#include "unit/broker/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/internal.h"
#include "records/mark.h"
#include "requests/operator.h"
#include "view/list.h"

#define CHECKED 6000 /* ms: the next check has been made by then */
#define FOREIGN "00112233445566ff-9-0a0b0c0d"

static const struct caller ops = {.user = "ops"};

static const struct host *host(struct world *world)
{
	return &catalog_offering(&world->broker->catalog, "scripted")->hosts[0];
}

static void make(struct world *world, const char *name)
{
	assert_int_equal(request(world, &ask_create, "instance", name, "plan", "small", "pool", "east", NULL).code, 0);
}

static void claim(struct world *world)
{
	struct error error;

	assert_int_equal(operator_claim(broker_requests(world->broker), &ops, "scripted", "one", &error), 0);
	pass(world, CHECKED);
}

/* Nothing is done on the server, and everybody is told why. */
static void expect_shut(struct world *world, const char *why)
{
	const size_t begun = scripted_begun(scripted(world), CALL_BIND);
	struct answer answer;
	struct text json;

	pass(world, CHECKED);
	assert_int_equal(host(world)->fence, FENCE_SHUT);
	answer = request(world, &ask_bind, "instance", "mydb", "app", "shut-out", NULL);
	assert_int_equal(answer.code, ERR_UNAVAILABLE);
	assert_non_null(strstr(answer.text, why));
	assert_int_equal(scripted_begun(scripted(world), CALL_BIND), begun);
	assert_int_equal(status_of(world, "mydb"), STATUS_DOWN);
	text_init(&json, 65536);
	view_list_servers(broker_view(world->broker), &json);
	assert_non_null(strstr(text_string(&json), why));
	text_release(&json);
}

static void expect_open(struct world *world)
{
	pass(world, CHECKED);
	assert_int_equal(host(world)->fence, FENCE_OPEN);
	assert_string_equal(scripted_mark(scripted(world)), world->broker->mark.text);
	assert_int_equal(request(world, &ask_bind, "instance", "mydb", "app", "let-in", NULL).code, 0);
}

static void test_a_new_server_is_marked_before_the_first_call(void **state)
{
	struct world *world = *state;
	struct mark mark;

	assert_string_equal(scripted_mark(scripted(world)), "");
	make(world, "mydb");
	assert_true(mark_parse(scripted_mark(scripted(world)), &mark));
	assert_string_equal(mark.store, world->broker->mark.store);
	assert_int_equal(mark.number, 1);
	expect_open(world);
}

static void test_each_start_has_a_greater_number(void **state)
{
	struct world *world = *state;
	struct mark before, after;

	make(world, "mydb");
	assert_true(mark_parse(scripted_mark(scripted(world)), &before));
	restart(world);
	expect_open(world);
	assert_true(mark_parse(scripted_mark(scripted(world)), &after));
	assert_string_equal(before.store, after.store);
	assert_int_equal(after.number, before.number + 1);
}

/* Another broker becomes the active one, marks the server, and the store's database loses that, while this one has seen
 * it for so long. */
static void lose_a_start(struct world *world, int64_t seen_for)
{
	struct broker *broker = world->broker;
	char before[MARK_MAX + 1];
	struct error error;
	struct batch *batch;

	make(world, "mydb");
	strcpy(before, broker->mark.text);
	assert_int_equal(broker_resign(broker, &error), 0);
	assert_int_equal(broker_begin(broker, &error), 0);
	expect_open(world);
	broker_look_at_store(broker);
	pass(world, seen_for);
	broker_look_at_store(broker);
	assert_int_equal(broker_resign(broker, &error), 0);
	batch = batch_new(world->store);
	batch_put(batch, KEYSPACE_META, "store.mark", 10, before, strlen(before), REVISION_ANY);
	assert_int_equal(batch_commit_now(batch, &error), 0);
	broker_look_at_store(broker);
	assert_int_equal(broker_begin(broker, &error), 0);
}

static void test_a_start_that_a_failover_lost_is_no_other_store_s(void **state)
{
	struct world *world = *state;

	lose_a_start(world, MARK_SEEN_FOR / 2);
	expect_open(world);
}

static void test_a_start_that_an_old_backup_lacks_is_another_s(void **state)
{
	struct world *world = *state;

	lose_a_start(world, MARK_SEEN_FOR);
	expect_shut(world, "a later start of this store");
	claim(world);
	expect_open(world);
}

static void test_another_store_s_server_is_left_alone(void **state)
{
	struct world *world = *state;

	make(world, "mydb");
	scripted_put_mark(scripted(world), FOREIGN);
	expect_shut(world, "belongs to another broker's store");
	assert_string_equal(scripted_mark(scripted(world)), FOREIGN);
	claim(world);
	expect_open(world);
}

/* Not even when nothing is recorded there: the other store may hold what it likes. */
static void test_another_store_s_server_is_left_alone_also_when_it_is_new(void **state)
{
	struct world *world = *state;
	struct ask ask;

	scripted_put_mark(scripted(world), FOREIGN);
	begin(world, &ask, &ask_create, "instance", "mydb", "plan", "small", "pool", "east", NULL);
	pass(world, CHECKED);
	assert_int_equal(scripted_begun(scripted(world), CALL_PROVISION), 0);
	assert_string_equal(scripted_mark(scripted(world)), FOREIGN);
	claim(world);
	expect_open(world);
	assert_int_equal(scripted_begun(scripted(world), CALL_PROVISION), 1);
}

/* A driver that looks with each call notices at once; the check does within seconds. */
static void test_a_server_that_changes_hands_between_two_checks(void **state)
{
	struct world *world = *state;
	struct ask ask;

	make(world, "mydb");
	scripted_put_mark(scripted(world), FOREIGN);
	begin(world, &ask, &ask_bind, "instance", "mydb", "app", "shop", NULL);
	settle(world);
	assert_false(ask.answer.came);
	assert_int_equal(scripted_logins(scripted(world)), 0);
	assert_non_null(strstr(describe(world, "mydb"), "given to another broker"));
	assert_null(strstr(describe(world, "mydb"), FOREIGN)); /* tenants read it */
	pass(world, CHECKED);
	claim(world);
	pass(world, CHECKED);
	assert_true(ask.answer.came);
	assert_int_equal(ask.answer.code, 0);
}

static void test_a_mark_that_is_lost(void **state)
{
	struct world *world = *state;

	make(world, "mydb");
	scripted_put_mark(scripted(world), "");
	expect_shut(world, "has lost the broker's mark");
	assert_string_equal(scripted_mark(scripted(world)), "");
	claim(world);
	expect_open(world);
}

static void test_an_empty_server_that_lost_its_mark_is_marked_again(void **state)
{
	struct world *world = *state;

	pass(world, CHECKED);
	scripted_put_mark(scripted(world), "");
	pass(world, CHECKED);
	make(world, "mydb");
	expect_open(world);
}

/* The same store, started later and elsewhere: this one has to stand back, also after a restart, when both have had as
 * many starts. */
static void test_a_copy_of_the_store_that_was_started_since(void **state)
{
	struct world *world = *state;
	char copy[MARK_MAX + 1];

	make(world, "mydb");
	snprintf(copy, sizeof(copy), "%s-2-0a0b0c0d", world->broker->mark.store);
	scripted_put_mark(scripted(world), copy);
	expect_shut(world, "a later start of this store");
	restart(world);
	expect_shut(world, "a later start of this store");
	assert_string_equal(scripted_mark(scripted(world)), copy);
	claim(world);
	expect_open(world);
	assert_int_equal(world->broker->mark.number, 3);
	restart(world);
	expect_open(world);
}

/* The number is the store's, not the server's: the other servers get the new one at once. */
static void test_a_claim_that_raises_the_number_stops_no_other_server(void **state)
{
	struct world *world = *state;
	char copy[MARK_MAX + 1];
	struct error error;
	struct ask ask;

	make(world, "mydb");
	make(world, "filler");
	make(world, "other");
	assert_non_null(strstr(describe(world, "other"), "two")); /* the server with more room by now */
	snprintf(copy, sizeof(copy), "%s-7-0a0b0c0d", world->broker->mark.store);
	scripted_put_mark(scripted(world), copy);
	pass(world, CHECKED);
	assert_int_equal(operator_claim(broker_requests(world->broker), &ops, "scripted", "one", &error), 0);
	pass(world, 1000);
	assert_int_equal(world->broker->mark.number, 8);
	begin(world, &ask, &ask_bind, "instance", "other", "app", "shop", NULL);
	settle(world);
	assert_true(ask.answer.came);
	assert_int_equal(ask.answer.code, 0);
	expect_open(world);
}

/* Whoever runs one server may write there what it likes. Were the store's own number to follow, the numbers would be
 * used up, and the store could not be started any more. */
static void test_a_mark_with_the_greatest_number_is_claimed_and_not_followed(void **state)
{
	static const char *const numbers[] = {"9223372036854775807", "9223372036854775806", "4611686018427387904",
	                                      "4611686018427387903"};
	struct world *world = *state;
	char copy[MARK_MAX + 1];

	make(world, "mydb");
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		snprintf(copy, sizeof(copy), "%s-%s-0a0b0c0d", world->broker->mark.store, numbers[i]);
		scripted_put_mark(scripted(world), copy);
		expect_shut(world, "nothing is done on the server");
		claim(world);
		expect_open(world);
		assert_in_range(world->broker->mark.number, 1, 9);
		restart(world);
		expect_open(world);
	}
}

/* A copy has another file, and does not take what happened at the servers since for undone. */
static void test_a_copied_store_claims_first(void **state)
{
	struct world *world = *state;
	char command[512];

	make(world, "mydb");
	stop_world(world);
	snprintf(command, sizeof(command), "cd %s && cp data.mdb copy && mv copy data.mdb", world->directory);
	assert_int_equal(system(command), 0);
	start_world(world);
	expect_shut(world, "a copy or a restored backup");
	claim(world);
	expect_open(world);
	restart(world);
	expect_open(world);
}

static void on_forgotten(void *arg, int code, const struct error *error, uint64_t revision)
{
	(void)arg;
	(void)error;
	(void)revision;
	assert_int_equal(code, 0);
}

/* A store of an earlier version: its servers have no marks yet. */
static void forget_marks(struct world *world)
{
	struct batch *batch = batch_new(world->store);

	batch_delete(batch, KEYSPACE_META, "marked/scripted/one", strlen("marked/scripted/one"), REVISION_ANY);
	batch_commit(batch, on_forgotten, NULL);
	store_flush(world->store);
	scripted_put_mark(scripted(world), "");
}

static void test_servers_of_an_earlier_version_are_marked_when_all_is_there(void **state)
{
	struct world *world = *state;

	make(world, "mydb");
	assert_int_equal(request(world, &ask_bind, "instance", "mydb", "app", "shop", NULL).code, 0);
	forget_marks(world);
	restart(world);
	expect_open(world);
}

static void test_another_server_in_its_place_is_not_marked(void **state)
{
	struct world *world = *state;
	struct answer bound;

	make(world, "mydb");
	bound = request(world, &ask_bind, "instance", "mydb", "app", "shop", NULL);
	forget_marks(world);
	scripted_drop(scripted(world), bound.user);
	restart(world);
	expect_shut(world, "does not have all that the records say");
	assert_string_equal(scripted_mark(scripted(world)), "");
	claim(world);
	expect_open(world);
}

static void test_a_server_that_is_down_at_the_start(void **state)
{
	struct world *world = *state;
	struct ask ask;

	scripted_rule(scripted(world), 0, SCRIPTED_FAIL_TRANSIENT, 0, 0, 0);
	pass(world, CHECKED);
	begin(world, &ask, &ask_create, "instance", "mydb", "plan", "small", "pool", "east", NULL);
	pass(world, CHECKED);
	assert_false(ask.answer.came && !ask.answer.pending);
	scripted_clear_rules(scripted(world));
	pass(world, 2 * CHECKED);
	expect_open(world);
	assert_int_equal(status_of(world, "mydb"), STATUS_UP);
}

static void write_rules(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* What came before the first check was over does not wait for ever when that fails. */
static void test_what_waits_for_a_first_check_that_fails(void **state)
{
	struct world *world = *state;
	char path[128], rules[192];
	struct ask ask;

	snprintf(path, sizeof(path), "%s/rules", world->directory);
	snprintf(rules, sizeof(rules), "capacity: 4, parallel: 2, rules: %s", path);
	make(world, "mydb");
	write_rules(path, "check hang\n");
	restart_edited(world, "capacity: 4, parallel: 2", rules);
	begin(world, &ask, &ask_bind, "instance", "mydb", "app", "shop", NULL);
	settle(world);
	assert_int_equal(host(world)->fence, FENCE_ASKING);
	pass(world, CHECKED);
	assert_int_equal(host(world)->fence, FENCE_SHUT);
	assert_int_equal(unlink(path), 0);
	pass(world, 2 * CHECKED);
	assert_true(ask.answer.came);
	assert_int_equal(ask.answer.code, 0);
}

static void test_what_runs_is_not_held_up_by_a_check_that_fails(void **state)
{
	struct world *world = *state;

	make(world, "mydb");
	scripted_rule(scripted(world), CALL_READ_MARK, SCRIPTED_FAIL_TRANSIENT, 0, 0, 0);
	pass(world, CHECKED);
	assert_int_equal(host(world)->health, HOST_DOWN);
	assert_int_equal(host(world)->fence, FENCE_OPEN);
	assert_int_equal(request(world, &ask_bind, "instance", "mydb", "app", "shop", NULL).code, 0);
}

static void test_a_mark_that_cannot_be_written(void **state)
{
	struct world *world = *state;
	struct ask ask;

	scripted_rule(scripted(world), CALL_WRITE_MARK, SCRIPTED_FAIL_FINAL, 0, 0, 0);
	begin(world, &ask, &ask_create, "instance", "mydb", "plan", "small", "pool", "east", NULL);
	pass(world, CHECKED);
	assert_int_equal(host(world)->fence, FENCE_SHUT);
	assert_int_equal(scripted_begun(scripted(world), CALL_PROVISION), 0);
	scripted_clear_rules(scripted(world));
	pass(world, CHECKED);
	expect_open(world);
}

static void test_what_is_retained_waits_for_the_claim(void **state)
{
	struct world *world = *state;

	restart_edited(world, "{name: small, description: a, weight: 1}",
	               "{name: small, description: a, retain: 1h, weight: 1}");
	make(world, "mydb");
	assert_int_equal(request(world, &ask_remove, "instance", "mydb", NULL).code, 0);
	scripted_put_mark(scripted(world), FOREIGN);
	pass(world, 2 * 3600 * 1000);
	assert_int_equal(scripted_instances(scripted(world)), 1);
	claim(world);
	pass(world, 60 * 1000);
	assert_int_equal(scripted_instances(scripted(world)), 0);
}

static void test_claims_that_make_no_sense(void **state)
{
	struct world *world = *state;
	struct error error;

	assert_int_equal(operator_claim(broker_requests(world->broker), &ops, "scripted", "nine", &error),
	                 ERR_NOT_FOUND);
	assert_non_null(strstr(error.text, "has no server \"nine\""));
	assert_int_equal(operator_claim(broker_requests(world->broker), &ops, "nine", "one", &error), ERR_NOT_FOUND);
}

/* No server is told the seal, and it stays what it was. */
static void test_the_seal_is_the_stores_own(void **state)
{
	struct world *world = *state;
	char before[STORE_SEAL_LENGTH + 1];

	make(world, "mydb");
	strcpy(before, world->broker->mark.seal);
	assert_int_equal(strlen(before), STORE_SEAL_LENGTH);
	assert_null(strstr(scripted_mark(scripted(world)), before));
	restart(world);
	assert_string_equal(world->broker->mark.seal, before);
}

static void test_a_claim_is_over_once_the_server_is_marked(void **state)
{
	struct world *world = *state;
	struct error error;

	make(world, "mydb");
	scripted_put_mark(scripted(world), FOREIGN);
	pass(world, CHECKED);
	assert_int_equal(operator_claim(broker_requests(world->broker), &ops, "scripted", "one", &error), 0);
	for (int i = 0; i < 20 && host(world)->fence != FENCE_OPEN; i++)
		pass(world, 100);
	assert_string_equal(scripted_mark(scripted(world)), world->broker->mark.text);
	scripted_put_mark(scripted(world), FOREIGN);
	expect_shut(world, "belongs to another broker's store");
	assert_string_equal(scripted_mark(scripted(world)), FOREIGN);
}

static void test_a_claim_of_a_server_that_is_down_lapses(void **state)
{
	struct world *world = *state;
	struct error error;

	make(world, "mydb");
	scripted_put_mark(scripted(world), FOREIGN);
	scripted_rule(scripted(world), 0, SCRIPTED_FAIL_TRANSIENT, 0, 0, 0);
	assert_int_equal(operator_claim(broker_requests(world->broker), &ops, "scripted", "one", &error), 0);
	pass(world, 2 * 60 * 1000);
	scripted_clear_rules(scripted(world));
	pass(world, CHECKED);
	assert_string_equal(scripted_mark(scripted(world)), FOREIGN);
	claim(world);
	expect_open(world);
}

/* Accepted under a configuration that went before it was on the disk, and before its server was asked. */
static void test_work_accepted_between_two_reloads_is_not_lost(void **state)
{
	struct world *world = *state;
	struct ask ask;

	make(world, "mydb");
	reload_edited(world, "", "");
	begin(world, &ask, &ask_bind, "instance", "mydb", "app", "shop", NULL);
	reload_edited(world, "", "");
	settle(world);
	pass(world, CHECKED);
	assert_true(ask.answer.came);
	assert_int_equal(ask.answer.code, 0);
}

static void test_texts_of_marks(void **state)
{
	struct mark mark;

	(void)state;
	assert_true(mark_parse("0123456789abcdef-12-00ff00ff", &mark));
	assert_string_equal(mark.store, "0123456789abcdef");
	assert_int_equal(mark.number, 12);
	assert_false(mark_parse("", &mark));
	assert_false(mark_parse("0123456789abcdef", &mark));
	assert_false(mark_parse("0123456789abcdef-12-00ff00f", &mark));
	assert_false(mark_parse("0123456789abcdef--1-00ff00ff", &mark));
	assert_false(mark_parse("0123456789abcdef-12-00ff00ff0", &mark));
	assert_false(mark_parse("0123456789abcde-12-00ff00ff", &mark));
	assert_false(mark_parse("0123456789abcdef-99999999999999999999999999999999999999-00ff00ff", &mark));
	assert_true(mark_parse("0123456789abcdef-4611686018427387904-00ff00ff", &mark));
	assert_false(mark_parse("0123456789abcdef-4611686018427387905-00ff00ff", &mark));
	assert_false(mark_parse("0123456789abcdef-9223372036854775808-00ff00ff", &mark));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_new_server_is_marked_before_the_first_call),
	    TEST(test_each_start_has_a_greater_number),
	    TEST(test_a_start_that_a_failover_lost_is_no_other_store_s),
	    TEST(test_a_start_that_an_old_backup_lacks_is_another_s),
	    TEST(test_another_store_s_server_is_left_alone),
	    TEST(test_another_store_s_server_is_left_alone_also_when_it_is_new),
	    TEST(test_a_server_that_changes_hands_between_two_checks),
	    TEST(test_a_mark_that_is_lost),
	    TEST(test_an_empty_server_that_lost_its_mark_is_marked_again),
	    TEST(test_a_copy_of_the_store_that_was_started_since),
	    TEST(test_a_claim_that_raises_the_number_stops_no_other_server),
	    TEST(test_a_mark_with_the_greatest_number_is_claimed_and_not_followed),
	    TEST(test_a_copied_store_claims_first),
	    TEST(test_servers_of_an_earlier_version_are_marked_when_all_is_there),
	    TEST(test_another_server_in_its_place_is_not_marked),
	    TEST(test_a_server_that_is_down_at_the_start),
	    TEST(test_what_waits_for_a_first_check_that_fails),
	    TEST(test_what_runs_is_not_held_up_by_a_check_that_fails),
	    TEST(test_a_mark_that_cannot_be_written),
	    TEST(test_what_is_retained_waits_for_the_claim),
	    TEST(test_claims_that_make_no_sense),
	    TEST(test_a_claim_is_over_once_the_server_is_marked),
	    TEST(test_a_claim_of_a_server_that_is_down_lapses),
	    TEST(test_the_seal_is_the_stores_own),
	    TEST(test_work_accepted_between_two_reloads_is_not_lost),
	    cmocka_unit_test(test_texts_of_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
