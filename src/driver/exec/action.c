/* A call as one run of the program: the request goes in, and its exit status and answer become the outcome. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"
#include "exec.h"
#include "request.h"

/* Exit statuses with a meaning, as in sysexits.h. */
#define STATUS_UNKNOWN 64 /* EX_USAGE: the program has no such action */
#define STATUS_LATER   75 /* EX_TEMPFAIL: it may pass */

#define PASSWORD_PART 4 /* bytes of a password that are not to be shown either */

struct action {
	const char *name;
	bool optional; /* a program without it is as one that did it */
};

static const struct action actions[] = {
    [CALL_PROVISION] = {"provision", false},
    [CALL_UPDATE] = {"update", true},
    [CALL_DEPROVISION] = {"deprovision", false},
    [CALL_BIND] = {"bind", false},
    [CALL_UNBIND] = {"unbind", false},
    [CALL_CHECK] = {"check", true},
    [CALL_OBSERVE] = {"observe", true},
    [CALL_RETIRE] = {"retire", false},
    [CALL_RESTORE] = {"restore", false},
    [CALL_INSPECT] = {"inspect", true},
    [CALL_LIST] = {"list", true},
    [CALL_ADOPT] = {"adopt", false},
    [CALL_ACT] = {NULL, false}, /* the call says which */
};

static const char *name_of(const struct driver_call *call)
{
	return call->kind == CALL_ACT ? call->action : actions[call->kind].name;
}

int exec_check_action(const char *name, const char *value, struct error *error)
{
	const size_t length = strlen(value);

	(void)name;
	if (length == 0 || length > ACTION_MAX || strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-") != length ||
	    value[0] == '-')
		return error_set(error, ERR_INVALID,
		                 "an action's name is 1 to %d small letters, digits and \"-\", no \"-\" first",
		                 ACTION_MAX);
	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++)
		if (actions[i].name != NULL && strcmp(actions[i].name, value) == 0)
			return error_set(error, ERR_INVALID, "\"%s\" is an action that only the broker asks for",
			                 value);
	return 0;
}

/* ---- the end ---- */

/* "the server "main" could not bind "shop_1": " before the reason. */
static int fail(const struct driver_call *call, int code, const char *reason, struct error *ret_error)
{
	const char *name = "";

	if (call->bind != NULL)
		name = call->bind->login;
	else if (call->instance != NULL)
		name = call->instance->resource;
	if (name[0] == '\0')
		return error_set(ret_error, code, "the server \"%s\" could not %s: %s", call->server->name,
		                 name_of(call), reason);
	return error_set(ret_error, code, "the server \"%s\" could not %s \"%s\": %s", call->server->name,
	                 name_of(call), name, reason);
}

/* Looked for in all that was kept of the message, of which the user would be shown a part: with the password cut off in
 * its middle, that part would tell most of it. Of a long message the end is kept, which may begin within it, too. */
static bool holds_password(const struct process_end *end, const char *password)
{
	const size_t size = password != NULL ? strlen(password) : 0;

	if (size == 0)
		return false;
	for (size_t cut = 1; end->messages_length == PROCESS_MESSAGES_MAX && cut + PASSWORD_PART <= size; cut++) {
		if (memcmp(end->messages, password + cut, size - cut) == 0)
			return true;
	}
	return memmem(end->messages, end->messages_length, password, size) != NULL;
}

/* What the program says for itself, or else what is known of its end. A program may be careless with what it was given.
 */
static int fail_by_end(const struct exec_work *work, const struct process_end *end, int code, struct error *ret_error)
{
	char sentence[ANSWER_SENTENCE_MAX + 1];

	answer_sentence(end->messages, end->messages_length, sentence);
	if (holds_password(end, work->call->password))
		return fail(work->call, code, "its message holds the password and is not shown", ret_error);
	if (sentence[0] != '\0')
		return fail(work->call, code, sentence, ret_error);
	snprintf(sentence, sizeof(sentence), "its program ended with the status %d and gave no reason", end->status);
	return fail(work->call, code, sentence, ret_error);
}

