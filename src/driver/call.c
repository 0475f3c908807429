/* A call: begins it, keeps its deadline, takes its outcome, and tells it once, from the loop. Neighbour: core.c, which
 * runs its steps.
 * One timer does for the deadline and the telling: to move it needs no memory, so an outcome can always be told. */
#include <assert.h>
#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crash.h"
#include "base/secret.h"
#include "core.h"
#include "model/parameters.h"

#define NAME_STORE_LENGTH 8 /* digits */
#define NAME_HASH_BYTES   4

enum {
	CALL_IDLE,    /* not begun, told or given up */
	CALL_WORKING, /* the driver is at it */
	CALL_SETTLED, /* its outcome is known and not told yet */
};

/* ---- shared defaults ---- */

int driver_validate_nothing(void *state, const struct plan *plan, const struct cJSON *parameters, bool is_bind,
                            struct error *error)
{
	(void)state;
	(void)plan;
	(void)parameters;
	(void)is_bind;
	(void)error;
	return 0;
}

int driver_read_only(const struct bind *bind, bool *ret_read_only, struct error *error)
{
	struct cJSON *parameters;
	bool read_only = false;
	int rc = parameters_parse(bind->parameters, &parameters, error);

	if (rc != 0)
		return rc;
	rc = parameters_flag(parameters, PARAMETER_READ_ONLY, &read_only, error);
	cJSON_Delete(parameters);
	if (rc == 0)
		*ret_read_only = read_only;
	return rc;
}

const char *const driver_no_parameters[] = {NULL};
const char *const driver_read_only_parameters[] = {PARAMETER_READ_ONLY, NULL};

int driver_validate_read_only(void *state, const struct plan *plan, const struct cJSON *parameters, bool is_bind,
                              struct error *error)
{
	bool read_only;

	(void)state;
	(void)plan;
	(void)is_bind;
	return parameters_flag(parameters, PARAMETER_READ_ONLY, &read_only, error);
}

size_t driver_actions(const struct driver *driver, const struct plan *plan, const char *const **ret_actions)
{
	const struct option *option = NULL;

	*ret_actions = NULL;
	if (driver->actions_key != NULL)
		option = options_find(&plan->options, driver->actions_key);
	if (option == NULL || !option->set)
		return 0;
	*ret_actions = option->value.list.items;
	return option->value.list.count;
}

void driver_name_session(const struct driver_context *context, const struct service *service, char *ret_name)
{
	const char *store = context->store != NULL ? context->store : "-";
	char hash[2 * NAME_HASH_BYTES + 1] = "";
	int length =
	    snprintf(ret_name, SESSION_NAME_SIZE, "tsuru-broker %.*s %s", NAME_STORE_LENGTH, store, service->name);

	if (length < SESSION_NAME_SIZE)
		return;
	secret_hash_hex(hash, NAME_HASH_BYTES, &service->name, 1);
	strcpy(ret_name + SESSION_NAME_SIZE - sizeof(hash), hash);
}

/* ---- calls ---- */

const char *call_kind_name(enum call_kind kind)
{
	static const char *const names[] = {
	    [CALL_PROVISION] = "provision", [CALL_UPDATE] = "update",         [CALL_DEPROVISION] = "deprovision",
	    [CALL_BIND] = "bind",           [CALL_UNBIND] = "unbind",         [CALL_CHECK] = "check",
	    [CALL_OBSERVE] = "observe",     [CALL_ALLOW_UNIT] = "allow-unit", [CALL_DENY_UNIT] = "deny-unit",
	    [CALL_RETIRE] = "retire",       [CALL_RESTORE] = "restore",       [CALL_INSPECT] = "inspect",
	    [CALL_LIST] = "list",           [CALL_ADOPT] = "adopt",           [CALL_ACT] = "act",
	    [CALL_READ_MARK] = "read-mark", [CALL_WRITE_MARK] = "write-mark",
	};

	return names[kind];
}

/* The deadline, or the turn of the loop after call_settle. on_settled may free the call. */
static void on_timer(void *arg)
{
	struct driver_call *call = arg;
	struct error outcome;

	if (call->state == CALL_WORKING) {
		core_give_up(call);
		error_set(&call->outcome, ERR_TIMEOUT, "no answer within %lld ms", (long long)call->timeout);
	}
	call->state = CALL_IDLE;
	outcome = call->outcome;
	call->on_settled(call, outcome.code, &outcome);
}

void call_init(struct driver_call *call)
{
	memset(call, 0, sizeof(*call));
	arena_init(&call->arena);
	timer_init(&call->timer, on_timer, call);
}

