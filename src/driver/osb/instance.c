/* Instances: provision, update, deprovision. An orphan of an earlier attempt goes before its id is used again. */
#include <string.h>

#include "bindings.h"
#include "offers.h"
#include "work.h"

static void step_remove_orphan(void *arg)
{
	struct osb_work *work = arg;

	osb_choose(work, NULL, 0);
	if (osb_is_orphan(work))
		osb_ask(work, VERB_REMOVE, osb_go_on);
	else
		call_next(work->call);
}

static void step_create_instance(void *arg)
{
	struct osb_work *work = arg;
	struct error error;

	if (osb_write_instance(work->call, &work->offer, &work->body, &error) != 0)
		call_fail_because(work->call, &error);
	else
		osb_ask(work, VERB_MAKE, osb_go_on);
}

const struct step osb_provision_steps[] = {
    {"read_its_catalog", osb_step_read_catalog},
    {"remove_an_orphan", step_remove_orphan},
    {"create_the_instance", step_create_instance},
    {NULL, NULL},
};

/* ---- update ---- */

static bool changes_plan(const struct osb_work *work)
{
	return strcmp(work->offer.plan_id, work->previous.plan_id) != 0;
}

static void step_find_previous_plan(void *arg)
{
	struct osb_work *work = arg;
	const struct instance *instance = work->call->instance;
	struct error error;

	if (offers_find(work, instance->plan != NULL ? instance->plan : instance->wanted_plan, &work->previous,
	                &error) != 0)
		call_fail_because(work->call, &error);
	else if (changes_plan(work) && !work->previous.updateable)
		call_fail(work->call, ERR_REFUSED, "its instances of the plan \"%s\" cannot change to another",
		          work->previous.plan_name);
	else
		call_next(work->call);
}

static void step_update_instance(void *arg)
{
	struct osb_work *work = arg;
	struct error error;

	work->polled = &work->previous;
	osb_choose(work, NULL, 0);
	if (osb_write_update(work->call, &work->offer, &work->previous, &work->body, &error) != 0)
		call_fail_because(work->call, &error);
	else
		osb_ask(work, VERB_CHANGE, osb_go_on);
}

const struct step osb_update_steps[] = {
    {"read_its_catalog", osb_step_read_catalog},
    {"find_the_previous_plan", step_find_previous_plan},
    {"update_the_instance", step_update_instance},
    {NULL, NULL},
};

/* ---- deprovision ---- */

static void step_remove_instance(void *arg)
{
	struct osb_work *work = arg;

	osb_choose(work, NULL, 0);
	osb_ask(work, VERB_REMOVE, osb_go_on);
}

const struct step osb_deprovision_steps[] = {
    {"read_its_catalog", osb_step_read_catalog},
    {"remove_the_bindings", osb_step_remove_bindings},
    {"remove_the_instance", step_remove_instance},
    {NULL, NULL},
};