static void add_result(void *arg, const char *name, const char *value)
{
	call_result(arg, name, value);
}

/* Whatever such a program does wrong, it does to the whole machine. */
static void warn_of_root(struct driver_call *call, const struct exec_place *place)
{
	if (call->kind != CALL_CHECK || place->user != NULL || geteuid() != 0)
		return;
	call_tell(call, CHECK_WARNING,
	          "the programs of the server \"%.100s\" run as root, as the broker does: give the server a \"user\"",
	          call->server->name);
}

static int judge(const struct exec_work *work, const struct process_end *end, struct error *ret_error)
{
	struct driver_call *call = work->call;
	char reason[ANSWER_SENTENCE_MAX + 1];
	struct error mistake;

	if (end->flooded) {
		snprintf(reason, sizeof(reason), "the answer of its program is over %zu bytes",
		         work->place->output_max);
		return fail(call, ERR_REFUSED, reason, ret_error);
	}
	if (end->signal != 0) {
		snprintf(reason, sizeof(reason), "its program was killed by the signal %d", end->signal);
		return fail(call, ERR_UNAVAILABLE, reason, ret_error);
	}
	if (end->status == STATUS_UNKNOWN)
		return actions[call->kind].optional
		           ? 0
		           : fail(call, ERR_REFUSED, "its program does not know this action", ret_error);
	if (end->status != 0)
		return fail_by_end(work, end, end->status == STATUS_LATER ? ERR_UNAVAILABLE : ERR_REFUSED, ret_error);
	if (answer_read(call->kind, end->output, end->output_length, add_result, call, &mistake) != 0)
		return fail(call, mistake.code, mistake.text, ret_error);
	return 0;
}

static void on_end(void *arg, const struct process_end *end)
{
	struct exec_work *work = arg;
	struct driver_call *call = work->call;
	struct error error = {0};

	work->process = NULL;
	if (judge(work, end, &error) != 0) {
		call_fail_by(call, &error);
		return;
	}
	warn_of_root(call, work->place);
	call_next(call);
}

void exec_end(void *arg, bool given_up)
{
	struct exec_work *work = arg;

	if (given_up)
		process_give_up(work->process);
}

/* ---- the beginning ---- */

int exec_begin(void *arg, struct error *error)
{
	struct exec_work *work = arg;

	(void)error;
	work->place = call_host(work->call);
	return 0;
}

static int start_program(struct exec_work *work, struct error *error)
{
	const struct driver_call *call = work->call;
	struct exec_place *place = work->place;
	const char *arguments[ARGUMENTS_MAX + 3] = {NULL};
	struct text request;
	int rc;

	memcpy(arguments, place->arguments, place->argument_count * sizeof(*arguments));
	arguments[place->argument_count] = name_of(call);
	text_init(&request, REQUEST_MAX);
	request_write(call, name_of(call), &request);
	if (request.failed)
		rc = error_no_memory(error);
	else
		rc = process_start(
		    &(const struct process_options){
		        .base = call->backend->context->base,
		        .list = &place->processes,
		        .spawn = {.directory = place->directory,
		                  .arguments = arguments,
		                  .environment = place->environment,
		                  .memory = place->memory,
		                  .user = place->user},
		        .input = &request,
		        .output_max = place->output_max,
		        .on_end = on_end,
		        .arg = work,
		    },
		    &work->process, error);
	text_wipe(&request);
	return rc;
}

static void step_run(void *arg)
{
	struct exec_work *work = arg;
	struct error reason, error;

	if (start_program(work, &reason) == 0)
		return;
	fail(work->call, reason.code, reason.text, &error);
	call_fail_by(work->call, &error);
}

const struct step exec_steps[] = {
    {"run_its_program", step_run},
    {NULL, NULL},
};
