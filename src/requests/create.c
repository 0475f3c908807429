/* POST /resources: a new instance, or the taking over of one that tsuru has forgotten (sequences S1 and S9). */
#include "requests/create.h"

#include <stdio.h>
#include <string.h>

#include "catalog/host.h"
#include "queue/queue.h"
#include "requests/accept.h"
#include "requests/bind.h"
#include "requests/removal.h"

/* The time first, so that new records stand together in the store and a commit of many writes few pages; what is left
 * to chance is small, but the store refuses an incarnation that is taken, and then the request is decided again. */
static void make_incarnation(struct timers *timers, char *ret_incarnation)
{
	const unsigned long long wall = (unsigned long long)timers_wall(timers) & 0xfffffffffff;

	snprintf(ret_incarnation, INCARNATION_LENGTH + 1, "%011llx%05x", wall, (unsigned)secret_random_below(1U << 20));
}

int create_make_instance(struct intent *intent, const struct plan *plan, const struct host *host,
                         struct instance *ret_instance)
{
	const struct broker_request *request = intent->request;
	const struct service *service = intent->offering->service;
	const struct driver *driver = intent->offering->backend->driver;
	const struct name_rule rule = {.max = driver->instance_name_max, .reserved = driver->reserved_names};
	char *incarnation = arena_alloc(&intent->arena, INCARNATION_LENGTH + 1);
	char *resource = arena_alloc(&intent->arena, BACKEND_NAME_MAX + 1);
	int64_t wall = timers_wall(intent->requests->catalog->timers);

	if (arena_failed(&intent->arena))
		return error_no_memory(&intent->error);
	make_incarnation(intent->requests->catalog->timers, incarnation);
	name_instance(resource, &rule, service->name, request->instance, incarnation);
	*ret_instance = (struct instance){
	    .incarnation = incarnation,
	    .service = service->name,
	    .name = request->instance,
	    .team = request->team,
	    .user = request->caller.user,
	    .description = request->description,
	    .wanted_plan = plan->name,
	    .parameters = request->parameters,
	    .tags = request->tags,
	    .server = host->server != NULL ? host->server->name : NULL,
	    .cluster = request->cluster,
	    .pool = request->pool,
	    .resource = resource,
	    .event = request->caller.event,
	    .made_by = request->caller.repeat,
	    .state = INSTANCE_CREATING,
	    .created_at = wall,
	    .updated_at = wall,
	};
	return 0;
}

void create_put_instance(struct intent *intent, const struct instance *instance, uint64_t name_base)
{
	changes_put_instance(&intent->changes, KEYSPACE_NAMES, instance, name_base);
	changes_put_instance(&intent->changes, KEYSPACE_INSTANCES, instance, REVISION_ABSENT);
	changes_count_placed(&intent->changes, instance, 1);
	changes_count_owned(&intent->changes, instance, 1);
}

/* Where there is no server, there is nothing to wait for: the instance is ready in the commit that accepts it. */
static int add_create(struct intent *intent, struct instance *instance)
{
	const struct operation create = {.kind = OPERATION_CREATE};
	int rc;

	if (!intent->offering->backend->driver->instant)
		return intent_add_operation(intent, instance, &create, NULL);
	rc = instance_move(instance, INSTANCE_READY, &intent->error);
	instance->plan = instance->wanted_plan;
	return rc != 0 ? rc : intent_add_ended(intent, instance, create.kind);
}

static enum intent_next decide_new(struct intent *intent, const struct plan *plan, uint64_t name_base)
{
	const struct broker_request *request = intent->request;
	struct instance instance;
	struct host *host = NULL;
	enum intent_next next;

	if (host_choose(intent->offering, request->cluster, request->pool, &host, &intent->error) != 0 ||
	    create_make_instance(intent, plan, host, &instance) != 0)
		return INTENT_REFUSE;
	next = accept_placed(intent, &instance, host);
	if (next == INTENT_COMMIT)
		next = accept_owned(intent, NULL, &instance);
	if (next == INTENT_COMMIT && add_create(intent, &instance) != 0)
		next = INTENT_REFUSE;
	if (next == INTENT_COMMIT)
		create_put_instance(intent, &instance, name_base);
	return next;
}

static bool wants_the_same(const struct instance *instance, const struct plan *plan, const char *parameters)
{
	return same_text(instance->wanted_plan, plan->name) && same_text(instance->parameters, parameters);
}

