/* Reading, keeping and searching the catalog. Neighbour: catalog.c, which knows its form. */
#include "offers.h"

static void hold(struct osb_work *work)
{
	catalog_drop(work->catalog);
	work->catalog = catalog_hold(work->upstream->catalog);
}

static int take_catalog(struct upstream *upstream, const struct client_answer *answer, int64_t now, struct error *error)
{
	struct osb_catalog *catalog;
	int rc;

	if (answer->status != 200)
		return error_set(error, ERR_UNAVAILABLE, "it answered %d", answer->status);
	rc = catalog_parse(answer->body, upstream->service, &catalog, error);
	if (rc != 0)
		return rc;
	catalog_drop(upstream->catalog);
	upstream->catalog = catalog;
	upstream->catalog_at = upstream->answered_at = now;
	return 0;
}

/* A removal of what was never asked for, since the catalog never had it, or the request would have been sent. */
static bool was_never_made(const struct osb_work *work, int code)
{
	return code == ERR_REFUSED && work->call->kind == CALL_DEPROVISION && work->call->instance->plan == NULL &&
	       pending_find(&work->upstream->pendings, work->instance_id) == NULL;
}

static void fail_without(struct osb_work *work, const struct error *reason)
{
	if (was_never_made(work, reason->code))
		call_finish(work->call);
	else
		call_fail_because(work->call, reason);
}

static void on_catalog(void *arg, int code, const struct error *error, const struct client_answer *answer)
{
	struct osb_work *work = arg;
	struct error reason;

	work->exchange = NULL;
	work->upstream->answered_at = 0;
	if (code != 0) {
		call_fail_because(work->call, error);
		return;
	}
	if (take_catalog(work->upstream, answer, timers_now(work->call->backend->context->timers), &reason) != 0) {
		fail_without(work, &reason);
		return;
	}
	hold(work);
	work->on_done(work, NULL);
}

void offers_read(struct osb_work *work, osb_done *on_done)
{
	work->on_done = on_done;
	text_reset(&work->url);
	text_add(&work->url, "/v2/catalog");
	osb_send(work, verb_method(VERB_FETCH), on_catalog);
}

bool offers_hold(struct osb_work *work, int64_t ms)
{
	const struct upstream *upstream = work->upstream;

	if (upstream->catalog == NULL || timers_now(work->call->backend->context->timers) - upstream->catalog_at > ms)
		return false;
	hold(work);
	return true;
}

int offers_find(const struct osb_work *work, const char *plan_name, struct offer *ret_offer, struct error *error)
{
	const struct plan *plan = service_plan(work->call->backend->service, plan_name);
	const char *own = plan != NULL ? options_text(&plan->options, "upstream_plan") : NULL;

	return catalog_find(work->catalog, own != NULL ? own : plan_name, ret_offer, error);
}

/* The plan that the call is about. */
static const char *plan_of(const struct driver_call *call)
{
	if (call->plan != NULL)
		return call->plan->name;
	return call->instance->plan != NULL ? call->instance->plan : call->instance->wanted_plan;
}

static void find_offer(struct osb_work *work, const struct cJSON *answer)
{
	struct error error;

	(void)answer;
	if (offers_find(work, plan_of(work->call), &work->offer, &error) != 0)
		fail_without(work, &error);
	else
		call_next(work->call);
}

void osb_step_read_catalog(void *arg)
{
	struct osb_work *work = arg;
	struct error error;

	if (offers_hold(work, work->upstream->catalog_refresh) &&
	    offers_find(work, plan_of(work->call), &work->offer, &error) == 0)
		call_next(work->call);
	else
		offers_read(work, find_offer);
}
