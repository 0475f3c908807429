/* The scripted driver: takes a rule for each call, acts on its world as the rule says, and settles or does not.
 * Neighbours: rules.c, which reads the rules, and world.c, which remembers the effects. */
#include "driver/scripted/scripted.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "driver/scripted/rules.h"
#include "driver/scripted/world.h"
#include "model/parameters.h"

#define PORT         "4242"
#define URL_MAX      512
#define SIZE_ALLOWED 100 /* the largest "size" */

/* A pretended server; a service without servers has one. */
struct scripted_place {
	const struct server *server;
	struct world world;
	struct scripted_rules rules; /* of its file */
};

struct scripted {
	const struct driver_context *context;
	struct scripted_place *places;
	size_t place_count;
	struct scripted_rules rules; /* by scripted_rule; they come first */
	bool is_short;               /* of memory, for what a test said: the next call fails for it */
	TAILQ_HEAD(, scripted_work) works;
	size_t begun[CALL_KINDS];
};

struct scripted_work {
	TAILQ_ENTRY(scripted_work) entry;
	struct scripted *scripted;
	struct scripted_place *place;
	struct driver_call *call;
	struct rule rule;
	struct timer timer;
	bool waits; /* for scripted_release, or for nothing */
	bool acted;
};

/* ---- acting ---- */

static int require_living(const struct scripted_work *work, struct error *error)
{
	const char *name = work->call->instance->resource;

	if (world_plan(&work->place->world, name) == NULL)
		return error_set(error, ERR_REFUSED, "there is no instance \"%s\"", name);
	if (world_is_retired(&work->place->world, name))
		return error_set(error, ERR_REFUSED, "the instance \"%s\" is retired", name);
	return 0;
}

static int act_bind(struct scripted_work *work, struct error *error)
{
	struct driver_call *call = work->call;
	const char *host = call->server != NULL ? call->server->name : "scripted";
	char url[URL_MAX];
	int rc = require_living(work, error);

	if (rc != 0)
		return rc;
	rc = world_put_login(&work->place->world, call->bind->login, call->instance->resource, call->password, error);
	if (rc != 0)
		return rc;
	snprintf(url, sizeof(url), "scripted://%s:%s@%s:" PORT "/%s", call->bind->login, call->password, host,
	         call->instance->resource);
	call_result(call, "host", host);
	call_result(call, "port", PORT);
	call_result(call, "user", call->bind->login);
	call_result(call, "password", call->password);
	call_result(call, "url", url);
	return 0;
}

static int act_update(struct scripted_work *work, struct error *error)
{
	const struct driver_call *call = work->call;
	int rc = require_living(work, error);

	return rc != 0 ? rc
	               : world_put_instance(&work->place->world, call->instance->resource, call->plan->name, error);
}

/* Only what the call names goes, so that a login nobody knows of is seen by a test. */
static int act_deprovision(struct scripted_work *work, struct error *error)
{
	const struct driver_call *call = work->call;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < call->bind_count; i++)
		rc = world_drop_login(&work->place->world, call->binds[i].login, error);
	return rc != 0 ? rc : world_drop_instance(&work->place->world, call->instance->resource, error);
}

static int act_observe(struct scripted_work *work, struct error *error)
{
	const struct driver_call *call = work->call;
	const struct service *service = call->backend->service;
	const char *name = world_plan(&work->place->world, call->instance->resource);
	const struct plan *plan = service_plan(service, name);
	char number[32];

	if (name == NULL)
		return error_set(error, ERR_NOT_FOUND, "there is no instance \"%s\"", call->instance->resource);
	snprintf(number, sizeof(number), "%zu", world_logins_of(&work->place->world, call->instance->resource));
	call_result(work->call, "Logins", number);
	if (plan != NULL && plan->options.count > 0) {
		snprintf(number, sizeof(number), "%lld", (long long)options_number(&plan->options, "weight"));
		call_result(work->call, "Weight", number);
	}
	return 0;
}

static bool is_named(const struct driver_call *call, const char *login)
{
	for (size_t i = 0; i < call->bind_count; i++)
		if (strcmp(call->binds[i].login, login) == 0)
			return true;
	return false;
}

