/* The scripted driver: its behaviours, its world, its journal and its file of rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "base/secret.h"
#include "driver/scripted/scripted.h"
#include "model/parameters.h"

#define TIMEOUT 1000

static const struct plan plans[] = {{.name = "small"}, {.name = "large"}};
static const struct instance instance = {.name = "db", .resource = "db_1"};
static const struct bind app = {.kind = BIND_APP, .name = "shop", .login = "shop_1"};

struct world {
	char directory[64], journal[80], rules[80];
	struct option options[2];
	struct server server;
	struct service service;
	struct driver_context context;
	struct backend *backend;
	void *state;
	struct driver_call call;
	int told;
	int code;
};

static void on_settled(struct driver_call *call, int code, const struct error *error)
{
	struct world *world = call->arg;

	(void)error;
	world->told++;
	world->code = code;
}

static void open_backend(struct world *world)
{
	assert_int_equal(backend_open(&driver_scripted, &world->service, &world->context, &world->backend, NULL), 0);
	world->state = world->backend->state;
}

static void begin(struct world *world, enum call_kind kind)
{
	call_init(&world->call);
	world->call.kind = kind;
	world->call.backend = world->backend;
	world->call.server = world->service.server_count > 0 ? &world->server : NULL;
	world->call.instance = &instance;
	world->call.plan = kind == CALL_UPDATE ? &plans[1] : &plans[0];
	world->call.bind = &app;
	world->call.password = "secret";
	world->call.binds = &app;
	world->call.bind_count = 1;
	world->call.timeout = TIMEOUT;
	world->call.on_settled = on_settled;
	world->call.arg = world;
	world->told = 0;
	assert_int_equal(call_start(&world->call), 0);
	assert_int_equal(world->told, 0);
}

static void expect_told(struct world *world, int64_t after, int code)
{
	if (after > 0)
		timers_advance(world->context.timers, after - 1);
	assert_int_equal(world->told, 0);
	timers_advance(world->context.timers, after > 0 ? 1 : 0);
	assert_int_equal(world->told, 1);
	assert_int_equal(world->code, code);
}

static void run(struct world *world, enum call_kind kind, int code)
{
	begin(world, kind);
	expect_told(world, 0, code);
	call_release(&world->call);
}

static int setup(void **state)
{
	const char *parent = getenv("TMPDIR");
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	snprintf(world->directory, sizeof(world->directory), "%s/scriptedXXXXXX", parent != NULL ? parent : "/tmp");
	assert_non_null(mkdtemp(world->directory));
	snprintf(world->journal, sizeof(world->journal), "%s/journal", world->directory);
	snprintf(world->rules, sizeof(world->rules), "%s/rules", world->directory);
	for (size_t i = 0; i < 2; i++)
		world->options[i].key = &driver_scripted.server_keys[i];
	world->options[0].value.text = world->journal;
	world->options[1].value.text = world->rules;
	world->server = (struct server){.name = "main", .options = {world->options, 2}};
	world->service = (struct service){.name = "s", .plans = plans, .plan_count = 2, .servers = &world->server};
	world->context.timers = timers_new_manual(0);
	assert_non_null(world->context.timers);
	open_backend(world);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	backend_close(world->backend);
	timers_free(world->context.timers);
	unlink(world->journal);
	unlink(world->rules);
	assert_int_equal(rmdir(world->directory), 0);
	free(world);
	return 0;
}

static const char *result(const struct world *world, const char *name)
{
	for (size_t i = 0; i < world->call.result_count; i++)
		if (strcmp(world->call.results[i].name, name) == 0)
			return world->call.results[i].value;
	return "";
}

static void test_life(void **state)
{
	struct world *world = *state;

	run(world, CALL_OBSERVE, ERR_NOT_FOUND);
	run(world, CALL_BIND, ERR_REFUSED);
	run(world, CALL_UPDATE, ERR_REFUSED);
	run(world, CALL_PROVISION, 0);
	run(world, CALL_PROVISION, 0);
	assert_string_equal(scripted_plan(world->state, "db_1"), "small");
	begin(world, CALL_BIND);
	expect_told(world, 0, 0);
	assert_string_equal(result(world, "url"), "scripted://shop_1:secret@scripted:4242/db_1");
	assert_string_equal(result(world, "user"), "shop_1");
	assert_string_equal(result(world, "password"), "secret");
	for (const char *const *name = driver_scripted.variables; *name != NULL; name++)
		assert_string_not_equal(result(world, *name), "");
	call_release(&world->call);
	assert_true(scripted_password_is(world->state, "shop_1", "secret"));
	assert_false(scripted_password_is(world->state, "shop_1", "other"));
	assert_false(scripted_password_is(world->state, "nobody", "secret"));
	run(world, CALL_UPDATE, 0);
	assert_string_equal(scripted_plan(world->state, "db_1"), "large");
	begin(world, CALL_OBSERVE);
	expect_told(world, 0, 0);
	assert_string_equal(result(world, "Logins"), "1");
	call_release(&world->call);
	run(world, CALL_UNBIND, 0);
	run(world, CALL_UNBIND, 0);
	assert_false(scripted_has_login(world->state, "shop_1"));
	run(world, CALL_BIND, 0);
	assert_int_equal(scripted_logins(world->state), 1);
	run(world, CALL_DEPROVISION, 0);
	run(world, CALL_DEPROVISION, 0);
	assert_int_equal(scripted_instances(world->state), 0);
	assert_int_equal(scripted_logins(world->state), 0);
	run(world, CALL_CHECK, 0);
	run(world, CALL_ALLOW_UNIT, 0);
	run(world, CALL_DENY_UNIT, 0);
	assert_int_equal(scripted_begun(world->state, CALL_BIND), 3);
	assert_int_equal(scripted_begun(world->state, 0), 16);
}

static void test_retired_instance(void **state)
{
	struct world *world = *state;

	run(world, CALL_RETIRE, 0);
	run(world, CALL_RESTORE, ERR_REFUSED);
	run(world, CALL_PROVISION, 0);
	run(world, CALL_BIND, 0);
	run(world, CALL_RETIRE, 0);
	run(world, CALL_RETIRE, 0);
	assert_true(scripted_is_retired(world->state, "db_1"));
	run(world, CALL_BIND, ERR_REFUSED);
	assert_true(scripted_is_retired(world->state, "db_1"));
	run(world, CALL_RESTORE, 0);
	run(world, CALL_RESTORE, 0);
	assert_false(scripted_is_retired(world->state, "db_1"));
	assert_true(scripted_password_is(world->state, "shop_1", "secret"));
	run(world, CALL_RETIRE, 0);
	run(world, CALL_DEPROVISION, 0);
	assert_int_equal(scripted_instances(world->state), 0);
}

static void test_drift_is_told(void **state)
{
	struct world *world = *state;

	run(world, CALL_ADOPT, ERR_REFUSED);
	scripted_put_instance(world->state, "db_1", "large");
	run(world, CALL_ADOPT, 0);
	begin(world, CALL_INSPECT);
	expect_told(world, 0, 0);
	assert_string_equal(result(world, DRIFT_BIND), "shop_1");
	assert_string_equal(result(world, DRIFT_INSTANCE), "");
	call_release(&world->call);
	run(world, CALL_BIND, 0);
	begin(world, CALL_LIST);
	expect_told(world, 0, 0);
	assert_string_equal(result(world, LIST_INSTANCE), "db_1");
	assert_string_equal(result(world, LIST_LOGIN), "shop_1");
	call_release(&world->call);
	scripted_drop(world->state, "db_1");
	begin(world, CALL_INSPECT);
	expect_told(world, 0, 0);
	assert_string_not_equal(result(world, DRIFT_LOST), "");
	call_release(&world->call);
}

static void test_failures(void **state)
{
	struct world *world = *state;

	scripted_rule(world->state, CALL_PROVISION, SCRIPTED_FAIL_TRANSIENT, 2, 0, 0);
	scripted_rule(world->state, CALL_PROVISION, SCRIPTED_FAIL_FINAL, 1, 0, 0);
	scripted_rule(world->state, 0, SCRIPTED_FAIL_FINAL, 1, 0, ERR_BUSY);
	run(world, CALL_PROVISION, ERR_UNAVAILABLE);
	run(world, CALL_PROVISION, ERR_UNAVAILABLE);
	run(world, CALL_PROVISION, ERR_REFUSED);
	run(world, CALL_CHECK, ERR_BUSY);
	assert_int_equal(scripted_instances(world->state), 0);
	run(world, CALL_PROVISION, 0);
	scripted_rule(world->state, CALL_DEPROVISION, SCRIPTED_FAIL_AFTER, 0, 0, 0);
	run(world, CALL_DEPROVISION, ERR_REFUSED);
	run(world, CALL_DEPROVISION, ERR_REFUSED);
	assert_int_equal(scripted_instances(world->state), 0);
	scripted_clear_rules(world->state);
	run(world, CALL_DEPROVISION, 0);
}

static void test_delay(void **state)
{
	struct world *world = *state;

	scripted_rule(world->state, CALL_PROVISION, SCRIPTED_DELAY, 2, 200, 0);
	begin(world, CALL_PROVISION);
	timers_advance(world->context.timers, 199);
	assert_false(scripted_has_instance(world->state, "db_1"));
	expect_told(world, 1, 0);
	assert_true(scripted_has_instance(world->state, "db_1"));
	run(world, CALL_DEPROVISION, 0);
	begin(world, CALL_PROVISION);
	assert_int_equal(scripted_under_way(world->state), 1);
	call_cancel(&world->call);
	assert_int_equal(scripted_under_way(world->state), 0);
	timers_advance(world->context.timers, TIMEOUT);
	assert_int_equal(world->told, 0);
	assert_false(scripted_has_instance(world->state, "db_1"));
}

static void test_hang(void **state)
{
	struct world *world = *state;

	scripted_rule(world->state, CALL_PROVISION, SCRIPTED_HANG, 0, 0, 0);
	begin(world, CALL_PROVISION);
	expect_told(world, TIMEOUT, ERR_TIMEOUT);
	assert_int_equal(scripted_under_way(world->state), 0);
	begin(world, CALL_PROVISION);
	timers_advance(world->context.timers, TIMEOUT / 2);
	assert_false(scripted_has_instance(world->state, "db_1"));
	assert_int_equal(scripted_release(world->state), 1);
	expect_told(world, 0, 0);
	assert_true(scripted_has_instance(world->state, "db_1"));
	assert_int_equal(scripted_release(world->state), 0);
}

static void test_lock(void **state)
{
	struct world *world = *state;

	scripted_rule(world->state, CALL_PROVISION, SCRIPTED_LOCK, 2, 300, 0);
	for (int i = 0; i < 2; i++) {
		begin(world, CALL_PROVISION);
		expect_told(world, 300, ERR_LOCKED);
	}
	assert_int_equal(scripted_instances(world->state), 0);
	run(world, CALL_PROVISION, 0);
}

static void test_lost(void **state)
{
	struct world *world = *state;

	scripted_rule(world->state, CALL_PROVISION, SCRIPTED_LOST, 2, 0, 0);
	scripted_rule(world->state, CALL_BIND, SCRIPTED_LOST, 1, 100, 0);
	begin(world, CALL_PROVISION);
	assert_true(scripted_has_instance(world->state, "db_1"));
	expect_told(world, TIMEOUT, ERR_TIMEOUT);
	begin(world, CALL_PROVISION);
	assert_int_equal(scripted_release(world->state), 1);
	expect_told(world, 0, ERR_TIMEOUT);
	begin(world, CALL_BIND);
	assert_true(scripted_has_login(world->state, "shop_1"));
	assert_int_equal(scripted_release(world->state), 0);
	expect_told(world, 100, ERR_TIMEOUT);
	call_release(&world->call);
}

static void reopen(struct world *world)
{
	backend_close(world->backend);
	world->service.server_count = 1;
	open_backend(world);
}

static void write_file(const char *path, const char *mode, const char *content)
{
	FILE *file = fopen(path, mode);

	assert_non_null(file);
	assert_true(fputs(content, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void expect_lines(const char *path, size_t expected)
{
	FILE *file = fopen(path, "r");
	size_t lines = 0;

	assert_non_null(file);
	for (int c; (c = fgetc(file)) != EOF;)
		lines += c == '\n';
	fclose(file);
	assert_int_equal(lines, expected);
}

static void test_journal(void **state)
{
	struct world *world = *state;

	reopen(world);
	run(world, CALL_PROVISION, 0);
	run(world, CALL_PROVISION, 0);
	run(world, CALL_BIND, 0);
	run(world, CALL_UPDATE, 0);
	run(world, CALL_CHECK, 0);
	expect_lines(world->journal, 3);
	reopen(world);
	assert_string_equal(scripted_plan(world->state, "db_1"), "large");
	assert_true(scripted_password_is(world->state, "shop_1", "secret"));
	run(world, CALL_DEPROVISION, 0);
	expect_lines(world->journal, 5);
	write_file(world->journal, "a", "instance cut_o");
	reopen(world);
	assert_int_equal(scripted_instances(world->state), 0);
	assert_int_equal(scripted_logins(world->state), 0);
}

/* As over a reload: work that began under the configuration before ends on the same server. */
static void test_journal_of_two(void **state)
{
	struct world *world = *state;
	struct backend *next = NULL;

	reopen(world);
	assert_int_equal(backend_open(&driver_scripted, &world->service, &world->context, &next, NULL), 0);
	run(world, CALL_PROVISION, 0);
	backend_close(world->backend);
	world->backend = next;
	world->state = next->state;
	run(world, CALL_BIND, 0);
	run(world, CALL_DEPROVISION, 0);
	expect_lines(world->journal, 4);
}

