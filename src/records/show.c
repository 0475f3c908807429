/* JSON of records, member by member. */
#include "records/show.h"

#include <string.h>

#define TIME_SIZE 32

void show_comma(struct text *json)
{
	const char last = json->length > 0 ? json->bytes[json->length - 1] : '\0';

	if (last != '{' && last != '[')
		text_add(json, ",");
}

void show_name(struct text *json, const char *name)
{
	show_comma(json);
	text_add_json(json, name);
	text_add(json, ":");
}

void show_text(struct text *json, const char *name, const char *value)
{
	if (value == NULL)
		return;
	show_name(json, name);
	text_add_json(json, value);
}

void show_number(struct text *json, const char *name, int64_t value)
{
	show_name(json, name);
	text_add_format(json, "%lld", (long long)value);
}

void show_flag(struct text *json, const char *name, bool value)
{
	show_name(json, name);
	text_add(json, value ? "true" : "false");
}

void show_time(struct text *json, const char *name, int64_t wall)
{
	char time[TIME_SIZE];

	if (wall == 0)
		return;
	text_format_time(wall, time, sizeof(time));
	show_text(json, name, time);
}

void show_drift(struct text *json, const struct pair *drift)
{
	show_comma(json);
	text_add(json, "{");
	show_text(json, "kind", drift->name);
	show_text(json, "found", drift->value);
	text_add(json, "}");
}

/* A list is JSON already. */
static void show_list(struct text *json, const char *name, const char *list)
{
	if (list == NULL)
		return;
	show_name(json, name);
	text_add(json, list);
}

static void show_whereabouts(struct text *json, const struct whereabouts *at)
{
	show_list(json, "hosts", at->hosts);
	show_list(json, "internal_hosts", at->internal_hosts);
	show_text(json, "pool", at->pool);
	show_text(json, "pool_provisioner", at->pool_provisioner);
	show_text(json, "cluster", at->cluster);
	show_text(json, "cluster_provisioner", at->cluster_provisioner);
	show_list(json, "cluster_addresses", at->cluster_addresses);
}

void show_bind(struct text *json, const struct bind *bind, const char *old)
{
	text_add(json, "{");
	show_text(json, "kind", bind_kind_name(bind->kind));
	show_text(json, "name", bind->name);
	show_text(json, "state", bind_state_name(bind->state));
	show_text(json, "login", bind->login);
	show_text(json, "parameters", bind->parameters);
	show_text(json, "old_parameters", old);
	show_text(json, "user", bind->user);
	show_whereabouts(json, &bind->whereabouts);
	show_text(json, "failure", bind->failure);
	show_time(json, "created", bind->created_at);
	show_time(json, "changed", bind->updated_at);
	text_add(json, "}");
}

void show_operation(struct text *json, const struct operation *operation, const struct progress *progress)
{
	static const struct progress none = {0};
	const struct progress *now = progress != NULL ? progress : &none;

	text_add(json, "{");
	show_text(json, "id", operation->id);
	show_text(json, "kind", operation_kind_name(operation->kind));
	show_text(json, "state", now->running ? "running" : operation_state_name(operation->state));
	show_text(json, "waits_for", now->waits_for);
	show_number(json, "attempts", operation->attempts + now->attempts);
	show_text(json, "bind", operation->bind_name);
	show_text(json, "action", operation->action);
	show_text(json, "user", operation->user);
	show_text(json, "event", operation->event);
	show_time(json, "created", operation->created_at);
	show_time(json, "finished", operation->finished_at);
	show_text(json, "error", now->error != NULL ? now->error : operation->error);
	text_add(json, "}");
}

void show_instance(struct text *json, const struct instance *instance)
{
	show_text(json, "id", instance->incarnation);
	show_text(json, "service", instance->service);
	show_text(json, "name", instance->name);
	show_text(json, "team", instance->team);
	show_text(json, "state", instance_state_name(instance->state));
	show_text(json, "plan", instance->plan);
	if (instance->plan == NULL || strcmp(instance->plan, instance->wanted_plan) != 0)
		show_text(json, "wanted_plan", instance->wanted_plan);
	show_text(json, "server", instance->server);
	show_text(json, "resource", instance->resource);
	show_text(json, "description", instance->description);
	show_text(json, "parameters", instance->parameters);
	show_text(json, "user", instance->user);
	show_text(json, "failure", instance->failure);
	show_text(json, "refusal", instance->refusal);
	show_flag(json, "update_failed", instance->update_failed);
	show_time(json, "created", instance->created_at);
	show_time(json, "changed", instance->updated_at);
	show_time(json, "removed", instance->removed_at);
	if (instance->removal == REMOVAL_RETIRE && instance->state != INSTANCE_RETAINED)
		show_number(json, "retain_seconds", instance->retain / 1000);
	if (instance->state == INSTANCE_RETAINED)
		show_time(json, "retained_until", instance->retained_until);
}
