/* One function for each kind of call, and the table of them. */
#include "driver/scripted/act.h"

#include <string.h>

#define PORT "4242"

static int require_living(const struct driver_call *call, const struct world *world, struct error *error)
{
	const char *name = call->instance->resource;

	if (world_plan(world, name) == NULL)
		return error_set(error, ERR_REFUSED, "there is no instance \"%s\"", name);
	if (world_is_retired(world, name))
		return error_set(error, ERR_REFUSED, "the instance \"%s\" is retired", name);
	return 0;
}

static int act_provision(struct driver_call *call, struct world *world, struct error *error)
{
	return world_put_instance(world, call->instance->resource, call->plan->name, error);
}

/* And adopt. */
static int act_update(struct driver_call *call, struct world *world, struct error *error)
{
	const int rc = require_living(call, world, error);

	return rc != 0 ? rc : act_provision(call, world, error);
}

static int act_bind(struct driver_call *call, struct world *world, struct error *error)
{
	const char *host = call->server != NULL ? call->server->name : "scripted";
	int rc = require_living(call, world, error);

	if (rc != 0)
		return rc;
	rc = world_put_login(world, call->bind->login, call->instance->resource, call->password, error);
	if (rc != 0)
		return rc;
	call_result(call, "host", host);
	call_result(call, "port", PORT);
	call_result(call, "user", call->bind->login);
	call_result(call, "password", call->password);
	call_tell(call, "url", "scripted://%s:%s@%s:" PORT "/%s", call->bind->login, call->password, host,
	          call->instance->resource);
	return 0;
}

static int act_unbind(struct driver_call *call, struct world *world, struct error *error)
{
	return world_drop_login(world, call->bind->login, error);
}

/* Only what the call names goes, so that a login nobody knows of is seen by a test. */
static int act_deprovision(struct driver_call *call, struct world *world, struct error *error)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < call->bind_count; i++)
		rc = world_drop_login(world, call->binds[i].login, error);
	return rc != 0 ? rc : world_drop_instance(world, call->instance->resource, error);
}

static int act_observe(struct driver_call *call, struct world *world, struct error *error)
{
	const struct service *service = call->backend->service;
	const char *name = world_plan(world, call->instance->resource);
	const struct plan *plan = service_plan(service, name);

	if (name == NULL)
		return error_set(error, ERR_NOT_FOUND, "there is no instance \"%s\"", call->instance->resource);
	call_tell(call, "Logins", "%zu", world_logins_of(world, call->instance->resource));
	if (plan != NULL && plan->options.count > 0)
		call_tell(call, "Weight", "%lld", (long long)options_number(&plan->options, "weight"));
	return 0;
}

/* The logins that a restore does not name stay shut; here they go. */
static int drop_unnamed(const struct driver_call *call, struct world *world, struct error *error)
{
	const char *name = world_next_login(world, NULL);
	int rc = 0;

	while (rc == 0 && name != NULL) {
		const char *next = world_next_login(world, name);

		if (world_is_login_of(world, name, call->instance->resource) && !call_has_bind(call, name))
			rc = world_drop_login(world, name, error);
		name = next;
	}
	return rc;
}

static int act_retire(struct driver_call *call, struct world *world, struct error *error)
{
	return world_retire(world, call->instance->resource, true, error);
}

static int act_restore(struct driver_call *call, struct world *world, struct error *error)
{
	const char *name = call->instance->resource;
	int rc;

	if (world_plan(world, name) == NULL)
		return error_set(error, ERR_REFUSED, "there is no instance \"%s\"", name);
	rc = world_retire(world, name, false, error);
	return rc != 0 ? rc : drop_unnamed(call, world, error);
}

static int act_inspect(struct driver_call *call, struct world *world, struct error *error)
{
	const char *plan = world_plan(world, call->instance->resource);

	(void)error;
	if (plan == NULL)
		call_result(call, DRIFT_LOST, "the instance is not there");
	else if (strcmp(plan, call->plan->name) != 0)
		call_result(call, DRIFT_INSTANCE, "the instance has another plan");
	for (size_t i = 0; plan != NULL && i < call->bind_count; i++)
		if (!world_has_login(world, call->binds[i].login))
			call_result(call, DRIFT_BIND, call->binds[i].login);
	return 0;
}

static int act_list(struct driver_call *call, struct world *world, struct error *error)
{
	(void)error;
	for (const char *name = NULL; (name = world_next_instance(world, name)) != NULL;)
		call_result(call, world_is_retired(world, name) ? LIST_RETIRED : LIST_INSTANCE, name);
	for (const char *name = NULL; (name = world_next_login(world, name)) != NULL;)
		call_result(call, LIST_LOGIN, name);
	return 0;
}

static int act_read_mark(struct driver_call *call, struct world *world, struct error *error)
{
	const char *mark = world_mark(world);

	(void)error;
	if (mark[0] != '\0')
		call_result(call, MARK_RESULT, mark);
	return 0;
}

static int act_write_mark(struct driver_call *call, struct world *world, struct error *error)
{
	return world_put_mark(world, call->mark, error);
}

static const struct {
	int (*act)(struct driver_call *call, struct world *world, struct error *error); /* NULL: nothing */
	bool wants_mark; /* not where another broker's mark is */
} acts[CALL_KINDS] = {
    [CALL_PROVISION] = {act_provision, true},
    [CALL_UPDATE] = {act_update, true},
    [CALL_DEPROVISION] = {act_deprovision, true},
    [CALL_BIND] = {act_bind, true},
    [CALL_UNBIND] = {act_unbind, true},
    [CALL_CHECK] = {NULL, false},
    [CALL_OBSERVE] = {act_observe, false},
    [CALL_ALLOW_UNIT] = {NULL, true},
    [CALL_DENY_UNIT] = {NULL, true},
    [CALL_RETIRE] = {act_retire, true},
    [CALL_RESTORE] = {act_restore, true},
    [CALL_INSPECT] = {act_inspect, false},
    [CALL_LIST] = {act_list, false},
    [CALL_ADOPT] = {act_update, true},
    [CALL_ACT] = {NULL, true},
    [CALL_READ_MARK] = {act_read_mark, false},
    [CALL_WRITE_MARK] = {act_write_mark, false},
};

int scripted_act(struct driver_call *call, struct world *world, struct error *error)
{
	const char *mark = world_mark(world);
	int rc = world_refresh(world, error);

	if (rc == 0 && acts[call->kind].wants_mark)
		rc = mark_check(call, mark[0] != '\0' ? mark : NULL, error);
	if (rc != 0 || acts[call->kind].act == NULL)
		return rc;
	return acts[call->kind].act(call, world, error);
}