static void test_journal_of_nonsense(void **state)
{
	struct world *world = *state;
	struct backend *backend = NULL;
	struct error error = {0};

	write_file(world->journal, "w", "instance a small\nnonsense\n");
	world->service.server_count = 1;
	assert_int_equal(backend_open(&driver_scripted, &world->service, &world->context, &backend, &error),
	                 ERR_CORRUPT);
	assert_null(backend);
}

static void test_rules_file(void **state)
{
	struct world *world = *state;

	reopen(world);
	run(world, CALL_PROVISION, 0);
	write_file(world->rules, "w",
	           "# kind behaviour times delay\n\nbind fail-transient 2\n  *  delay 1 50ms # slow\n");
	run(world, CALL_BIND, ERR_UNAVAILABLE);
	run(world, CALL_BIND, ERR_UNAVAILABLE);
	begin(world, CALL_BIND);
	expect_told(world, 50, 0);
	call_release(&world->call);
	run(world, CALL_BIND, 0);
	write_file(world->rules, "w", "check fail-final\n");
	run(world, CALL_CHECK, ERR_REFUSED);
	run(world, CALL_CHECK, ERR_REFUSED);
	run(world, CALL_BIND, 0);
	scripted_rule(world->state, CALL_CHECK, SCRIPTED_OK, 1, 0, 0);
	run(world, CALL_CHECK, 0);
	run(world, CALL_CHECK, ERR_REFUSED);
	assert_int_equal(unlink(world->rules), 0);
	run(world, CALL_CHECK, 0);
}

