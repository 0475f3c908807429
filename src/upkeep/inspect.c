/* Inspections: begun one by one, their findings kept, what can be mended given to the queue. */
#include "upkeep/inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "life/seal.h"
#include "queue/queue.h"
#include "records/lingering.h"
#include "records/show.h"
#include "upkeep/errand.h"

#define JSON_MAX        (16 << 20) /* bytes of what was found of one instance */
#define INSPECT_TIMEOUT 20000      /* ms */
#define MEND_USER       "drift"    /* who asks, in the history and the audit */

struct inspection {
	TAILQ_ENTRY(inspection) in_upkeep;
	struct upkeep *upkeep;
	struct generation *generation;
	struct arena arena;
	struct held_instance instance;
	struct held_bind *binds; /* all of them */
	size_t bind_count;
	struct driver_call call;
	inspect_done *on_done;
	void *arg;
};

static void free_inspection(struct inspection *inspection)
{
	TAILQ_REMOVE(&inspection->upkeep->inspections, inspection, in_upkeep);
	inspection->upkeep->inspecting--;
	call_cancel(&inspection->call);
	call_release(&inspection->call);
	generation_drop(inspection->generation);
	arena_wipe(&inspection->arena);
	free(inspection);
}

/* ---- findings ---- */

static struct finding *find(const struct upkeep *upkeep, const char *incarnation)
{
	struct finding *finding = NULL;

	HASH_FIND_STR(upkeep->findings, incarnation, finding);
	return finding;
}

const struct finding *inspect_finding(const struct upkeep *upkeep, const char *incarnation)
{
	return find(upkeep, incarnation);
}

void inspect_forget(struct upkeep *upkeep, const char *incarnation)
{
	struct finding *finding = find(upkeep, incarnation);

	if (finding == NULL)
		return;
	HASH_DEL(upkeep->findings, finding);
	arena_release(&finding->arena);
	free(finding);
}

static struct finding *make_finding(const struct inspection *inspection)
{
	const struct instance *instance = &inspection->instance.record;
	const struct driver_call *call = &inspection->call;
	struct finding *finding = calloc(1, sizeof(*finding));

	if (finding == NULL)
		return NULL;
	arena_init(&finding->arena);
	strcpy(finding->incarnation, instance->incarnation);
	snprintf(finding->service, sizeof(finding->service), "%s", instance->service);
	snprintf(finding->server, sizeof(finding->server), "%s", instance->server != NULL ? instance->server : "");
	finding->instance = arena_text(&finding->arena, instance->name);
	finding->found_at = timers_wall(inspection->upkeep->catalog->timers);
	finding->drifts = arena_alloc(&finding->arena, (call->result_count + 1) * sizeof(*finding->drifts));
	for (size_t i = 0; finding->drifts != NULL && i < call->result_count; i++) {
		finding->drifts[i].name = arena_text(&finding->arena, call->results[i].name);
		finding->drifts[i].value = arena_text(&finding->arena, call->results[i].value);
	}
	finding->count = call->result_count;
	if (!arena_failed(&finding->arena))
		return finding;
	arena_release(&finding->arena);
	free(finding);
	return NULL;
}

/* The first that was found makes room when there are too many. */
static void keep_finding(const struct inspection *inspection)
{
	struct upkeep *upkeep = inspection->upkeep;
	struct finding *finding;

	inspect_forget(upkeep, inspection->instance.record.incarnation);
	if (inspection->call.result_count == 0)
		return;
	upkeep->differing++;
	if (HASH_COUNT(upkeep->findings) >= FINDINGS_MAX)
		inspect_forget(upkeep, upkeep->findings->incarnation);
	finding = make_finding(inspection);
	if (finding == NULL)
		return;
	HASH_ADD_STR(upkeep->findings, incarnation, finding);
	if (finding->hh.tbl != NULL)
		return;
	arena_release(&finding->arena);
	free(finding);
}

/* ---- mending ---- */

static void log_drift(const struct inspection *inspection, const struct pair *drift)
{
	const struct instance *instance = &inspection->instance.record;
	struct log_line line;

	log_begin(&line, inspection->upkeep->life->log, LOG_WARNING, "drift");
	log_text(&line, "service", instance->service);
	log_text(&line, "instance", instance->name);
	log_text(&line, "server", instance->server);
	log_text(&line, "kind", drift->name);
	log_text(&line, "found", drift->value);
	log_text(&line, "action",
	         strcmp(drift->name, DRIFT_LOST) == 0 || strcmp(drift->name, DRIFT_TOLD) == 0 ? "none" : "mend");
	log_end(&line);
}

static const struct bind *bind_of(const struct driver_call *call, const char *login)
{
	for (size_t i = 0; i < call->bind_count; i++) {
		if (strcmp(call->binds[i].login, login) == 0)
			return &call->binds[i];
	}
	return NULL;
}

