/* Checks before anything is promised: plans and parameters. */
#include "requests/accept.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "life/environment.h"
#include "model/parameters.h"
#include "queue/queue.h"

#define NAMES_MAX 64 /* parameters that a driver may know */

int accept_living(const struct instance *instance, struct error *error)
{
	if (instance->state == INSTANCE_REMOVING)
		return error_set(error, ERR_NOT_FOUND, "the instance \"%s\" is being removed", instance->name);
	if (instance->state == INSTANCE_REMOVAL_FAILED)
		return error_set(
		    error, ERR_REFUSED,
		    "the removal of the instance \"%s\" failed or was canceled: %s; remove it again, or have "
		    "an operator bring it back by ctl undelete",
		    instance->name, instance->failure != NULL ? instance->failure : "no reason is known");
	if (instance->state == INSTANCE_FAILED)
		return error_set(error, ERR_REFUSED,
		                 "the instance \"%s\" could not be created: %s; remove it and create it again",
		                 instance->name, instance->failure != NULL ? instance->failure : "no reason is known");
	return 0;
}

int accept_work(const struct intent *intent, const struct instance *instance, struct error *error)
{
	const int64_t most = catalog_config(intent->requests->catalog)->limits.pending;

	if ((int64_t)queue_count(intent->requests->queue, instance->incarnation) < most)
		return 0;
	return error_set(
	    error, ERR_BUSY,
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

int accept_plan(const struct intent *intent, const char *fallback, const struct plan **ret_plan, struct error *error)
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
		error_set(error, ERR_INVALID, "the service \"%s\" has no plan \"%s\"; it has: %s", service->name, name,
		          text_string(&list));
		text_release(&list);
		return ERR_INVALID;
	}
	*ret_plan = plan;
	return 0;
}

/* Besides the driver's own there is one that every driver has: env_prefix on binds, deletion_protection on instances.
 */
static int check_names(const struct driver *driver, const struct cJSON *parameters, bool is_bind, struct error *error)
{
	const char *allowed[NAMES_MAX + 2] = {NULL};
	const char *const *own = is_bind ? driver->bind_parameters : driver->instance_parameters;
	size_t count = 0;

	if (own == NULL)
		return 0;
	allowed[count++] = is_bind ? ENVIRONMENT_PREFIX : ACCEPT_PROTECTION;
	while (*own != NULL && count <= NAMES_MAX)
		allowed[count++] = *own++;
	return parameters_check_names(parameters, allowed, error);
}

int accept_parameters(const struct intent *intent, const struct plan *plan, bool is_bind, struct error *error)
{
	const struct backend *backend = intent->offering->backend;
	struct cJSON *parameters;
	int rc;

	if (intent->request->parameters != NULL && strlen(intent->request->parameters) > PARAMETERS_MAX)
		return error_set(error, ERR_TOO_LARGE, "the parameters are over %d bytes", PARAMETERS_MAX);
	rc = parameters_parse(intent->request->parameters, &parameters, error);
	if (rc != 0)
		return rc;
	rc = check_names(backend->driver, parameters, is_bind, error);
	if (rc == 0)
		rc = is_bind ? environment_check_prefix(parameters, error)
		             : parameters_flag(parameters, ACCEPT_PROTECTION, &(bool){false}, error);
	if (rc == 0)
		rc = backend->driver->validate(backend->state, plan, parameters, is_bind, error);
	cJSON_Delete(parameters);
	return rc;
}

/* ---- limits ---- */

/* Takes a place. ERR_FORBIDDEN when the limit (0: none) is reached; sets ret_next to INTENT_AGAIN instead, and returns
 * ERR_BUSY, while requests under way may make the difference. */
static int take(struct intent *intent, enum counter counter, const struct instance *instance, int64_t limit,
                const char *what, enum intent_next *ret_next, struct error *error)
{
	struct records *records = intent->requests->records;
	int64_t reserved;
	const int64_t used = reserve_count(records, counter, instance, &reserved);

	if (what == NULL)
		return error_no_memory(error);
	if (limit == 0 || used < limit)
		return reserve_take(records, &intent->arena, counter, instance, &intent->taken, error);
	if (used - reserved >= limit)
		return error_set(error, ERR_FORBIDDEN, "%s: %lld of %lld instances are taken", what, (long long)used,
		                 (long long)limit);
	*ret_next = INTENT_AGAIN;
	return ERR_BUSY;
}

int accept_placed(struct intent *intent, const struct instance *instance, const struct host *host,
                  enum intent_next *ret_next, struct error *error)
{
	if (host->server == NULL)
		return 0;
	return take(intent, COUNTER_SERVER, instance, host->server->capacity,
	            arena_format(&intent->arena, "the server \"%s\" is full", host->server->name), ret_next, error);
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

int accept_owned(struct intent *intent, const struct instance *before, const struct instance *instance,
                 enum intent_next *ret_next, struct error *error)
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
	int rc = 0;

	for (enum counter counter = COUNTER_TEAM; rc == 0 && counter < COUNTER_COUNT; counter++) {
		if (limits[counter].limit > 0 && !limits[counter].has)
			rc = take(intent, counter, instance, limits[counter].limit,
			          exhausted(intent, counter, instance), ret_next, error);
	}
	return rc;
}

int accept_removal(const struct intent *intent, const struct instance *instance, struct error *error)
{
	struct cJSON *parameters;
	bool protected = false;
	int rc = parameters_parse(instance->parameters, &parameters, error);

	if (rc != 0)
		return rc;
	rc = parameters_flag(parameters, ACCEPT_PROTECTION, &protected, error);
	cJSON_Delete(parameters);
	if (rc != 0 || !protected || same_event(intent->request->caller.event, instance->event))
		return rc;
	return error_set(error, ERR_FORBIDDEN,
	                 "the instance \"%s\" is protected from removal; update it with " ACCEPT_PROTECTION
	                 "=false, then remove it",
	                 instance->name);
}
