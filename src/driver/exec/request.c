/* Requests for programs, written as text: parameters are JSON already, and a password in a tree of cJSON could not be
 * wiped. */
#include "request.h"

#include "model/defaults.h"

/* Adds `,"name":`; the first member of every object is written by hand. */
static void add_name(struct text *request, const char *name)
{
	text_add(request, ",");
	text_add_json(request, name);
	text_add(request, ":");
}

/* An absent value is left out. */
static void add_text(struct text *request, const char *name, const char *value)
{
	if (value == NULL)
		return;
	add_name(request, name);
	text_add_json(request, value);
}

/* json is valid, and NULL stands for what is empty. */
static void add_json(struct text *request, const char *name, const char *json, const char *empty)
{
	add_name(request, name);
	text_add(request, json != NULL && json[0] != '\0' ? json : empty);
}

/* Without what the instance has for its binds alone: each of them has its own. */
static void add_instance_parameters(struct text *request, const struct instance *instance)
{
	struct arena arena;
	const char *json;

	arena_init(&arena);
	json = defaults_without(instance->parameters, &arena);
	request->failed |= json == NULL && instance->parameters != NULL;
	add_json(request, "parameters", json, "{}");
	arena_release(&arena);
}

static void add_instance(struct text *request, const struct instance *instance)
{
	add_name(request, "instance");
	text_add(request, "{\"name\":");
	text_add_json(request, instance->name);
	add_text(request, "resource", instance->resource);
	add_text(request, "incarnation", instance->incarnation);
	add_text(request, "team", instance->team);
	add_text(request, "user", instance->user);
	add_text(request, "description", instance->description);
	add_text(request, "plan", instance->plan);
	add_text(request, "wanted_plan", instance->wanted_plan);
	add_text(request, "cluster", instance->cluster);
	add_text(request, "pool", instance->pool);
	add_instance_parameters(request, instance);
	add_json(request, "tags", instance->tags, "[]");
	text_add(request, "}");
}

static void add_plan(struct text *request, const struct plan *plan)
{
	const struct option *given = options_find(&plan->options, "options");

	add_name(request, "plan");
	text_add(request, "{\"name\":");
	text_add_json(request, plan->name);
	add_name(request, "options");
	text_add(request, "{");
	for (size_t i = 0; i < given->value.map.count; i++) {
		text_add(request, i > 0 ? "," : "");
		text_add_json(request, given->value.map.items[i].name);
		text_add(request, ":");
		text_add_json(request, given->value.map.items[i].value);
	}
	text_add(request, "}}");
}

static void add_whereabouts(struct text *request, const struct whereabouts *at)
{
	add_json(request, "hosts", at->hosts, "[]");
	add_json(request, "internal_hosts", at->internal_hosts, "[]");
	add_text(request, "pool", at->pool);
	add_text(request, "pool_provisioner", at->pool_provisioner);
	add_text(request, "cluster", at->cluster);
	add_text(request, "cluster_provisioner", at->cluster_provisioner);
	add_json(request, "cluster_addresses", at->cluster_addresses, "[]");
}

/* Without the brace at its end. */
static void open_bind(struct text *request, const struct bind *bind)
{
	text_add(request, "{\"kind\":");
	text_add_json(request, bind_kind_name(bind->kind));
	add_text(request, "name", bind->name);
	add_text(request, "login", bind->login);
	add_json(request, "parameters", bind->parameters, "{}");
	add_text(request, "user", bind->user);
	add_whereabouts(request, &bind->whereabouts);
}

static void add_bind(struct text *request, const struct driver_call *call)
{
	add_name(request, "bind");
	open_bind(request, call->bind);
	add_text(request, "password", call->password);
	if (call->kind == CALL_BIND)
		add_json(request, "renew", call->renew ? "true" : "false", "false");
	text_add(request, "}");
}

/* Those whose slots are given all binds; the list is there also when it is empty. */
static bool takes_binds(enum call_kind kind)
{
	switch (kind) {
	case CALL_UPDATE:
	case CALL_DEPROVISION:
	case CALL_RETIRE:
	case CALL_RESTORE:
	case CALL_INSPECT:
		return true;
	default:
		return false;
	}
}

static void add_binds(struct text *request, const struct driver_call *call)
{
	add_name(request, "binds");
	text_add(request, "[");
	for (size_t i = 0; i < call->bind_count; i++) {
		text_add(request, i > 0 ? "," : "");
		open_bind(request, &call->binds[i]);
		text_add(request, "}");
	}
	text_add(request, "]");
}

void request_write(const struct driver_call *call, const char *action, struct text *ret_request)
{
	text_add(ret_request, "{\"action\":");
	text_add_json(ret_request, action);
	add_text(ret_request, "service", call->backend->service->name);
	add_text(ret_request, "server", call->server->name);
	add_text(ret_request, "store", call->store);
	if (call->instance != NULL)
		add_instance(ret_request, call->instance);
	if (call->plan != NULL)
		add_plan(ret_request, call->plan);
	if (call->bind != NULL)
		add_bind(ret_request, call);
	if (call->kind == CALL_ACT)
		add_json(ret_request, "parameters", call->parameters, "{}");
	if (takes_binds(call->kind))
		add_binds(ret_request, call);
	text_add(ret_request, "}\n");
}