static void mend(struct inspection *inspection, const struct pair *drift, bool *mended_instance)
{
	struct upkeep *upkeep = inspection->upkeep;
	const struct instance *instance = &inspection->instance.record;
	const struct bind *bind;

	log_drift(inspection, drift);
	metric_add(upkeep->life->measures->of[MEASURE_DRIFTS], 1, (const char *[]){instance->service, drift->name});
	if (strcmp(drift->name, DRIFT_INSTANCE) == 0 && !*mended_instance) {
		errand_run(upkeep, &ask_mend, instance, MEND_USER, NULL);
		*mended_instance = true;
	} else if (strcmp(drift->name, DRIFT_BIND) == 0) {
		bind = bind_of(&inspection->call, drift->value);
		if (bind != NULL)
			errand_run(upkeep, &ask_mend, instance, MEND_USER, bind);
	}
}

/* What is lost is a person's matter: an empty one in its place would hide the loss. */
static void mend_all(struct inspection *inspection)
{
	const struct driver_call *call = &inspection->call;
	bool mended_instance = false;

	for (size_t i = 0; i < call->result_count; i++) {
		if (strcmp(call->results[i].name, DRIFT_LOST) == 0) {
			log_drift(inspection, &call->results[i]);
			return;
		}
	}
	for (size_t i = 0; i < call->result_count; i++)
		mend(inspection, &call->results[i], &mended_instance);
}

/* ---- inspections ---- */

/* Where work was under way meanwhile, what was found may be of a moment in its middle: whoever asked looks again. */
static void tell(const struct inspection *inspection, bool settled, int code, const struct error *error)
{
	struct text json;

	if (inspection->on_done == NULL)
		return;
	text_init(&json, JSON_MAX);
	text_add(&json, "{");
	show_text(&json, "id", inspection->instance.record.incarnation);
	show_name(&json, "drift");
	text_add(&json, "[");
	for (size_t i = 0; i < inspection->call.result_count; i++)
		show_drift(&json, &inspection->call.results[i]);
	text_add(&json, "]");
	show_flag(&json, "unsettled", !settled);
	text_add(&json, "}");
	inspection->on_done(inspection->arg, json.failed ? ERR_NO_MEMORY : code,
	                    json.failed ? "the broker is out of memory" : error->text, text_string(&json));
	text_release(&json);
}

static bool are_binds_unchanged(const struct inspection *inspection, struct arena *arena)
{
	struct held_bind *now = NULL;
	size_t count = 0;

	if (records_read_binds(inspection->upkeep->catalog->records, arena, inspection->instance.record.incarnation,
	                       &now, &count, NULL) != 0 ||
	    count != inspection->bind_count)
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct held_bind *then = &inspection->binds[i];

		if (now[i].revision != then->revision || strcmp(now[i].record.login, then->record.login) != 0)
			return false;
	}
	return true;
}

/* What changed meanwhile is looked at another time. */
static bool is_unchanged(const struct inspection *inspection)
{
	const char *incarnation = inspection->instance.record.incarnation;
	struct held_instance now;
	struct arena arena;
	bool same;

	arena_init(&arena);
	same = records_read_instance(inspection->upkeep->catalog->records, &arena, incarnation, &now, NULL) == 0 &&
	       now.revision == inspection->instance.revision && are_binds_unchanged(inspection, &arena) &&
	       !queue_has(inspection->upkeep->queue, incarnation, ~0U);
	arena_release(&arena);
	return same;
}

static void on_inspected(struct driver_call *call, int code, const struct error *error)
{
	struct inspection *inspection = call->arg;
	const bool settled = is_unchanged(inspection);

	if (code == 0 && settled) {
		keep_finding(inspection);
		mend_all(inspection);
	}
	if (code == 0 && lingering_of(inspection->upkeep->catalog->records, &inspection->instance.record) > 0)
		errand_run(inspection->upkeep, &ask_end_logins, &inspection->instance.record, MEND_USER, NULL);
	tell(inspection, settled, code, error);
	free_inspection(inspection);
}

static int fill(struct inspection *inspection, const char *incarnation, struct error *error)
{
	struct upkeep *upkeep = inspection->upkeep;
	struct instance *instance = &inspection->instance.record;
	struct offering *offering = NULL;
	struct host *host = NULL;
	int rc = records_read_instance(upkeep->catalog->records, &inspection->arena, incarnation, &inspection->instance,
	                               error);

	if (rc == ERR_NOT_FOUND)
		return error_set(error, rc, "there is no instance \"%.100s\"", incarnation);
	if (rc != 0)
		return rc;
	if (instance->state != INSTANCE_READY || instance->plan == NULL)
		return error_set(error, ERR_INVALID, "the instance \"%s\" is %s; only a ready one is verified",
		                 instance->name, instance_state_name(instance->state));
	offering = catalog_offering(upkeep->catalog, instance->service);
	host = offering != NULL ? offering_host(offering, instance->server) : NULL;
	if (host == NULL || service_plan(offering->service, instance->plan) == NULL)
		return error_set(error, ERR_INVALID,
		                 "the server or the plan of the instance \"%s\" is not in the configuration",
		                 instance->name);
	if (host->fence != FENCE_OPEN)
		return error_set(error, ERR_UNAVAILABLE, "%s",
		                 host->reason[0] != '\0' ? host->reason : "the server has not been looked at yet");
	host_prepare_call(host, &inspection->call, CALL_INSPECT, INSPECT_TIMEOUT, on_inspected, inspection);
	inspection->call.plan = service_plan(offering->service, instance->plan);
	return 0;
}