/* The logins that a restore does not name stay shut; here they go. */
static int drop_unnamed(struct scripted_work *work, struct error *error)
{
	struct world *world = &work->place->world;
	const char *name = world_next_login(world, NULL);
	int rc = 0;

	while (rc == 0 && name != NULL) {
		const char *next = world_next_login(world, name);

		if (world_is_login_of(world, name, work->call->instance->resource) && !is_named(work->call, name))
			rc = world_drop_login(world, name, error);
		name = next;
	}
	return rc;
}

static int act_retire(struct scripted_work *work, bool retired, struct error *error)
{
	const char *name = work->call->instance->resource;
	int rc;

	if (world_plan(&work->place->world, name) == NULL && !retired)
		return error_set(error, ERR_REFUSED, "there is no instance \"%s\"", name);
	rc = world_retire(&work->place->world, name, retired, error);
	return rc != 0 || retired ? rc : drop_unnamed(work, error);
}

static int act_inspect(struct scripted_work *work)
{
	struct driver_call *call = work->call;
	const char *plan = world_plan(&work->place->world, call->instance->resource);

	if (plan == NULL)
		call_result(call, DRIFT_LOST, "the instance is not there");
	else if (strcmp(plan, call->plan->name) != 0)
		call_result(call, DRIFT_INSTANCE, "the instance has another plan");
	for (size_t i = 0; plan != NULL && i < call->bind_count; i++)
		if (!world_has_login(&work->place->world, call->binds[i].login))
			call_result(call, DRIFT_BIND, call->binds[i].login);
	return 0;
}

static int act_list(struct scripted_work *work)
{
	const struct world *world = &work->place->world;

	for (const char *name = NULL; (name = world_next_instance(world, name)) != NULL;)
		call_result(work->call, world_is_retired(world, name) ? LIST_RETIRED : LIST_INSTANCE, name);
	for (const char *name = NULL; (name = world_next_login(world, name)) != NULL;)
		call_result(work->call, LIST_LOGIN, name);
	return 0;
}

static int act_adopt(struct scripted_work *work, struct error *error)
{
	const struct driver_call *call = work->call;
	int rc = require_living(work, error);

	return rc != 0 ? rc
	               : world_put_instance(&work->place->world, call->instance->resource, call->plan->name, error);
}

static int act_read_mark(struct scripted_work *work)
{
	const char *mark = world_mark(&work->place->world);

	if (mark[0] != '\0')
		call_result(work->call, MARK_RESULT, mark);
	return 0;
}

static bool changes_something(enum call_kind kind)
{
	return kind != CALL_CHECK && kind != CALL_OBSERVE && kind != CALL_INSPECT && kind != CALL_LIST &&
	       kind != CALL_READ_MARK && kind != CALL_WRITE_MARK;
}

static int prepare(const struct scripted_work *work, struct error *error)
{
	const char *mark = world_mark(&work->place->world);
	const int rc = world_refresh(&work->place->world, error);

	if (rc != 0 || !changes_something(work->call->kind))
		return rc;
	return mark_check(work->call, mark[0] != '\0' ? mark : NULL, error);
}

static int act(struct scripted_work *work, struct error *error)
{
	const struct driver_call *call = work->call;
	const int rc = prepare(work, error);

	if (rc != 0)
		return rc;
	work->acted = true;
	switch (call->kind) {
	case CALL_PROVISION:
		return world_put_instance(&work->place->world, call->instance->resource, call->plan->name, error);
	case CALL_UPDATE:
		return act_update(work, error);
	case CALL_DEPROVISION:
		return act_deprovision(work, error);
	case CALL_BIND:
		return act_bind(work, error);
	case CALL_UNBIND:
		return world_drop_login(&work->place->world, call->bind->login, error);
	case CALL_OBSERVE:
		return act_observe(work, error);
	case CALL_RETIRE:
	case CALL_RESTORE:
		return act_retire(work, call->kind == CALL_RETIRE, error);
	case CALL_INSPECT:
		return act_inspect(work);
	case CALL_LIST:
		return act_list(work);
	case CALL_ADOPT:
		return act_adopt(work, error);
	case CALL_READ_MARK:
		return act_read_mark(work);
	case CALL_WRITE_MARK:
		return world_put_mark(&work->place->world, call->mark, error);
	case CALL_ACT:
		return error_set(error, ERR_REFUSED, "the scripted server has no actions");
	case CALL_CHECK:
	case CALL_ALLOW_UNIT:
	case CALL_DENY_UNIT:
		break;
	}
	return 0;
}