static void test_hold(void **state)
{
	struct world *world = *state;

	reopen(world);
	for (int i = 0; i < 2; i++) {
		write_file(world->rules, "w", "provision hold\n");
		begin(world, CALL_PROVISION);
		timers_advance(world->context.timers, TIMEOUT / 2);
		assert_int_equal(world->told, 0);
		assert_false(scripted_has_instance(world->state, "db_1"));
		if (i == 0)
			write_file(world->rules, "w", "");
		else
			assert_int_equal(unlink(world->rules), 0);
		timers_advance(world->context.timers, TIMEOUT / 4);
		assert_int_equal(world->told, 1);
		assert_int_equal(world->code, 0);
		assert_true(scripted_has_instance(world->state, "db_1"));
		call_release(&world->call);
		run(world, CALL_DEPROVISION, 0);
	}
	write_file(world->rules, "w", "provision hold\n");
	begin(world, CALL_PROVISION);
	expect_told(world, TIMEOUT, ERR_TIMEOUT);
	assert_int_equal(scripted_under_way(world->state), 0);
}

static void test_bad_rules(void **state)
{
	static const char *const bad[] = {"bind\n",       "bind nothing\n", "all ok\n",           "bind ok one\n",
	                                  "bind ok -1\n", "bind ok 1 50\n", "bind ok 1 5s more\n"};
	struct world *world = *state;

	reopen(world);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		write_file(world->rules, "w", bad[i]);
		run(world, CALL_CHECK, ERR_INVALID);
		run(world, CALL_CHECK, ERR_INVALID);
	}
}