/* So that a driver can tell a password that was changed on the server. One that cannot be opened is not compared. */
static int fill_passwords(struct inspection *inspection, struct error *error)
{
	struct driver_call *call = &inspection->call;
	const char **passwords = arena_alloc(&inspection->arena, (call->bind_count + 1) * sizeof(*passwords));

	for (size_t i = 0; passwords != NULL && i < call->bind_count; i++) {
		const struct bind *bind = &call->binds[i];

		passwords[i] = NULL;
		(void)seal_open(inspection->upkeep->life->keyring, &inspection->arena, bind, "", bind->secret,
		                bind->secret_length, &passwords[i], NULL);
	}
	call->passwords = passwords;
	return arena_failed(&inspection->arena) ? error_no_memory(error) : 0;
}

static int fill_binds(struct inspection *inspection, struct error *error)
{
	struct bind *binds;
	size_t bound = 0;
	int rc = records_read_binds(inspection->upkeep->catalog->records, &inspection->arena,
	                            inspection->instance.record.incarnation, &inspection->binds,
	                            &inspection->bind_count, error);

	if (rc != 0)
		return rc;
	binds = arena_alloc(&inspection->arena, (inspection->bind_count + 1) * sizeof(*binds));
	if (binds == NULL)
		return error_no_memory(error);
	for (size_t i = 0; i < inspection->bind_count; i++) {
		if (inspection->binds[i].record.state == BIND_BOUND)
			binds[bound++] = inspection->binds[i].record;
	}
	inspection->call.binds = binds;
	inspection->call.bind_count = bound;
	return fill_passwords(inspection, error);
}

int inspect_start(struct upkeep *upkeep, const char *incarnation, inspect_done *on_done, void *arg, struct error *error)
{
	struct inspection *inspection = calloc(1, sizeof(*inspection));
	int rc;

	if (inspection == NULL)
		return error_no_memory(error);
	inspection->upkeep = upkeep;
	inspection->generation = upkeep->catalog->present;
	generation_hold(inspection->generation);
	TAILQ_INSERT_TAIL(&upkeep->inspections, inspection, in_upkeep);
	upkeep->inspecting++;
	arena_init(&inspection->arena);
	call_init(&inspection->call);
	rc = fill(inspection, incarnation, error);
	if (rc == 0)
		rc = fill_binds(inspection, error);
	inspection->on_done = on_done;
	inspection->arg = arg;
	inspection->call.store = upkeep->life->mark->store;
	inspection->call.seal = upkeep->life->mark->seal;
	inspection->call.instance = &inspection->instance.record;
	if (rc == 0 && call_start(&inspection->call) != 0)
		rc = error_no_memory(error);
	if (rc != 0)
		free_inspection(inspection);
	return rc;
}

static void show_finding(struct text *json, const struct finding *finding)
{
	show_comma(json);
	text_add(json, "{");
	show_text(json, "service", finding->service);
	show_text(json, "instance", finding->instance);
	show_text(json, "instance_id", finding->incarnation);
	show_text(json, "server", finding->server);
	show_time(json, "found", finding->found_at);
	show_name(json, "drift");
	text_add(json, "[");
	for (size_t i = 0; i < finding->count; i++)
		show_drift(json, &finding->drifts[i]);
	text_add(json, "]}");
}

void inspect_show(const struct upkeep *upkeep, struct text *json)
{
	show_name(json, "found");
	text_add(json, "[");
	for (const struct finding *finding = upkeep->findings; finding != NULL; finding = finding->hh.next)
		show_finding(json, finding);
	text_add(json, "]");
}

void inspect_give_up_all(struct upkeep *upkeep)
{
	struct inspection *inspection;

	TAILQ_FOREACH (inspection, &upkeep->inspections, in_upkeep) {
		if (inspection->on_done != NULL)
			inspection->on_done(inspection->arg, ERR_UNAVAILABLE,
			                    "this broker is not the active one any more", NULL);
		inspection->on_done = NULL;
	}
}

void inspect_close(struct upkeep *upkeep)
{
	struct inspection *inspection;

	while ((inspection = TAILQ_FIRST(&upkeep->inspections)) != NULL)
		free_inspection(inspection);
	while (upkeep->findings != NULL)
		inspect_forget(upkeep, upkeep->findings->incarnation);
}
