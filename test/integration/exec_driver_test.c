/* The exec driver through a real loop: each server is a shell with a script of its own, which shows what a program is
 * given, and misbehaves in every way that one can. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"
#include "config/config.h"
#include "driver/drivers.h"

#define CALL_TIMEOUT 30000 /* ms */
#define AT_ONCE      64
#define LONG_TEXT    (512 * 1024) /* bytes: more than a pipe holds */

#define SAY(what) what " >&2; exit 1"

/* Each a server whose script has the action as $1. @ in the options is the test's directory. */
static const struct {
	const char *name, *options, *script;
} servers[] = {
    {"environ", "env: {A: b c, HOME: /srv}, ", SAY("tr '\\0' '|' </proc/$$/environ")},
    {"files", "", SAY("ls -m /proc/self/fd")},
    {"session", "directory: /usr, ", SAY("echo $(cut -d' ' -f1,5,6 /proc/$$/stat) $$ $(pwd)")},
    {"signals", "", SAY("grep -E '^Sig(Blk|Ign)' /proc/self/status | tr -d '\\n'")},
    {"limits", "memory: 256MiB, ", SAY("echo $(ulimit -v) $(ulimit -n)")},
    {"action", "", SAY("echo $0 $# $1 $(wc -c)")},
    {"answer", "",
     "case $1 in"
     " bind) echo '{\"variables\": {\"URL\": \"a\"}}';;"
     " observe) echo '{\"items\": [{\"label\": \"Size\", \"value\": \"1\"}]}';;"
     " inspect) echo '{\"drift\": [{\"kind\": \"lost\", \"text\": \"t\"}]}';;"
     " list) echo '{\"instances\": [\"a\"], \"logins\": [\"b\"]}';;"
     " esac"},
    {"silent", "", "exit 3"},
    {"later", "", "echo come back >&2; exit 75"},
    {"ignorant", "", "exit 64"},
    {"killed", "", "kill -9 $$"},
    {"careless", "", "cat >&2; exit 1"},
    {"half", "", "printf pass-word >&2; head -c 8187 /dev/zero | tr '\\0' x >&2; exit 1"},
    {"odd", "", "echo done"},
    {"flood", "output_bytes: 1KiB, ", "exec yes"},
    {"chatter", "", "head -c 1000000 /dev/zero >&2; echo >&2; " SAY("echo last")},
    {"holder", "directory: @, ", "sleep 1000 & echo $! >held"},
    {"hanger", "directory: @, ", "sleep 1000 & echo $! >hung; wait"},
    {"full", "", "head -c 60000 /dev/zero | tr '\\0' ' '; echo '{\"variables\": {\"URL\": \"a\"}}'"},
    {"slow", "", "sleep 0.2"},
    {"nowhere", "directory: /nowhere, ", "exit 0"},
};

struct rig {
	struct event_base *base;
	struct timers *timers;
	struct driver_context context;
	struct config *config;
	struct backend *backend;
	char directory[64];
};

struct request {
	struct driver_call call;
	struct instance instance;
	struct bind bind;
	bool settled;
	int code;
	struct error error;
};

/* ---- the rig ---- */

static void write_server(const struct rig *rig, FILE *file, size_t i)
{
	const char *at = strchr(servers[i].options, '@');
	const int before = at != NULL ? (int)(at - servers[i].options) : (int)strlen(servers[i].options);

	fprintf(file, "      - {name: %s, command: /bin/sh, %.*s%s%sargs: ['-c', '", servers[i].name, before,
	        servers[i].options, at != NULL ? rig->directory : "", at != NULL ? at + 1 : "");
	/* A quote and a dollar sign are written twice. */
	for (const char *c = servers[i].script; *c != '\0'; c++)
		fprintf(file, "%s%c", *c == '\'' || *c == '$' ? (char[]){*c, '\0'} : "", *c);
	fprintf(file, "', 'sh']}\n");
}