/* ---- behaving ---- */

static void free_work(struct scripted_work *work)
{
	TAILQ_REMOVE(&work->scripted->works, work, entry);
	timer_stop(work->scripted->context->timers, &work->timer);
	free(work);
}

static void settle(struct scripted_work *work, int code, const char *text)
{
	struct driver_call *call = work->call;

	free_work(work);
	call_settle(call, code, "%s", text);
}

static void fail(struct scripted_work *work, int code)
{
	settle(work, work->rule.code != 0 ? work->rule.code : code, "the scripted server was told to fail");
}

static void repeat_results(struct driver_call *call)
{
	const size_t count = call->result_count;

	for (size_t i = 0; i < count; i++)
		call_result(call, call->results[i].name, call->results[i].value);
}

static void act_and_end(struct scripted_work *work)
{
	struct error error = {0};
	int rc = act(work, &error);

	if (work->rule.behaviour == SCRIPTED_TWICE)
		repeat_results(work->call);
	if (work->rule.behaviour == SCRIPTED_CRASH_AFTER)
		_exit(SCRIPTED_CRASH_STATUS);
	if (rc != 0)
		settle(work, rc, error.text);
	else if (work->rule.behaviour == SCRIPTED_FAIL_AFTER)
		fail(work, ERR_REFUSED);
	else
		settle(work, 0, "");
}

/* Whatever was waited for is over: a delay or the release. */
static void go_on(void *arg)
{
	struct scripted_work *work = arg;

	switch (work->rule.behaviour) {
	case SCRIPTED_LOST:
		settle(work, ERR_TIMEOUT, "the scripted server's answer was lost");
		return;
	case SCRIPTED_FAIL_TRANSIENT:
		fail(work, ERR_UNAVAILABLE);
		return;
	case SCRIPTED_FAIL_FINAL:
		fail(work, ERR_REFUSED);
		return;
	case SCRIPTED_LOCK:
		settle(work, ERR_LOCKED, "the scripted server was told that somebody holds a lock");
		return;
	case SCRIPTED_CRASH_BEFORE:
		_exit(SCRIPTED_CRASH_STATUS);
	case SCRIPTED_OK:
	case SCRIPTED_DELAY:
	case SCRIPTED_HANG:
	case SCRIPTED_FAIL_AFTER:
	case SCRIPTED_TWICE:
	case SCRIPTED_CRASH_AFTER:
		break;
	}
	act_and_end(work);
}

static void behave(struct scripted_work *work)
{
	struct error error = {0};
	bool lost = work->rule.behaviour == SCRIPTED_LOST;

	if (lost && act(work, &error) != 0) {
		settle(work, error.code, error.text);
		return;
	}
	work->waits = work->rule.behaviour == SCRIPTED_HANG || (lost && work->rule.delay == 0);
	if (work->waits)
		return;
	if (work->rule.delay == 0)
		go_on(work);
	else if (timer_start(work->scripted->context->timers, &work->timer, work->rule.delay) != 0)
		settle(work, ERR_NO_MEMORY, "memory is out");
}

static struct scripted_place *find_place(struct scripted *scripted, const struct server *server)
{
	for (size_t i = 0; i < scripted->place_count; i++)
		if (scripted->places[i].server == server)
			return &scripted->places[i];
	return &scripted->places[0];
}