/* The whole process ends as by a kill -9; what the journal holds then tells before from after. */
static void expect_crash(struct world *world, enum scripted_behaviour behaviour, bool acted)
{
	int status = 0;
	pid_t child;

	reopen(world);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		scripted_rule(world->state, CALL_PROVISION, behaviour, 1, 0, 0);
		begin(world, CALL_PROVISION);
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), SCRIPTED_CRASH_STATUS);
	reopen(world);
	assert_int_equal(scripted_has_instance(world->state, "db_1"), acted);
}

static void test_crashes(void **state)
{
	expect_crash(*state, SCRIPTED_CRASH_BEFORE, false);
	expect_crash(*state, SCRIPTED_CRASH_AFTER, true);
}

static void test_validate(void **state)
{
	static const struct {
		const char *json;
		bool is_bind;
		int code;
	} cases[] = {
	    {"{}", false, 0},
	    {"{\"size\":\"100\"}", false, 0},
	    {"{\"size\":101}", false, ERR_INVALID},
	    {"{\"size\":0}", false, ERR_INVALID},
	    {"{\"read_only\":\"true\"}", true, 0},
	    {"{\"read_only\":\"perhaps\"}", true, ERR_INVALID},
	};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct cJSON *parameters = NULL;
		struct error error = {0};

		assert_int_equal(parameters_parse(cases[i].json, &parameters, NULL), 0);
		assert_int_equal(
		    driver_scripted.validate(world->state, &plans[0], parameters, cases[i].is_bind, &error),
		    cases[i].code);
		cJSON_Delete(parameters);
	}
}

static int start(void **state)
{
	(void)state;
	return secret_init(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_life),          TEST(test_retired_instance),
	    TEST(test_drift_is_told), TEST(test_failures),
	    TEST(test_delay),         TEST(test_hang),
	    TEST(test_lock),          TEST(test_lost),
	    TEST(test_journal),       TEST(test_journal_of_two),
	    TEST(test_crashes),       TEST(test_rules_file),
	    TEST(test_hold),          TEST(test_bad_rules),
	    TEST(test_validate),      TEST(test_journal_of_nonsense),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