static void write_configuration(const struct rig *rig, const char *path)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fprintf(file, "services:\n"
	              "  - name: files\n"
	              "    driver: exec\n"
	              "    password: x\n"
	              "    plans: [{name: small, options: {size: 3}}]\n"
	              "    servers:\n"
	              "      - {name: missing, command: /nowhere/program}\n");
	for (size_t i = 0; i < sizeof(servers) / sizeof(*servers); i++)
		write_server(rig, file, i);
	assert_int_equal(fclose(file), 0);
}

static void load_configuration(struct rig *rig)
{
	const struct config_driver driver = {
	    .name = driver_exec.name, .server_keys = driver_exec.server_keys, .plan_keys = driver_exec.plan_keys};
	struct config_errors *errors;
	char path[80];

	snprintf(path, sizeof(path), "%s/broker.yaml", rig->directory);
	write_configuration(rig, path);
	if (config_load(path, &driver, 1, &rig->config, &errors) != 0)
		fail_msg("%s", errors->texts[0]);
}

static void open_backend(struct rig *rig)
{
	struct error error;

	if (backend_open(&driver_exec, &rig->config->services[0], &rig->context, &rig->backend, &error) != 0)
		fail_msg("%s", error.text);
}

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	*state = rig;
	assert_int_equal(secret_init(NULL), 0);
	snprintf(rig->directory, sizeof(rig->directory), "/tmp/exec-driver-XXXXXX");
	assert_non_null(mkdtemp(rig->directory));
	load_configuration(rig);
	rig->base = event_base_new();
	rig->timers = timers_new(rig->base);
	assert_non_null(rig->timers);
	rig->context = (struct driver_context){.base = rig->base, .timers = rig->timers};
	open_backend(rig);
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;
	char command[80];

	backend_close(rig->backend);
	timers_free(rig->timers);
	event_base_free(rig->base);
	config_free(rig->config);
	snprintf(command, sizeof(command), "rm -r %s", rig->directory);
	assert_int_equal(system(command), 0);
	free(rig);
	return 0;
}

/* ---- calls ---- */

static void on_settled(struct driver_call *call, int code, const struct error *error)
{
	struct request *request = call->arg;

	assert_false(request->settled);
	request->settled = true;
	request->code = code;
	request->error = *error;
}

static void start(struct rig *rig, const char *server, enum call_kind kind, struct request *request)
{
	struct driver_call *call = &request->call;

	call_init(call);
	request->settled = false;
	request->instance =
	    (struct instance){.name = "mydb", .resource = "mydb_1", .parameters = request->instance.parameters};
	request->bind = (struct bind){.kind = BIND_APP, .name = "shop", .login = "shop_1"};
	call->kind = kind;
	call->backend = rig->backend;
	call->server = service_server(rig->backend->service, server);
	assert_non_null(call->server);
	call->instance = kind == CALL_CHECK || kind == CALL_LIST ? NULL : &request->instance;
	call->plan = &rig->backend->service->plans[0];
	call->bind = kind == CALL_BIND || kind == CALL_UNBIND ? &request->bind : NULL;
	call->password = kind == CALL_BIND ? "pass-word" : NULL;
	call->timeout = CALL_TIMEOUT;
	call->on_settled = on_settled;
	call->arg = request;
}

static void await(struct rig *rig, const struct request *request)
{
	while (!request->settled)
		event_base_loop(rig->base, EVLOOP_ONCE);
}

static void run_request(struct rig *rig, const char *server, enum call_kind kind, struct request *request)
{
	start(rig, server, kind, request);
	assert_int_equal(call_start(&request->call), 0);
	assert_false(request->settled);
	await(rig, request);
}

/* A call from beginning to end, whose sentence is text, or holds the part of it after "...". */
static void expect(struct rig *rig, const char *server, enum call_kind kind, int code, const char *text)
{
	struct request request = {0};
	bool good;

	run_request(rig, server, kind, &request);
	if (strncmp(text, "...", strlen("...")) == 0)
		good = strstr(request.error.text, text + strlen("...")) != NULL;
	else
		good = strcmp(request.error.text, text) == 0;
	if (request.code != code || !good)
		fail_msg("%s: %d \"%s\" instead of %d \"%s\"", server, request.code, request.error.text, code, text);
	call_release(&request.call);
}