static void scripted_begin(void *state, struct driver_call *call)
{
	struct scripted *scripted = state;
	struct scripted_work *work = calloc(1, sizeof(*work));
	struct error error = {0};

	scripted->begun[call->kind]++;
	if (work == NULL || scripted->is_short) {
		free(work);
		scripted->is_short = false;
		call_settle(call, ERR_NO_MEMORY, "memory is out");
		return;
	}
	work->scripted = scripted;
	work->place = find_place(scripted, call->server);
	work->call = call;
	work->rule.behaviour = SCRIPTED_OK;
	timer_init(&work->timer, go_on, work);
	TAILQ_INSERT_TAIL(&scripted->works, work, entry);
	call->work = work;
	if (rules_refresh(&work->place->rules, &error) != 0) {
		settle(work, error.code, error.text);
		return;
	}
	if (!rules_take(&scripted->rules, call->kind, &work->rule))
		rules_take(&work->place->rules, call->kind, &work->rule);
	behave(work);
}

static void scripted_cancel(void *state, struct driver_call *call)
{
	(void)state;
	free_work(call->work);
}

/* ---- opening ---- */

static const char *server_text(const struct server *server, const char *key)
{
	return server != NULL && server->options.count > 0 ? options_text(&server->options, key) : NULL;
}

static int open_place(struct scripted_place *place, const struct server *server, struct error *error)
{
	place->server = server;
	place->rules.path = server_text(server, "rules");
	return world_open(&place->world, server_text(server, "state"), error);
}

static void scripted_close(void *state)
{
	struct scripted *scripted = state;

	for (size_t i = 0; i < scripted->place_count; i++) {
		world_close(&scripted->places[i].world);
		rules_release(&scripted->places[i].rules);
	}
	rules_release(&scripted->rules);
	free(scripted->places);
	free(scripted);
}

static int open_places(struct scripted *scripted, const struct service *service, struct error *error)
{
	size_t count = service->server_count > 0 ? service->server_count : 1;
	int rc = 0;

	scripted->places = calloc(count, sizeof(*scripted->places));
	if (scripted->places == NULL)
		return error_no_memory(error);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		rc = open_place(&scripted->places[i], service->server_count > 0 ? &service->servers[i] : NULL, error);
		if (rc == 0)
			scripted->place_count++;
	}
	return rc;
}

static int scripted_open(const struct driver_context *context, const struct service *service, void **ret_state,
                         struct error *error)
{
	struct scripted *scripted = calloc(1, sizeof(*scripted));
	int rc;

	if (scripted == NULL)
		return error_no_memory(error);
	scripted->context = context;
	TAILQ_INIT(&scripted->works);
	rc = open_places(scripted, service, error);
	if (rc != 0) {
		scripted_close(scripted);
		return rc;
	}
	*ret_state = scripted;
	return 0;
}

static int scripted_validate(void *state, const struct plan *plan, const struct cJSON *parameters, bool is_bind,
                             struct error *error)
{
	bool flag;
	int64_t size;

	(void)state;
	(void)plan;
	return is_bind ? parameters_flag(parameters, "read_only", &flag, error)
	               : parameters_number(parameters, "size", 1, SIZE_ALLOWED, &size, error);
}

/* ---- what tests say and see ---- */

void scripted_rule(void *state, enum call_kind kind, enum scripted_behaviour behaviour, int times, int64_t delay_ms,
                   int code)
{
	struct scripted *scripted = state;
	const struct rule rule = {
	    .kind = kind, .behaviour = behaviour, .times = times == 0 ? -1 : times, .delay = delay_ms, .code = code};

	if (rules_add(&scripted->rules, &rule, NULL) != 0)
		scripted->is_short = true;
}

void scripted_clear_rules(void *state)
{
	struct scripted *scripted = state;

	rules_release(&scripted->rules);
}

size_t scripted_release(void *state)
{
	struct scripted *scripted = state;
	struct scripted_work *work, *next;
	size_t count = 0;

	for (work = TAILQ_FIRST(&scripted->works); work != NULL; work = next) {
		next = TAILQ_NEXT(work, entry);
		if (!work->waits)
			continue;
		go_on(work);
		count++;
	}
	return count;
}

size_t scripted_begun(void *state, enum call_kind kind)
{
	const struct scripted *scripted = state;
	size_t count = 0;

	if (kind != 0)
		return scripted->begun[kind];
	for (size_t i = 0; i < sizeof(scripted->begun) / sizeof(*scripted->begun); i++)
		count += scripted->begun[i];
	return count;
}