/* What will make the instance that is being created ready. */
static enum operation_kind under_way(const struct intent *intent, const struct instance *instance)
{
	struct queue *queue = intent->requests->queue;

	if (queue_has(queue, instance->incarnation, 1U << OPERATION_UPDATE))
		return OPERATION_UPDATE;
	return queue_has(queue, instance->incarnation, 1U << OPERATION_ADOPT) ? OPERATION_ADOPT : OPERATION_CREATE;
}

/* Whether the event, or this very request, was met before, as far as the instance's history goes back: then this is a
 * second copy of a create whose asker has its answer by now, or gave up and asked anew. */
static int look_for_event(struct intent *intent, const struct instance *instance, bool *ret_met)
{
	const char *event = intent->request->caller.event;
	struct held_operation *operations = NULL;
	size_t count = 0;
	int rc = records_read_operations(intent->requests->catalog->records, &intent->arena, instance->incarnation,
	                                 &operations, &count, &intent->error);

	*ret_met = same_event(event, instance->event) || same_event(intent->request->caller.repeat, instance->made_by);
	for (size_t i = 0; rc == 0 && i < count; i++)
		*ret_met = *ret_met || same_event(event, operations[i].record.event);
	return rc;
}

/* Where one tsuru alone uses the service, its create says that it has no row of the instance, so that nobody has a bind
 * of it; a second copy of one says nothing. */
static bool binds_are_orphans(const struct intent *intent, bool met)
{
	return intent->offering->service->single_tsuru && !met;
}

/* Nobody takes the end back, also not one that is under way already. */
static int end_orphan(struct intent *intent, const struct instance *instance, struct held_bind *held)
{
	const bool ends =
	    held->record.state == BIND_UNBINDING && !bind_is_left(intent->requests->catalog->records, &held->record);

	held->record.unbind_event = NULL;
	if (!ends)
		return bind_end(intent, instance, held);
	changes_put_bind(&intent->changes, KEYSPACE_BINDS, &held->record, held->revision);
	return 0;
}

/* Nor one that was over before. */
static int forget_unbound(struct intent *intent, const struct instance *instance)
{
	struct held_bind *unbound = NULL;
	size_t count = 0;
	int rc = records_read_unbound(intent->requests->catalog->records, &intent->arena, instance->incarnation,
	                              &unbound, &count, &intent->error);

	for (size_t i = 0; rc == 0 && i < count; i++)
		changes_delete_bind(&intent->changes, KEYSPACE_UNBOUND, &unbound[i].record, REVISION_ANY);
	return rc;
}

/* *ret_any: there are binds that have not ended. */
static int end_binds(struct intent *intent, struct instance *instance, bool *ret_any)
{
	struct records *records = intent->requests->catalog->records;
	struct held_bind *binds = NULL;
	size_t count = 0;
	int rc = records_read_binds(records, &intent->arena, instance->incarnation, &binds, &count, &intent->error);

	instance->was_bound = false;
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = end_orphan(intent, instance, &binds[i]);
	*ret_any = count > 0;
	return rc != 0 ? rc : forget_unbound(intent, instance);
}

/* What is asked for now. */
static void take_wishes(const struct intent *intent, struct instance *instance, const struct plan *plan)
{
	const struct broker_request *request = intent->request;

	instance->wanted_plan = plan->name;
	instance->parameters = request->parameters;
	instance->description = request->description;
	instance->tags = request->tags;
	instance->event = request->caller.event;
	instance->made_by = request->caller.repeat;
	instance->refusal = NULL;
	instance->older = instance->older || instance->plan != NULL;
	instance->updated_at = timers_wall(intent->requests->catalog->timers);
}

/* From now on it is this event's instance: by it tsuru takes its create back. And it is this request's, so that a copy
 * of it finds it. */
static enum intent_next join_create(struct intent *intent, struct held_instance *held, bool met)
{
	const struct caller *caller = &intent->request->caller;
	struct instance *instance = &held->record;
	const bool known = met || caller->event == NULL || caller->event[0] == '\0';

	if (known && (caller->repeat == NULL || same_text(caller->repeat, instance->made_by)))
		return intent_join(intent, instance->incarnation, NULL, under_way(intent, instance));
	instance->event = known ? instance->event : caller->event;
	instance->made_by = caller->repeat;
	instance->older = instance->older || instance->plan != NULL;
	changes_put_instance(&intent->changes, KEYSPACE_INSTANCES, instance, held->revision);
	return INTENT_COMMIT_AGAIN;
}