static void expect_result(struct rig *rig, enum call_kind kind, size_t i, const char *name, const char *value)
{
	struct request request = {0};

	run_request(rig, "answer", kind, &request);
	assert_int_equal(request.code, 0);
	assert_true(i < request.call.result_count);
	assert_string_equal(request.call.results[i].name, name);
	assert_string_equal(request.call.results[i].value, value);
	call_release(&request.call);
}

/* ---- what a program is given ---- */

#define SAYS(server) "the server \"" server "\" could not observe \"mydb_1\": "

static void test_a_clean_world(void **state)
{
	struct rig *rig = *state;
	struct request request = {0};
	int pid, group, session, shell, taken;

	expect(rig, "environ", CALL_OBSERVE, ERR_REFUSED,
	       SAYS("environ") "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin|LANG=C.UTF-8|A=b c|"
	                       "HOME=/srv|");
	/* 3 is the directory that ls reads. */
	expect(rig, "files", CALL_OBSERVE, ERR_REFUSED, SAYS("files") "0, 1, 2, 3");
	expect(rig, "limits", CALL_OBSERVE, ERR_REFUSED, SAYS("limits") "262144 1024");
	run_request(rig, "session", CALL_OBSERVE, &request);
	if (sscanf(request.error.text, SAYS("session") "%d %d %d %d /usr%n", &pid, &group, &session, &shell, &taken) !=
	    4)
		fail_msg("%s", request.error.text);
	assert_true(pid == shell && group == pid && session == pid);
	call_release(&request.call);
}

static void test_signals(void **state)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction before;
	sigset_t some, old;

	sigemptyset(&some);
	sigaddset(&some, SIGUSR1);
	sigaction(SIGPIPE, &ignore, &before);
	sigprocmask(SIG_BLOCK, &some, &old);
	expect(*state, "signals", CALL_OBSERVE, ERR_REFUSED,
	       SAYS("signals") "SigBlk: 0000000000000000SigIgn: 0000000000000000");
	sigprocmask(SIG_SETMASK, &old, NULL);
	sigaction(SIGPIPE, &before, NULL);
}

static void test_the_action(void **state)
{
	static const struct {
		enum call_kind kind;
		const char *name;
	} kinds[] = {
	    {CALL_PROVISION, "provision"}, {CALL_UPDATE, "update"}, {CALL_DEPROVISION, "deprovision"},
	    {CALL_BIND, "bind"},           {CALL_UNBIND, "unbind"}, {CALL_CHECK, "check"},
	    {CALL_OBSERVE, "observe"},     {CALL_RETIRE, "retire"}, {CALL_RESTORE, "restore"},
	    {CALL_INSPECT, "inspect"},     {CALL_LIST, "list"},     {CALL_ADOPT, "adopt"},
	};
	char expected[64];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		snprintf(expected, sizeof(expected), "...: sh 1 %s ", kinds[i].name);
		expect(*state, "action", kinds[i].kind, ERR_REFUSED, expected);
	}
}

/* More than a pipe holds, to a program that reads all of it and to one that reads nothing. */
static void test_a_long_request(void **state)
{
	struct request request = {0};
	char *parameters = malloc(LONG_TEXT);

	assert_non_null(parameters);
	memset(parameters, 'x', LONG_TEXT);
	memcpy(parameters, "{\"a\":\"", 6);
	memcpy(parameters + LONG_TEXT - 3, "\"}", 3);
	request.instance.parameters = parameters;
	run_request(*state, "action", CALL_PROVISION, &request);
	assert_true(strtol(strrchr(request.error.text, ' '), NULL, 10) > LONG_TEXT);
	call_release(&request.call);
	run_request(*state, "answer", CALL_PROVISION, &request);
	assert_int_equal(request.code, 0);
	call_release(&request.call);
	free(parameters);
}

/* ---- what it answers ---- */