size_t scripted_under_way(void *state)
{
	const struct scripted *scripted = state;
	const struct scripted_work *work;
	size_t count = 0;

	TAILQ_FOREACH (work, &scripted->works, entry)
		count++;
	return count;
}

const char *scripted_plan(void *state, const char *name)
{
	const struct scripted *scripted = state;
	const char *plan = NULL;

	for (size_t i = 0; plan == NULL && i < scripted->place_count; i++)
		plan = world_plan(&scripted->places[i].world, name);
	return plan;
}

bool scripted_has_instance(void *state, const char *name)
{
	return scripted_plan(state, name) != NULL;
}

bool scripted_has_login(void *state, const char *name)
{
	const struct scripted *scripted = state;

	for (size_t i = 0; i < scripted->place_count; i++)
		if (world_has_login(&scripted->places[i].world, name))
			return true;
	return false;
}

bool scripted_password_is(void *state, const char *name, const char *password)
{
	const struct scripted *scripted = state;

	for (size_t i = 0; i < scripted->place_count; i++)
		if (world_password_is(&scripted->places[i].world, name, password))
			return true;
	return false;
}

bool scripted_is_retired(void *state, const char *name)
{
	const struct scripted *scripted = state;

	for (size_t i = 0; i < scripted->place_count; i++)
		if (world_is_retired(&scripted->places[i].world, name))
			return true;
	return false;
}

void scripted_put_instance(void *state, const char *name, const char *plan)
{
	struct scripted *scripted = state;

	if (world_put_instance(&scripted->places[0].world, name, plan, NULL) != 0)
		scripted->is_short = true;
}

void scripted_drop(void *state, const char *name)
{
	struct scripted *scripted = state;

	for (size_t i = 0; i < scripted->place_count; i++) {
		(void)world_drop_instance(&scripted->places[i].world, name, NULL);
		(void)world_drop_login(&scripted->places[i].world, name, NULL);
	}
}

const char *scripted_mark(void *state)
{
	const struct scripted *scripted = state;

	return world_mark(&scripted->places[0].world);
}

void scripted_put_mark(void *state, const char *mark)
{
	struct scripted *scripted = state;

	if (world_put_mark(&scripted->places[0].world, mark, NULL) != 0)
		scripted->is_short = true;
}

size_t scripted_instances(void *state)
{
	const struct scripted *scripted = state;
	size_t count = 0;

	for (size_t i = 0; i < scripted->place_count; i++)
		count += world_instances(&scripted->places[i].world);
	return count;
}

size_t scripted_logins(void *state)
{
	const struct scripted *scripted = state;
	size_t count = 0;

	for (size_t i = 0; i < scripted->place_count; i++)
		count += world_logins(&scripted->places[i].world);
	return count;
}

/* ---- the driver ---- */

static const struct config_key server_keys[] = {
    {.name = "state", .type = KEY_TEXT, .help = "file that keeps what the pretended server holds"},
    {.name = "rules", .type = KEY_TEXT, .help = "file of rules, read again when a call begins"},
    {.name = NULL},
};

static const struct config_key plan_keys[] = {
    {.name = "weight", .type = KEY_NUMBER, .min = 0, .max = 1000000, .help = "a number to tell plans apart"},
    {.name = NULL},
};

static const char *const variables[] = {"host", "port", "user", "password", "url", NULL};

static const struct pair environment[] = {
    {"SCRIPTED_URL", "{url}"},
    {"SCRIPTED_USER", "{user}"},
    {"SCRIPTED_PASSWORD", "{password}"},
    {NULL, NULL},
};

static const char *const instance_parameters[] = {"size", NULL};
static const char *const bind_parameters[] = {"read_only", NULL};

const struct driver driver_scripted = {
    .name = "scripted",
    .server_keys = server_keys,
    .plan_keys = plan_keys,
    .instance_name_max = BACKEND_NAME_MAX,
    .login_name_max = 32,
    .variables = variables,
    .environment = environment,
    .instance_parameters = instance_parameters,
    .bind_parameters = bind_parameters,
    .units = true,
    .retires = true,
    .marks = true,
    .open = scripted_open,
    .close = scripted_close,
    .validate = scripted_validate,
    .run = scripted_begin,
    .cancel = scripted_cancel,
};
