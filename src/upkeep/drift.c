/* The drift pass: how servers and records are kept the same.
 *
 * The problem. The records say what is on each server, and people change servers: a login is dropped by hand, a backup
 * of an hour ago is put back, a plan's limit is changed by an ALTER. What is missing fails an app at night; what is
 * there and nobody knows of holds data that should be gone, or a login that should be dead. No event tells of either.
 * There may be a million instances, and to look at one costs its server a query or more.
 *
 * The idea. A pass every few hours, slow enough not to be noticed, in two halves. First every ready instance is
 * inspected by its driver, `verify_rate` of them a second and four at a time: what a repeated operation puts right is
 * mended by one, through the queue like any other (mend.c); the rest is told. Lost content is never made anew empty.
 * Then each server is asked for all names of the broker's form that it has (`list`), every record takes its own off
 * that list, and what is left is a stray. A stray is told and never removed: it may be the only copy of somebody's
 * data, and the record may be what is wrong.
 *
 * The world moves while the pass runs, and it takes no lock to stop it. A name that is made or removed meanwhile would
 * look like a stray: the list was asked for before the record was there, or after it was gone. So the server is asked a
 * second time once all records have had their turn, and a stray is what both lists have and no record between them
 * knew. What was made meanwhile stands in the second list only, or in a record; what was removed, in the first only.
 * Instances that have work under way are left out of the first half: what holds up the work would hold up the
 * inspection, with a session of the server.
 *
 * All of it is one machine with one timer. Each tick looks at a bounded number of records and gives the loop back; the
 * next one goes on behind the last key, so no snapshot of the store is held over turns. A call holds the generation of
 * the configuration that it began in.
 *
 * What was tried. To inspect instances with work under way as well: what was found there had to be thrown away. Names
 * without their kind, and records of the same service only: what another service of this broker had on the same server
 * was told as a stray (strays.c).
 *
 * The limits. Between two passes nothing is noticed, unless a server comes back, which begins one at once. A server
 * that is down when its turn comes is left out until then. 1,000 strays are kept in memory; the log tells all. */
#include "upkeep/drift.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/queue.h"
#include "records/show.h"
#include "upkeep/inspect.h"
#include "upkeep/strays.h"
#include "watch/names.h"

#define TICK          100   /* ms between two steps of the pass */
#define PARALLEL      4     /* inspections at once */
#define SKIP_MAX      500   /* records looked at in one step for one that can be inspected */
#define TAKE_MAX      500   /* records whose names are taken off in one step */
#define LIST_TIMEOUT  60000 /* ms */
#define FIRST_PASS_IN 60000 /* ms after the start */

enum drift_state {
	DRIFT_RESTING,    /* until the next pass */
	DRIFT_INSPECTING, /* instance by instance */
	DRIFT_LISTING,    /* a server's list is awaited */
	DRIFT_MARKING,    /* its names are taken off by the records */
	DRIFT_CONFIRMING, /* the second list is awaited */
};

struct drift {
	struct upkeep *upkeep;
	enum drift_state state;
	bool again; /* another pass follows this one at once */
	struct timer timer;
	char position[INCARNATION_LENGTH + 1]; /* the last record looked at */
	uint64_t looked_at;                    /* records of this pass, each once */
	size_t server;                         /* of all servers, in the configuration's order: which is listed */
	char service[SERVICE_NAME_MAX + 1], server_name[SERVER_NAME_MAX + 1];
	struct generation *generation; /* that the list's call is under way in; held */
	struct driver_call call;
	struct name *names; /* table */
	struct strays strays;
	int64_t began_at, ended_at; /* wall ms, of the last pass */
	int64_t interval;           /* ms, that the next pass was planned by */
};

static void on_tick(void *arg);

static void tick_in(struct drift *drift, int64_t delay)
{
	timer_init(&drift->timer, on_tick, drift);
	(void)timer_start(drift->upkeep->catalog->timers, &drift->timer,
	                  delay); /* without memory: until the next start */
}

/* ---- lists ---- */

/* The server whose turn it is; NULL when all had theirs. */
static struct host *present_host(const struct drift *drift)
{
	const struct generation *generation = drift->upkeep->catalog->present;
	size_t index = drift->server;

	for (size_t i = 0; i < generation->offering_count; i++) {
		struct offering *offering = &generation->offerings[i];

		if (index < offering->host_count)
			return &offering->hosts[index];
		index -= offering->host_count;
	}
	return NULL;
}

static void next_server(struct drift *drift)
{
	names_free(&drift->names);
	drift->server++;
	drift->state = DRIFT_LISTING;
	tick_in(drift, TICK);
}

static void end_call(struct drift *drift)
{
	call_cancel(&drift->call);
	call_release(&drift->call);
	if (drift->generation != NULL)
		generation_drop(drift->generation);
	drift->generation = NULL;
}