static void test_results(void **state)
{
	struct rig *rig = *state;

	expect_result(rig, CALL_BIND, 0, "URL", "a");
	expect_result(rig, CALL_OBSERVE, 0, "Size", "1");
	expect_result(rig, CALL_INSPECT, 0, DRIFT_LOST, "t");
	expect_result(rig, CALL_LIST, 0, LIST_INSTANCE, "a");
	expect_result(rig, CALL_LIST, 1, LIST_LOGIN, "b");
	expect(rig, "answer", CALL_PROVISION, 0, "");
}

/* A pipe that is nearly full when the loop first looks, and its program gone. */
static void test_an_answer_that_waits(void **state)
{
	struct request request = {0};
	siginfo_t info;

	start(*state, "full", CALL_BIND, &request);
	assert_int_equal(call_start(&request.call), 0);
	assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
	await(*state, &request);
	assert_int_equal(request.code, 0);
	assert_int_equal(request.call.result_count, 1);
	assert_string_equal(request.call.results[0].value, "a");
	call_release(&request.call);
}

static void test_outcomes(void **state)
{
	struct rig *rig = *state;

	expect(rig, "silent", CALL_CHECK, ERR_REFUSED,
	       "the server \"silent\" could not check: its program ended with the status 3 and gave no reason");
	expect(rig, "later", CALL_PROVISION, ERR_UNAVAILABLE,
	       "the server \"later\" could not provision \"mydb_1\": come back");
	expect(rig, "killed", CALL_UNBIND, ERR_UNAVAILABLE,
	       "the server \"killed\" could not unbind \"shop_1\": its program was killed by the signal 9");
	expect(rig, "careless", CALL_BIND, ERR_REFUSED, "...its message holds the password and is not shown");
	/* Of the first, what is shown ends in the middle of the password; of the second it begins there. */
	expect(rig, "half", CALL_BIND, ERR_REFUSED, "...its message holds the password and is not shown");
	expect(rig, "odd", CALL_BIND, ERR_REFUSED, "...its answer is no JSON object");
	expect(rig, "flood", CALL_BIND, ERR_REFUSED, "...the answer of its program is over 1024 bytes");
	expect(rig, "chatter", CALL_OBSERVE, ERR_REFUSED, SAYS("chatter") "last");
	expect(rig, "missing", CALL_PROVISION, ERR_UNAVAILABLE,
	       "...the program \"/nowhere/program\" could not be executed: No such file or directory");
	expect(rig, "nowhere", CALL_PROVISION, ERR_UNAVAILABLE,
	       "...the program \"/bin/sh\" could not enter its directory: No such file or directory");
}

static void test_unknown_actions(void **state)
{
	static const enum call_kind optional[] = {CALL_UPDATE, CALL_CHECK, CALL_OBSERVE, CALL_INSPECT, CALL_LIST};
	static const enum call_kind needed[] = {CALL_PROVISION, CALL_DEPROVISION, CALL_BIND, CALL_UNBIND,
	                                        CALL_RETIRE,    CALL_RESTORE,     CALL_ADOPT};

	for (size_t i = 0; i < sizeof(optional) / sizeof(*optional); i++)
		expect(*state, "ignorant", optional[i], 0, "");
	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		expect(*state, "ignorant", needed[i], ERR_REFUSED, "...its program does not know this action");
}

/* ---- processes ---- */

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Whether the process whose number stands in the file runs; what is dead and not reaped does not. */
static bool runs(const struct rig *rig, const char *name)
{
	char path[96], state = 'Z';
	FILE *file;
	int pid = 0;

	snprintf(path, sizeof(path), "%s/%s", rig->directory, name);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &pid), 1);
	fclose(file);
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (file == NULL)
		return false;
	assert_int_equal(fscanf(file, "%*d %*s %c", &state), 1);
	fclose(file);
	return state != 'Z' && state != 'X';
}

static void expect_gone(const struct rig *rig, const char *name)
{
	const double begin = now();

	while (runs(rig, name))
		assert_true(now() - begin < 10);
}

