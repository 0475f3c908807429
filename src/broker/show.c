/* JSON of records, member by member. */
#include "broker/show.h"

#include <string.h>

#include "broker/queue.h"

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

void show_bind(struct text *json, const struct bind *bind)
{
	text_add(json, "{");
	show_text(json, "kind", bind_kind_name(bind->kind));
	show_text(json, "name", bind->name);
	show_text(json, "state", bind_state_name(bind->state));
	show_text(json, "login", bind->login);
	show_text(json, "parameters", bind->parameters);
	show_text(json, "user", bind->user);
	show_text(json, "failure", bind->failure);
	show_time(json, "created", bind->created_at);
	show_time(json, "changed", bind->updated_at);
	text_add(json, "}");
}

/* What keeps it from ending; the error says more of a lock. */
static const char *waits_for(const struct job *job)
{
	switch (job->state) {
	case JOB_QUEUED:
		return job->host != NULL ? "turn" : "configuration";
	case JOB_READY:
		return "place";
	case JOB_BACKOFF:
		return job->error.code == ERR_LOCKED ? "lock" : "retry";
	case JOB_RUNNING:
	case JOB_SAVING:
		break;
	}
	return NULL;
}

void show_operation(struct broker *broker, struct text *json, const struct operation *operation)
{
	const struct job *job = operation_finished(operation->state)
	                            ? NULL
	                            : queue_find(broker, operation->incarnation, operation->id, operation->kind);
	const bool running = job != NULL && job->state == JOB_RUNNING;

	text_add(json, "{");
	show_text(json, "id", operation->id);
	show_text(json, "kind", operation_kind_name(operation->kind));
	show_text(json, "state", running ? "running" : operation_state_name(operation->state));
	show_text(json, "waits_for", job != NULL ? waits_for(job) : NULL);
	show_number(json, "attempts", operation->attempts + (job != NULL ? job->attempts : 0));
	show_text(json, "bind", operation->bind_name);
	show_text(json, "action", operation->action);
	show_text(json, "user", operation->user);
	show_text(json, "event", operation->event);
	show_time(json, "created", operation->created_at);
	show_time(json, "finished", operation->finished_at);
	show_text(json, "error", job != NULL && job->error.code != 0 ? job->error.text : operation->error);
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
	show_flag(json, "update_failed", instance->update_failed);
	show_time(json, "created", instance->created_at);
	show_time(json, "changed", instance->updated_at);
	if (instance->removal == REMOVAL_RETIRE && instance->state != INSTANCE_RETAINED)
		show_number(json, "retain_seconds", instance->retain / 1000);
	if (instance->state == INSTANCE_RETAINED)
		show_time(json, "retained_until", instance->retained_until);
}
