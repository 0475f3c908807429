/* Looking without changing: check, observe, inspect. */
#include <cjson/cJSON.h>
#include <string.h>

#include "base/text.h"
#include "offers.h"
#include "work.h"

#define QUIET ((int64_t)30 * 1000) /* ms after an answer that need no other to know that the upstream is there */

/* ---- check ---- */

static int check_plans(const struct osb_work *work, struct error *error)
{
	const struct service *service = work->call->backend->service;
	struct offer offer;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < service->plan_count; i++)
		rc = offers_find(work, service->plans[i].name, &offer, error);
	return rc;
}

static void check_new_catalog(struct osb_work *work, const struct cJSON *answer)
{
	struct error error;

	(void)answer;
	if (check_plans(work, &error) != 0)
		call_fail_because(work->call, &error);
	else
		call_next(work->call);
}

/* A catalog may be long, and a check comes every few seconds. */
static bool is_quiet(const struct osb_work *work)
{
	const int64_t answered_at = work->upstream->answered_at;

	return answered_at > 0 && timers_now(work->call->backend->context->timers) - answered_at < QUIET;
}

static void step_check_plans(void *arg)
{
	struct osb_work *work = arg;
	struct error error;

	if (is_quiet(work) && offers_hold(work, work->upstream->catalog_refresh) && check_plans(work, &error) == 0)
		call_next(work->call);
	else
		offers_read(work, check_new_catalog);
}

const struct step osb_check_steps[] = {
    {"offer_its_catalog", step_check_plans},
    {NULL, NULL},
};

/* ---- observe ---- */

static void add_item(struct osb_work *work, const char *label, const char *value)
{
	if (value != NULL && value[0] != '\0' && text_is_clean(value, strlen(value)))
		call_result(work->call, label, value);
}

static void show_instance(struct osb_work *work, const struct cJSON *answer)
{
	if (answer == NULL) {
		call_fail(work->call, ERR_NOT_FOUND, "it does not know the instance");
		return;
	}
	add_item(work, "Dashboard", cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(answer, "dashboard_url")));
	call_next(work->call);
}

static void step_find_instance(void *arg)
{
	struct osb_work *work = arg;

	add_item(work, "Upstream plan", work->offer.plan_name);
	add_item(work, "Upstream id", work->instance_id);
	if (!work->offer.instances_retrievable) {
		call_next(work->call);
		return;
	}
	osb_choose(work, NULL, 0);
	osb_find(work, show_instance);
}

const struct step osb_observe_steps[] = {
    {"read_its_catalog", osb_step_read_catalog},
    {"find_the_instance", step_find_instance},
    {NULL, NULL},
};

/* ---- inspect ---- */

static void compare_instance(struct osb_work *work, const struct cJSON *answer)
{
	const char *plan_id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(answer, "plan_id"));

	if (answer == NULL) {
		call_result(work->call, DRIFT_LOST, "the upstream broker does not know the instance");
		call_finish(work->call);
		return;
	}
	if (plan_id != NULL && strcmp(plan_id, work->offer.plan_id) != 0)
		call_result(work->call, DRIFT_INSTANCE, "the instance has another plan at the upstream broker");
	call_next(work->call);
}

static void step_compare_instance(void *arg)
{
	struct osb_work *work = arg;

	if (!work->offer.instances_retrievable) {
		call_next(work->call);
		return;
	}
	osb_choose(work, NULL, 0);
	osb_find(work, compare_instance);
}

static void compare_next_binding(struct osb_work *work);

static void compare_binding(struct osb_work *work, const struct cJSON *answer)
{
	if (answer == NULL)
		call_result(work->call, DRIFT_BIND, work->call->binds[work->bind_index].login);
	work->bind_index++;
	compare_next_binding(work);
}

static void compare_next_binding(struct osb_work *work)
{
	const struct driver_call *call = work->call;

	if (work->bind_index == call->bind_count) {
		call_next(work->call);
		return;
	}
	osb_choose(work, &call->binds[work->bind_index], call->binds[work->bind_index].version);
	osb_find(work, compare_binding);
}

static void step_compare_bindings(void *arg)
{
	struct osb_work *work = arg;

	if (work->offer.bindings_retrievable)
		compare_next_binding(work);
	else
		call_next(work->call);
}

const struct step osb_inspect_steps[] = {
    {"read_its_catalog", osb_step_read_catalog},
    {"find_the_instance", step_compare_instance},
    {"find_the_bindings", step_compare_bindings},
    {NULL, NULL},
};