bool driver_may_call(const struct driver_context *context)
{
	return context->may_call == NULL || context->may_call(context->arg);
}

static void refuse(struct driver_call *call)
{
	call->state = CALL_SETTLED;
	error_set(&call->outcome, ERR_UNAVAILABLE,
	          "this broker may soon not be the active one any more, and begins nothing on a server");
}

int call_start(struct driver_call *call)
{
	const bool may_call = driver_may_call(call->backend->context);

	assert(call->state == CALL_IDLE && call->on_settled != NULL);
	if (timer_start(call->backend->context->timers, &call->timer, may_call ? call->timeout : 0) != 0)
		return ERR_NO_MEMORY;
	if (!may_call) {
		refuse(call);
		return 0;
	}
	call->state = CALL_WORKING;
	crash_point("call:%s:before", call_kind_name(call->kind));
	core_start(call);
	return 0;
}

void call_cancel(struct driver_call *call)
{
	if (call->state == CALL_IDLE)
		return;
	if (call->state == CALL_WORKING)
		core_give_up(call);
	timer_stop(call->backend->context->timers, &call->timer);
	call->state = CALL_IDLE;
}

void call_release(struct driver_call *call)
{
	assert(call->state == CALL_IDLE);
	arena_wipe(&call->arena);
	call->results = NULL;
	call->keep = NULL;
	call->result_count = call->result_capacity = 0;
}

bool call_under_way(const struct driver_call *call)
{
	return call->state != CALL_IDLE;
}

int64_t call_left(const struct driver_call *call)
{
	const int64_t left = call->timer.deadline - timers_now(call->backend->context->timers);

	return left > 0 ? left : 1;
}

bool call_has_bind(const struct driver_call *call, const char *login)
{
	for (size_t i = 0; i < call->bind_count; i++)
		if (strcmp(call->binds[i].login, login) == 0)
			return true;
	return false;
}

void call_settle(struct driver_call *call, int code, const char *format, ...)
{
	char text[ERROR_TEXT_MAX];
	va_list arguments;
	int rc;

	assert(call->state == CALL_WORKING);
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (code != 0)
		error_set(&call->outcome, code, "%s", text);
	else if (arena_failed(&call->arena))
		error_no_memory(&call->outcome);
	else
		error_clear(&call->outcome);
	crash_point("call:%s:after", call_kind_name(call->kind));
	call->work = NULL;
	call->state = CALL_SETTLED;
	rc = timer_start(call->backend->context->timers, &call->timer, 0);
	assert(rc == 0);
	(void)rc;
}

/* ---- marks ---- */

int mark_check(const struct driver_call *call, const char *found, struct error *error)
{
	if (call->mark == NULL || (found != NULL && strcmp(found, call->mark) == 0))
		return 0;
	/* Tenants read it: the mark, which has the other store's id in it, is in the log by the next check. */
	return error_set(error, ERR_UNAVAILABLE,
	                 found != NULL ? "the server was given to another broker"
	                               : "the server has lost the broker's mark");
}

/* ---- results ---- */

static bool make_room(struct driver_call *call)
{
	size_t capacity = call->result_capacity > 0 ? 2 * call->result_capacity : 8;
	struct pair *results;

	if (call->result_count < call->result_capacity)
		return true;
	results = arena_alloc(&call->arena, capacity * sizeof(*results));
	if (results == NULL)
		return false;
	if (call->result_count > 0)
		memcpy(results, call->results, call->result_count * sizeof(*results));
	call->results = results;
	call->result_capacity = capacity;
	return true;
}

void call_result(struct driver_call *call, const char *name, const char *value)
{
	struct pair pair;

	assert(call->state == CALL_WORKING);
	if (!make_room(call))
		return;
	pair.name = arena_text(&call->arena, name);
	pair.value = arena_text(&call->arena, value);
	if (!arena_failed(&call->arena))
		call->results[call->result_count++] = pair;
}

void call_tell(struct driver_call *call, const char *name, const char *format, ...)
{
	char text[CALL_TOLD_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	call_result(call, name, text);
	secret_wipe(text, sizeof(text));
}

const char *call_find(const struct driver_call *call, const char *name)
{
	for (size_t i = call->result_count; i > 0; i--)
		if (strcmp(call->results[i - 1].name, name) == 0)
			return call->results[i - 1].value;
	return NULL;
}

void call_keep(struct driver_call *call, const char *text)
{
	assert(call->state == CALL_WORKING);
	call->keep = strlen(text) <= KEPT_MAX ? arena_text(&call->arena, text) : NULL;
}