static void take_list(struct drift *drift)
{
	const bool all = names_add_all(&drift->names, &drift->call);

	end_call(drift);
	if (!all) {
		next_server(drift);
		return;
	}
	drift->state = DRIFT_MARKING;
	drift->position[0] = '\0';
	tick_in(drift, TICK);
}

/* What is left of the first list and stands in the second is a stray. */
static void confirm(struct drift *drift)
{
	strays_drop(&drift->strays, drift->service, drift->server_name);
	for (size_t i = 0; i < drift->call.result_count; i++) {
		const struct pair *result = &drift->call.results[i];
		const struct name *name = names_find(&drift->names, result->name, result->value);

		if (name == NULL)
			continue;
		strays_add(&drift->strays, drift->upkeep->life->log, drift->service, drift->server_name, name);
		(void)names_take(&drift->names, name->kind, name->text);
	}
	end_call(drift);
	next_server(drift);
}

static void on_listed(struct driver_call *call, int code, const struct error *error)
{
	struct drift *drift = call->arg;

	(void)error;
	if (code != 0) {
		end_call(drift);
		next_server(drift);
	} else if (drift->state == DRIFT_LISTING) {
		take_list(drift);
	} else {
		confirm(drift);
	}
}

static void ask_list(struct drift *drift)
{
	struct host *host = present_host(drift);

	if (host == NULL || host->server == NULL || host->health != HOST_UP) {
		next_server(drift);
		return;
	}
	snprintf(drift->service, sizeof(drift->service), "%s", host->offering->service->name);
	snprintf(drift->server_name, sizeof(drift->server_name), "%s", host->server->name);
	drift->generation = host->offering->generation;
	generation_hold(drift->generation);
	host_prepare_call(host, &drift->call, CALL_LIST, LIST_TIMEOUT, on_listed, drift);
	if (call_start(&drift->call) == 0)
		return;
	end_call(drift);
	next_server(drift);
}

/* ---- records ---- */

struct drift_step {
	struct drift *drift;
	size_t seen, limit;
	bool end;
	char found[INCARNATION_LENGTH + 1]; /* an instance to be inspected; "": none */
};

/* What is found where work is under way counts for nothing, and what holds up the work would hold up the inspection. */
static bool can_be_inspected(struct upkeep *upkeep, const struct instance *instance)
{
	struct offering *offering = catalog_offering(upkeep->catalog, instance->service);
	const struct host *host = offering != NULL ? offering_host(offering, instance->server) : NULL;

	return instance->state == INSTANCE_READY && host != NULL && host->health == HOST_UP &&
	       !queue_has(upkeep->queue, instance->incarnation, ~0U);
}

static bool on_record(void *arg, const void *key, size_t key_length, const struct store_value *value)
{
	struct drift_step *step = arg;
	struct drift *drift = step->drift;
	struct instance instance;

	if (key_length == INCARNATION_LENGTH)
		memcpy(drift->position, key, key_length);
	step->seen++;
	if (drift->state == DRIFT_INSPECTING) /* later each server's list goes over all records once more */
		drift->looked_at++;
	if (instance_decode(value->bytes, value->length, &instance, NULL) == 0) {
		if (drift->state == DRIFT_MARKING)
			strays_take_off(&drift->names, drift->upkeep->catalog, drift->service, drift->server_name,
			                &instance);
		else if (can_be_inspected(drift->upkeep, &instance))
			strcpy(step->found, instance.incarnation);
	}
	return step->seen < step->limit && step->found[0] == '\0';
}

/* Looks at the next records. */
static void look(struct drift *drift, size_t limit, struct drift_step *ret_step)
{
	*ret_step = (struct drift_step){.drift = drift, .limit = limit};
	(void)store_scan(drift->upkeep->catalog->store, KEYSPACE_INSTANCES, "", 0,
	                 drift->position[0] != '\0' ? drift->position : NULL, strlen(drift->position), on_record,
	                 ret_step);
	ret_step->end = ret_step->seen < limit && ret_step->found[0] == '\0';
}

static void inspect_some(struct drift *drift)
{
	const int64_t rate = catalog_config(drift->upkeep->catalog)->limits.verify_rate;
	int64_t left = rate >= 1000 / TICK ? rate / (1000 / TICK) : 1;
	struct drift_step step = {0};
	struct error error;

	while (left-- > 0 && !step.end && drift->upkeep->inspecting < PARALLEL) {
		look(drift, SKIP_MAX, &step);
		if (step.found[0] != '\0')
			(void)inspect_start(drift->upkeep, step.found, NULL, NULL, &error);
	}
	if (step.end) {
		drift->state = DRIFT_LISTING;
		drift->server = 0;
	}
	tick_in(drift, rate >= 1000 / TICK ? TICK : 1000 / rate);
}

static void mark_some(struct drift *drift)
{
	struct drift_step step;

	look(drift, TAKE_MAX, &step);
	if (!step.end) {
		tick_in(drift, 0);
		return;
	}
	drift->state = DRIFT_CONFIRMING;
	if (drift->names == NULL) {
		strays_drop(&drift->strays, drift->service, drift->server_name);
		next_server(drift);
	} else {
		ask_list(drift);
	}
}

