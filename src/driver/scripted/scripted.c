/* The scripted driver: takes a rule for each call, acts on its world as the rule says, and settles or does not.
 * Neighbours: rules.c reads the rules, act.c does what calls ask, world.c remembers the effects, and control.c is how
 * tests reach the worlds behind the broker's back. */
#include "driver/scripted/scripted.h"

#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

#include "driver/scripted/act.h"
#include "driver/scripted/state.h"
#include "model/parameters.h"

#define SIZE_ALLOWED 100 /* the largest "size" */
#define HOLD_LOOK    10  /* ms between two looks at the file that holds a call */

struct scripted_work {
	TAILQ_ENTRY(scripted_work) entry;
	struct scripted *scripted;
	struct scripted_place *place;
	struct driver_call *call;
	struct rule rule;
	struct timer timer;
	unsigned version; /* of its server's rules when it began */
	bool waits;       /* for scripted_release, or for nothing */
};

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

static void fail_as_told(struct scripted_work *work, int code)
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
	int rc = scripted_act(work->call, &work->place->world, &error);

	if (work->rule.behaviour == SCRIPTED_TWICE)
		repeat_results(work->call);
	if (work->rule.behaviour == SCRIPTED_CRASH_AFTER)
		_exit(SCRIPTED_CRASH_STATUS);
	if (rc != 0)
		settle(work, rc, error.text);
	else if (work->rule.behaviour == SCRIPTED_FAIL_AFTER)
		fail_as_told(work, ERR_REFUSED);
	else
		settle(work, 0, "");
}

static void wait_for(struct scripted_work *work, int64_t delay)
{
	if (timer_start(work->scripted->context->timers, &work->timer, delay) != 0)
		settle(work, ERR_NO_MEMORY, "memory is out");
}

/* Rules that cannot be read are others, too. */
static bool is_held(const struct scripted_work *work)
{
	(void)rules_refresh(&work->place->rules, NULL);
	return work->place->rules.version == work->version;
}

/* Whatever was waited for is over: a delay, the release, or a while of a hold. */
static void end_wait(void *arg)
{
	struct scripted_work *work = arg;

	switch (work->rule.behaviour) {
	case SCRIPTED_LOST:
		settle(work, ERR_TIMEOUT, "the scripted server's answer was lost");
		return;
	case SCRIPTED_FAIL_TRANSIENT:
		fail_as_told(work, ERR_UNAVAILABLE);
		return;
	case SCRIPTED_FAIL_FINAL:
		fail_as_told(work, ERR_REFUSED);
		return;
	case SCRIPTED_LOCK:
		settle(work, ERR_LOCKED, "the scripted server was told that somebody holds a lock");
		return;
	case SCRIPTED_CRASH_BEFORE:
		_exit(SCRIPTED_CRASH_STATUS);
	case SCRIPTED_HOLD:
		if (!is_held(work))
			break;
		wait_for(work, HOLD_LOOK);
		return;
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

	if (lost && scripted_act(work->call, &work->place->world, &error) != 0) {
		settle(work, error.code, error.text);
		return;
	}
	work->waits = work->rule.behaviour == SCRIPTED_HANG || (lost && work->rule.delay == 0);
	if (work->waits)
		return;
	if (work->rule.delay == 0)
		end_wait(work);
	else
		wait_for(work, work->rule.delay);
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
	timer_init(&work->timer, end_wait, work);
	TAILQ_INSERT_TAIL(&scripted->works, work, entry);
	call->work = work;
	if (rules_refresh(&work->place->rules, &error) != 0) {
		settle(work, error.code, error.text);
		return;
	}
	work->version = work->place->rules.version;
	if (!rules_take(&scripted->rules, call->kind, &work->rule))
		rules_take(&work->place->rules, call->kind, &work->rule);
	behave(work);
}

static void scripted_cancel(void *state, struct driver_call *call)
{
	(void)state;
	free_work(call->work);
}

/* ---- what tests say and see of calls ---- */

size_t scripted_release(void *state)
{
	struct scripted *scripted = state;
	struct scripted_work *work, *next;
	size_t count = 0;

	for (work = TAILQ_FIRST(&scripted->works); work != NULL; work = next) {
		next = TAILQ_NEXT(work, entry);
		if (!work->waits)
			continue;
		end_wait(work);
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
	if (parameters_flag(parameters, PARAMETER_READ_ONLY, &flag, error) != 0)
		return ERR_INVALID;
	return is_bind ? 0 : parameters_number(parameters, "size", 1, SIZE_ALLOWED, &size, error);
}

/* ---- the driver ---- */

static const struct config_key server_keys[] = {
    {.name = "state", .type = KEY_TEXT, .help = "file that keeps what the pretended server holds"},
    {.name = "rules", .type = KEY_TEXT, .help = "file of rules, read again when a call begins"},
    {.name = NULL},
};

static const struct config_key plan_keys[] = {
    {.name = "weight", .type = KEY_NUMBER, .min = 0, .max = 1000000, .help = "a number to tell plans apart"},
    {.name = "actions", .type = KEY_LIST, .max = 32, .help = "actions that users may have done, and that do nothing"},
    {.name = NULL},
};

static const char *const variables[] = {"host", "port", "user", "password", "url", NULL};

static const struct pair environment[] = {
    {"SCRIPTED_URL", "{url}"},
    {"SCRIPTED_USER", "{user}"},
    {"SCRIPTED_PASSWORD", "{password}"},
    {NULL, NULL},
};

static const char *const instance_parameters[] = {"size", PARAMETER_READ_ONLY, NULL};

const struct driver driver_scripted = {
    .name = "scripted",
    .server_keys = server_keys,
    .plan_keys = plan_keys,
    .actions_key = "actions",
    .instance_name_max = BACKEND_NAME_MAX,
    .login_name_max = 32,
    .variables = variables,
    .environment = environment,
    .instance_parameters = instance_parameters,
    .bind_parameters = driver_read_only_parameters,
    .hands_down_read_only = true,
    .units = true,
    .retires = true,
    .marks = true,
    .open = scripted_open,
    .close = scripted_close,
    .validate = scripted_validate,
    .run = scripted_begin,
    .cancel = scripted_cancel,
};
