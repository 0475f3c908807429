/* Promises of removals: what the first one says, and what earlier programs left to be told. */
#include "life/promise.h"

#include <string.h>

#define KEPT_UNKNOWN ((int64_t)24 * 3600 * 1000) /* ms; where the plan that would say it is gone */

int64_t promise_kept(const struct instance *instance)
{
	return instance->removal == REMOVAL_RETIRE ? instance->retain : 0;
}

/* tsuru takes its own create back: nobody can have put anything into it. */
static bool is_undone_create(const struct instance *instance, const char *event)
{
	return same_event(event, instance->event) && !instance->was_bound && !instance->older;
}

/* By a plan's name, whose plan may be gone: then something is kept rather than nothing. */
static int64_t kept_by_plan(const struct offering *offering, const char *name)
{
	const struct driver *driver;
	const struct plan *plan;

	if (offering == NULL)
		return KEPT_UNKNOWN;
	driver = offering->backend->driver;
	plan = service_plan(offering->service, name);
	if (plan != NULL)
		return plan->retain;
	return driver->retain > 0 ? driver->retain : driver->retires ? KEPT_UNKNOWN : 0;
}

/* Both of the plan that it has and of the one that was asked for and accepted: the longer holds. */
static int64_t kept_by_plans(const struct offering *offering, const struct instance *instance)
{
	const int64_t now = kept_by_plan(offering, instance->plan);
	const int64_t wanted =
	    same_text(instance->plan, instance->wanted_plan) ? now : kept_by_plan(offering, instance->wanted_plan);

	return now > wanted ? now : wanted;
}

/* An earlier program wrote the promise into the operation alone, and none into the next one when it had failed. */
static int kept_by_history(struct life *life, struct arena *arena, const struct instance *instance, int64_t *ret_retain,
                           struct error *error)
{
	struct held_operation *operations = NULL;
	size_t count = 0;
	int rc = 0;

	*ret_retain = 0;
	if (instance->state == INSTANCE_REMOVING || instance->state == INSTANCE_REMOVAL_FAILED)
		rc = records_read_operations(life->catalog->records, arena, instance->incarnation, &operations, &count,
		                             error);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		if (operations[i].record.kind == OPERATION_REMOVE && operations[i].record.retain > *ret_retain)
			*ret_retain = operations[i].record.retain;
	}
	return rc;
}

int promise_settle(struct life *life, struct arena *arena, struct instance *instance, const char *event,
                   struct error *error)
{
	int64_t retain = 0;
	int rc;

	if (instance->removal != 0)
		return 0;
	rc = kept_by_history(life, arena, instance, &retain, error);
	if (rc != 0)
		return rc;
	/* Only a success sets the plan: without it there never was anything to keep. */
	if (retain == 0 && instance->plan != NULL && !is_undone_create(instance, event))
		retain = kept_by_plans(catalog_offering(life->catalog, instance->service), instance);
	instance->removal = retain > 0 ? REMOVAL_RETIRE : REMOVAL_DROP;
	instance->retain = retain;
	return 0;
}

int promise_of(struct life *life, struct arena *arena, const struct instance *instance,
               const struct operation *operation, int64_t *ret_retain, struct error *error)
{
	struct instance settled = *instance;
	int rc;

	*ret_retain = operation->retain;
	/* What is locked away already has had its time, or an operator does not want to wait for it. */
	if (operation->retain > 0 || instance->retained_until > 0)
		return 0;
	rc = promise_settle(life, arena, &settled, operation->event, error);
	*ret_retain = promise_kept(&settled);
	return rc;
}

void promise_clear(struct instance *instance)
{
	instance->removal = 0;
	instance->retain = 0;
	instance->retained_until = 0;
	instance->older = true;
}