/* tsuru has no row of it, or it would not ask: its create was not answered in time, or tsuru forgot it. The asker gets
 * what it asks for now, and is answered after the ends of the binds that are nobody's. */
static enum intent_next decide_takeover(struct intent *intent, struct held_instance *held, const struct plan *plan,
                                        bool met)
{
	const struct operation update = {.kind = OPERATION_UPDATE};
	struct instance *instance = &held->record;
	const struct instance before = *instance;
	const bool same = wants_the_same(instance, plan, intent->request->parameters);
	const bool reached = same_text(instance->plan, plan->name) && !instance->update_failed;
	enum intent_next next;
	bool ends = false;

	if (binds_are_orphans(intent, met) && end_binds(intent, instance, &ends) != 0)
		return INTENT_REFUSE;
	if (same && !ends && instance->state == INSTANCE_CREATING)
		return join_create(intent, held, met);
	take_wishes(intent, instance, plan);
	next = accept_owned(intent, &before, instance);
	if (next != INTENT_COMMIT)
		return next;
	if (accept_work(intent, instance) != 0)
		return INTENT_REFUSE;
	if ((!same || !reached || ends) && intent_add_operation(intent, instance, &update, NULL) != 0)
		return INTENT_REFUSE;
	changes_count_owned(&intent->changes, &before, -1);
	changes_count_owned(&intent->changes, instance, 1);
	changes_put_instance(&intent->changes, KEYSPACE_INSTANCES, instance, held->revision);
	return INTENT_COMMIT;
}

static int check_request(struct intent *intent, const struct plan **ret_plan)
{
	const struct broker_request *request = intent->request;
	int rc = instance_check_name(request->instance, &intent->error);

	if (rc == 0)
		rc = accept_plan(intent, NULL, ret_plan);
	if (rc == 0)
		rc = accept_parameters(intent, *ret_plan, false);
	if (rc == 0 && request->cluster == NULL && request->pool == NULL)
		rc = service_check_place(intent->offering->service, NULL, NULL, &intent->error);
	return rc;
}

/* The reason comes first, and then what can be done. */
static void refuse_taken(struct intent *intent, const struct instance *instance)
{
	if (!same_text(instance->team, intent->request->team))
		error_set(&intent->error, ERR_EXISTS,
		          "taken by another team: the instance \"%s\" of the service \"%s\"; choose another name",
		          instance->name, instance->service);
	else
		error_set(
		    &intent->error, ERR_EXISTS,
		    "in use already: your team has the instance \"%s\" of the service \"%s\", and apps or jobs were "
		    "bound to it; choose another name, or, where tsuru does not list it, ask the broker's operators",
		    instance->name, instance->service);
}

static enum intent_next decide_create(struct intent *intent)
{
	const struct broker_request *request = intent->request;
	const struct plan *plan = NULL;
	struct held_instance held;
	uint64_t name_revision = REVISION_ABSENT;
	bool met;
	int rc = check_request(intent, &plan);

	if (rc != 0)
		return INTENT_REFUSE;
	rc = records_find_instance(intent->requests->catalog->records, &intent->arena, request->service->name,
	                           request->instance, &held, &name_revision, &intent->error);
	if (rc == ERR_NOT_FOUND)
		return decide_new(intent, plan, REVISION_ABSENT);
	/* A failed instance makes way; what it may have left on its server is removed by an operation of its own. */
	if (rc != 0 || (held.record.state == INSTANCE_FAILED && removal_repeat(intent, &held) != INTENT_COMMIT))
		return INTENT_REFUSE;
	if (held.record.state == INSTANCE_REMOVING || held.record.state == INSTANCE_REMOVAL_FAILED) {
		/* From now on a copy of what made or removed it finds another one under the name. */
		changes_put_tombstone(&intent->changes, &held.record, timers_wall(intent->requests->catalog->timers));
		return decide_new(intent, plan, name_revision);
	}
	if (same_text(held.record.team, request->team)) {
		if (look_for_event(intent, &held.record, &met) != 0)
			return INTENT_REFUSE;
		if (!held.record.was_bound || binds_are_orphans(intent, met))
			return decide_takeover(intent, &held, plan, met);
	}
	refuse_taken(intent, &held.record);
	return INTENT_REFUSE;
}

const struct asked ask_create = {decide_create, 0};