/* ---- the pass ---- */

static void begin_pass(struct drift *drift)
{
	drift->state = DRIFT_INSPECTING;
	drift->again = false;
	drift->position[0] = '\0';
	drift->looked_at = 0;
	drift->upkeep->differing = 0;
	drift->began_at = timers_wall(drift->upkeep->catalog->timers);
	tick_in(drift, 0);
}

/* The next pass begins after the interval, but in `most` ms at the latest. */
static void plan_pass(struct drift *drift, int64_t most)
{
	drift->interval = catalog_config(drift->upkeep->catalog)->limits.verify_interval;
	if (drift->interval > 0)
		tick_in(drift, drift->interval < most ? drift->interval : most);
}

static void rest(struct drift *drift)
{
	drift->state = DRIFT_RESTING;
	drift->ended_at = timers_wall(drift->upkeep->catalog->timers);
	plan_pass(drift, drift->again ? 0 : INT64_MAX);
}

static void on_tick(void *arg)
{
	struct drift *drift = arg;

	switch (drift->state) {
	case DRIFT_RESTING:
		begin_pass(drift);
		return;
	case DRIFT_INSPECTING:
		inspect_some(drift);
		return;
	case DRIFT_LISTING:
		if (present_host(drift) != NULL)
			ask_list(drift);
		else
			rest(drift);
		return;
	case DRIFT_MARKING:
		mark_some(drift);
		return;
	case DRIFT_CONFIRMING:
		break; /* waits for its call */
	}
}

void drift_open(struct upkeep *upkeep)
{
	struct drift *drift = calloc(1, sizeof(*drift));

	upkeep->drift = drift;
	if (drift == NULL)
		return; /* nothing is looked for */
	drift->upkeep = upkeep;
	call_init(&drift->call);
	TAILQ_INIT(&drift->strays.list);
	plan_pass(drift, FIRST_PASS_IN);
}

void drift_close(struct upkeep *upkeep)
{
	struct drift *drift = upkeep->drift;

	if (drift == NULL)
		return;
	timer_stop(upkeep->catalog->timers, &drift->timer);
	end_call(drift);
	names_free(&drift->names);
	strays_drop(&drift->strays, NULL, NULL);
	free(drift);
	upkeep->drift = NULL;
}

void drift_reload(struct upkeep *upkeep)
{
	struct drift *drift = upkeep->drift;

	if (drift == NULL || drift->state != DRIFT_RESTING ||
	    drift->interval == catalog_config(upkeep->catalog)->limits.verify_interval)
		return;
	timer_stop(upkeep->catalog->timers, &drift->timer);
	plan_pass(drift, drift->ended_at == 0 ? FIRST_PASS_IN : INT64_MAX);
}

void drift_hurry(void *arg)
{
	struct upkeep *upkeep = arg;
	struct drift *drift = upkeep->drift;

	if (drift == NULL || catalog_config(upkeep->catalog)->limits.verify_interval == 0)
		return;
	if (drift->state == DRIFT_RESTING) {
		timer_stop(upkeep->catalog->timers, &drift->timer);
		begin_pass(drift);
	} else {
		drift->again = true;
	}
}

/* ---- for operators ---- */

int drift_start(struct upkeep *upkeep, struct error *error)
{
	if (upkeep->drift == NULL)
		return error_no_memory(error);
	if (upkeep->drift->state == DRIFT_RESTING) {
		timer_stop(upkeep->catalog->timers, &upkeep->drift->timer);
		begin_pass(upkeep->drift);
	}
	return 0;
}

static void show_pass(const struct drift *drift, struct text *json)
{
	static const char *const states[] = {[DRIFT_RESTING] = "resting",
	                                     [DRIFT_INSPECTING] = "inspecting instances",
	                                     [DRIFT_LISTING] = "listing servers",
	                                     [DRIFT_MARKING] = "comparing lists",
	                                     [DRIFT_CONFIRMING] = "comparing lists"};

	show_text(json, "state", states[drift->state]);
	show_number(json, "looked_at", (int64_t)drift->looked_at);
	show_number(json, "differed", (int64_t)drift->upkeep->differing);
	show_time(json, "began", drift->began_at);
	show_time(json, "ended", drift->ended_at);
}

int drift_show(const struct upkeep *upkeep, struct text *json, struct error *error)
{
	if (upkeep->drift == NULL)
		return error_no_memory(error);
	show_pass(upkeep->drift, json);
	inspect_show(upkeep, json);
	strays_show(&upkeep->drift->strays, json);
	return 0;
}

size_t drift_count_strays(const struct upkeep *upkeep, const char *service)
{
	return upkeep->drift != NULL ? strays_count(&upkeep->drift->strays, service) : 0;
}