/* What it leaves behind holds its output open: the call ends with the program, and the rest is killed. */
static void test_what_is_left_behind(void **state)
{
	const double begin = now();

	expect(*state, "holder", CALL_PROVISION, 0, "");
	assert_true(now() - begin < 20);
	expect_gone(*state, "held");
}

/* As the first process of a container: what programs leave behind becomes ours, and is reaped with this or a later
 * program. */
static void test_strays_are_reaped(void **state)
{
	struct rig *rig = *state;
	siginfo_t info;

	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	expect(rig, "holder", CALL_PROVISION, 0, "");
	expect_gone(rig, "held");
	expect(rig, "answer", CALL_PROVISION, 0, "");
	assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT), -1);
	assert_int_equal(errno, ECHILD);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

/* Whether a child of ours, living or dead, is left; the loop goes on meanwhile. */
static void expect_no_children(struct rig *rig)
{
	const double begin = now();
	siginfo_t info;

	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
		event_base_loop(rig->base, EVLOOP_NONBLOCK);
		assert_true(now() - begin < 10);
	}
	assert_int_equal(errno, ECHILD);
}

static void await_file(const struct rig *rig, const char *name)
{
	const double begin = now();
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", rig->directory, name);
	for (FILE *file = NULL; file == NULL || fgetc(file) == EOF; file = fopen(path, "r")) {
		if (file != NULL)
			fclose(file);
		event_base_loop(rig->base, EVLOOP_NONBLOCK);
		assert_true(now() - begin < 10);
	}
}

static void test_deadline(void **state)
{
	struct rig *rig = *state;
	struct request request = {0};

	start(rig, "hanger", CALL_PROVISION, &request);
	request.call.timeout = 500;
	assert_int_equal(call_start(&request.call), 0);
	await(rig, &request);
	assert_int_equal(request.code, ERR_TIMEOUT);
	call_release(&request.call);
	expect_gone(rig, "hung");
	expect_no_children(rig);
}

/* Given up, and the backend is closed before the program is seen to end. */
static void test_close_while_one_dies(void **state)
{
	struct rig *rig = *state;
	struct request request = {0};

	start(rig, "hanger", CALL_PROVISION, &request);
	assert_int_equal(call_start(&request.call), 0);
	await_file(rig, "hung");
	call_cancel(&request.call);
	call_release(&request.call);
	backend_close(rig->backend);
	assert_false(request.settled);
	expect_gone(rig, "hung");
	while (waitpid(-1, NULL, 0) > 0) /* the backend's is ours now */
		;
	open_backend(rig);
}

static size_t count_files(void)
{
	DIR *directory = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(directory);
	while (readdir(directory) != NULL)
		count++;
	closedir(directory);
	return count;
}

static void test_many_at_once(void **state)
{
	static struct request requests[AT_ONCE];
	struct rig *rig = *state;
	const size_t files = count_files();
	const double begin = now();

	for (size_t i = 0; i < AT_ONCE; i++) {
		start(rig, "slow", CALL_OBSERVE, &requests[i]);
		assert_int_equal(call_start(&requests[i].call), 0);
	}
	for (size_t i = 0; i < AT_ONCE; i++) {
		await(rig, &requests[i]);
		assert_int_equal(requests[i].code, 0);
		call_release(&requests[i].call);
	}
	assert_true(now() - begin < 0.2 * AT_ONCE / 2);
	expect_no_children(rig);
	assert_int_equal(count_files(), files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_clean_world),
	    cmocka_unit_test(test_signals),
	    cmocka_unit_test(test_the_action),
	    cmocka_unit_test(test_a_long_request),
	    cmocka_unit_test(test_results),
	    cmocka_unit_test(test_an_answer_that_waits),
	    cmocka_unit_test(test_outcomes),
	    cmocka_unit_test(test_unknown_actions),
	    cmocka_unit_test(test_what_is_left_behind),
	    cmocka_unit_test(test_strays_are_reaped),
	    cmocka_unit_test(test_deadline),
	    cmocka_unit_test(test_close_while_one_dies),
	    cmocka_unit_test(test_many_at_once),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
