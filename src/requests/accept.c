/* Checks before anything is promised: plans and limits. Neighbour: parameters.c. */
#include "requests/accept.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "model/parameters.h"
#include "queue/queue.h"

int accept_living(struct intent *intent, const struct instance *instance)
{
	if (instance->state == INSTANCE_REMOVING)
		return error_set(&intent->error, ERR_CANCELED, "the instance \"%s\" is being removed", instance->name);
	if (instance->state == INSTANCE_REMOVAL_FAILED)
		return error_set(
		    &intent->error, ERR_REFUSED,
		    "the removal of the instance \"%s\" failed or was canceled: %s; remove it again, or have "
		    "an operator bring it back by ctl undelete",
		    instance->name, instance->failure != NULL ? instance->failure : "no reason is known");
	if (instance->state == INSTANCE_FAILED)
		return error_set(&intent->error, ERR_REFUSED,
		                 "the instance \"%s\" could not be created: %s; remove it and create it again",
		                 instance->name, instance->failure != NULL ? instance->failure : "no reason is known");
	return 0;
}

int accept_work(struct intent *intent, const struct instance *instance)
{
	const int64_t most = catalog_config(intent->requests->catalog)->limits.pending;

	if ((int64_t)queue_count(intent->requests->queue, instance->incarnation) < most)
		return 0;
	return error_set(
	    &intent->error, ERR_BUSY,
	    "%lld operations of the instance \"%s\" have not ended (limits.pending); try again when some have",
	    (long long)most, instance->name);
}

static void list_plans(const struct service *service, struct text *ret_list)
{
	for (size_t i = 0; i < service->plan_count; i++) {
		text_add(ret_list, i > 0 ? ", " : "");
		text_add(ret_list, service->plans[i].name);
	}
}

int accept_plan(struct intent *intent, const char *fallback, const struct plan **ret_plan)
{
	const struct service *service = intent->offering->service;
	const char *name = intent->request->plan;
	const struct plan *plan;
	struct text list;

	if (name == NULL || name[0] == '\0')
		name = fallback != NULL ? fallback : service->plans[0].name;
	plan = service_plan(service, name);
	if (plan == NULL) {
		text_init(&list, ERROR_TEXT_MAX);
		list_plans(service, &list);
		error_set(&intent->error, ERR_INVALID, "the service \"%s\" has no plan \"%s\"; it has: %s",
		          service->name, name, text_string(&list));
		text_release(&list);
		return ERR_INVALID;
	}
	*ret_plan = plan;
	return 0;
}

/* ---- limits ---- */

/* Takes a place, or refuses by ERR_FORBIDDEN when the limit (0: none) is reached; INTENT_AGAIN while requests under way
 * may make the difference. */
static enum intent_next take(struct intent *intent, enum counter counter, const struct instance *instance,
                             int64_t limit, const char *what)
{
	struct records *records = intent->requests->catalog->records;
	int64_t reserved;
	const int64_t used = reserve_count(records, counter, instance, &reserved);
	int rc;

	if (limit > 0 && used >= limit && used - reserved < limit)
		return INTENT_AGAIN;
	if (what == NULL)
		rc = error_no_memory(&intent->error);
	else if (limit > 0 && used >= limit)
		rc = error_set(&intent->error, ERR_FORBIDDEN, "%s: %lld of %lld instances are taken", what,
		               (long long)used, (long long)limit);
	else
		rc = reserve_take(records, &intent->arena, counter, instance, &intent->taken, &intent->error);
	return rc == 0 ? INTENT_COMMIT : INTENT_REFUSE;
}

enum intent_next accept_placed(struct intent *intent, const struct instance *instance, const struct host *host)
{
	if (host->server == NULL)
		return INTENT_COMMIT;
	return take(intent, COUNTER_SERVER, instance, host->server->capacity,
	            arena_format(&intent->arena, "the server \"%s\" is full", host->server->name));
}

/* What is exhausted, in words. */
static const char *exhausted(struct intent *intent, enum counter counter, const struct instance *instance)
{
	const char *team = instance->team != NULL ? instance->team : "";

	if (counter == COUNTER_TEAM)
		return arena_format(&intent->arena, "the team \"%s\" has all it may have of the service \"%s\"", team,
		                    instance->service);
	if (counter == COUNTER_PLAN)
		return arena_format(&intent->arena, "the plan \"%s\" of the service \"%s\" is exhausted",
		                    instance->wanted_plan, instance->service);
	return arena_format(&intent->arena, "the team \"%s\" has all it may have of the plan \"%s\"", team,
	                    instance->wanted_plan);
}

enum intent_next accept_owned(struct intent *intent, const struct instance *before, const struct instance *instance)
{
	const struct service *service = intent->offering->service;
	const struct plan *plan = service_plan(service, instance->wanted_plan);
	const bool same_team = before != NULL && same_text(before->team, instance->team);
	const bool same_plan = before != NULL && same_text(before->wanted_plan, instance->wanted_plan);
	const struct {
		int64_t limit;
		bool has; /* its place already */
	} limits[COUNTER_COUNT] = {
	    [COUNTER_TEAM] = {service->instances_per_team, same_team},
	    [COUNTER_PLAN] = {plan->instances, same_plan},
	    [COUNTER_PLAN_TEAM] = {plan->instances_per_team, same_team && same_plan},
	};
	enum intent_next next = INTENT_COMMIT;

	for (enum counter counter = COUNTER_TEAM; next == INTENT_COMMIT && counter < COUNTER_COUNT; counter++) {
		if (limits[counter].limit > 0 && !limits[counter].has)
			next = take(intent, counter, instance, limits[counter].limit,
			            exhausted(intent, counter, instance));
	}
	return next;
}

int accept_removal(struct intent *intent, const struct instance *instance)
{
	struct cJSON *parameters;
	bool protected = false;
	int rc = parameters_parse(instance->parameters, &parameters, &intent->error);

	if (rc != 0)
		return rc;
	rc = parameters_flag(parameters, PARAMETER_PROTECTION, &protected, &intent->error);
	cJSON_Delete(parameters);
	if (rc != 0 || !protected || same_event(intent->request->caller.event, instance->event))
		return rc;
	return error_set(&intent->error, ERR_FORBIDDEN,
	                 "the instance \"%s\" is protected from removal; update it with " PARAMETER_PROTECTION
	                 "=false, then remove it",
	                 instance->name);
}
