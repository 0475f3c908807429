/* Checks of servers, each every few seconds, and observations of the instances that somebody asks about. */
#include "watch/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "records/records.h"
#include "watch/census.h"
#include "watch/fence.h"

#define CHECK_INTERVAL   5000  /* ms between two checks of a server */
#define CHECK_AT_LEAST   250   /* ms between two, however often work asks for one */
#define CHECK_TIMEOUT    4000  /* ms for one */
#define CLAIM_HOLDS      60000 /* ms: whatever answers at the address later was not meant */
#define OBSERVE_INTERVAL 10000 /* ms that an observation is fresh */
#define OBSERVE_TIMEOUT  10000 /* ms for one */
#define OBSERVE_PARALLEL 2     /* at once on a host, one of them of the late */

/* An observation under way. */
struct observing {
	struct watch *watch;
	struct observation *observation;
	struct arena arena; /* of the instance's record */
	struct held_instance instance;
	struct driver_call call;
	bool late; /* it began as one of those */
};

/* ---- servers ---- */

static void on_next_check(void *arg);

static void check_later(struct host *host, int64_t delay)
{
	struct timers *timers = watch_of(host)->catalog->timers;

	host->checking = false;
	timer_init(&host->next_check, on_next_check, host);
	if (timer_start(timers, &host->next_check, delay) != 0)
		host->health = HOST_UNKNOWN;
}

static void log_turn(const struct host *host)
{
	struct log_line line;
	bool up = host->health == HOST_UP;

	log_begin(&line, watch_of(host)->log, up ? LOG_INFO : LOG_ERROR, up ? "server-up" : "server-down");
	log_text(&line, "service", host->offering->service->name);
	log_text(&line, "server", host_name(host));
	log_text(&line, "reason", up ? NULL : host->reason);
	log_end(&line);
}

static void log_warning(const struct host *host)
{
	struct log_line line;

	log_begin(&line, watch_of(host)->log, LOG_WARNING, "server-warning");
	log_text(&line, "service", host->offering->service->name);
	log_text(&line, "server", host_name(host));
	log_text(&line, "reason", host->warning);
	log_end(&line);
}

/* What the driver warns of may stay so for long; sessions that were left behind come first. */
static void take_warning(struct host *host)
{
	char left[ERROR_TEXT_MAX];
	const char *warning = call_find(&host->check, CHECK_WARNING);
	bool told;

	census_take(host);
	told = census_warn(host, left);
	if (left[0] != '\0' || warning == NULL)
		warning = left;
	if (strncmp(host->warning, warning, sizeof(host->warning) - 1) == 0)
		return;
	snprintf(host->warning, sizeof(host->warning), "%s", warning);
	if (warning[0] != '\0' && !told)
		log_warning(host);
}

/* Drivers that look with each call would refuse to work with the older mark until the next check. */
static void renew_marks(struct watch *watch)
{
	watch->mark->raised = false;
	for (size_t i = 0; i < watch->catalog->present->offering_count; i++)
		for (size_t j = 0; j < watch->catalog->present->offerings[i].host_count; j++)
			watch_check_soon(&watch->catalog->present->offerings[i].hosts[j]);
}

static void take_health(struct host *host, int code, const struct error *error)
{
	enum host_health before = host->health;

	host->health = code == 0 ? HOST_UP : HOST_DOWN;
	strcpy(host->reason, code == 0 ? "" : error->text);
	if (host->health != before)
		log_turn(host);
	if (host->health == HOST_UP && before == HOST_DOWN) {
		queue_hurry_host(watch_of(host)->queue, host);
		watch_of(host)->on_up(watch_of(host)->arg);
	}
	check_later(host, host->check_soon ? 0 : CHECK_INTERVAL);
	if (watch_of(host)->mark->raised)
		renew_marks(watch_of(host));
}

static void on_checked(struct driver_call *call, int code, const struct error *error)
{
	struct host *host = call->arg;

	if (code == 0)
		take_warning(host);
	else
		fence_fail(host, error);
	call_release(call);
	if (code == 0 && fence_has_marks(host))
		fence_ask(host, take_health);
	else
		take_health(host, code, error);
}

static void on_next_check(void *arg)
{
	struct host *host = arg;

	if (!driver_may_call(&watch_of(host)->catalog->context)) {
		check_later(host, CHECK_AT_LEAST);
		return;
	}
	host->checking = true;
	host->check_soon = false;
	host->checked_at = timers_now(watch_of(host)->catalog->timers);
	host_prepare_call(host, &host->check, CALL_CHECK, CHECK_TIMEOUT, on_checked, host);
	if (call_start(&host->check) != 0)
		check_later(host, CHECK_INTERVAL);
}

void watch_check_soon(struct host *host)
{
	struct timers *timers = watch_of(host)->catalog->timers;
	const int64_t since = timers_now(timers) - host->checked_at;

	if (host->checking) {
		host->check_soon = true;
		return;
	}
	timer_stop(timers, &host->next_check);
	check_later(host, since < CHECK_AT_LEAST ? CHECK_AT_LEAST - since : 0);
}

int watch_claim(struct host *host, struct error *error)
{
	if (!fence_has_marks(host))
		return error_set(error, ERR_INVALID,
		                 "the driver \"%s\" puts no marks on its servers, so there is nothing to claim",
		                 host->offering->service->driver);
	host->claimed_until = timers_now(watch_of(host)->catalog->timers) + CLAIM_HOLDS;
	watch_check_soon(host);
	return 0;
}

void watch_open_host(struct host *host)
{
	host->fence = fence_has_marks(host) ? FENCE_ASKING : FENCE_OPEN;
	TAILQ_INIT(&host->unobserved);
	TAILQ_INIT(&host->unobserved_late);
}

void watch_open(struct watch *watch)
{
	for (size_t i = 0; i < watch->catalog->present->offering_count; i++) {
		struct offering *offering = &watch->catalog->present->offerings[i];

		for (size_t j = 0; j < offering->host_count; j++)
			on_next_check(&offering->hosts[j]);
	}
}

void watch_inherit(struct watch *watch, struct generation *next)
{
	for (size_t i = 0; i < next->offering_count; i++) {
		struct offering *offering = &next->offerings[i];
		struct offering *before = catalog_offering(watch->catalog, offering->service->name);

		for (size_t j = 0; before != NULL && j < offering->host_count; j++) {
			struct host *host = &offering->hosts[j];
			const struct host *old =
			    offering_host(before, host->server != NULL ? host->server->name : NULL);

			if (old == NULL)
				continue;
			host->health = old->health;
			strcpy(host->reason, old->reason);
			strcpy(host->warning, old->warning);
		}
	}
}

/* ---- instances ---- */

static void observe_next(struct host *host);

static void stop_observing(struct observation *observation)
{
	struct observing *observing = observation->observing;

	if (observing == NULL)
		return;
	observation->host->observing_late -= observing->late;
	call_cancel(&observing->call);
	call_release(&observing->call);
	arena_release(&observing->arena);
	free(observing);
	observation->observing = NULL;
	observation->host->observing--;
}

static struct observation_list *list_of(const struct observation *observation)
{
	return observation->late ? &observation->host->unobserved_late : &observation->host->unobserved;
}

/* One that is in no table. */
static void free_observation(struct observation *observation)
{
	if (observation->wanted)
		TAILQ_REMOVE(list_of(observation), observation, in_host);
	stop_observing(observation);
	arena_release(&observation->arena);
	free(observation);
}

static void drop(struct watch *watch, struct observation *observation)
{
	HASH_DEL(watch->observations, observation);
	free_observation(observation);
}

/* Takes over what the call added. */
static void keep_results(struct observation *observation, const struct driver_call *call)
{
	struct arena arena;
	struct pair *results;

	arena_init(&arena);
	results = arena_alloc(&arena, (call->result_count + 1) * sizeof(*results));
	for (size_t i = 0; results != NULL && i < call->result_count; i++) {
		results[i].name = arena_text(&arena, call->results[i].name);
		results[i].value = arena_text(&arena, call->results[i].value);
	}
	if (arena_failed(&arena)) {
		arena_release(&arena);
		return;
	}
	arena_release(&observation->arena);
	observation->arena = arena;
	observation->results = results;
	observation->result_count = call->result_count;
	observation->results_at = observation->seen_at;
}

static void on_observed(struct driver_call *call, int code, const struct error *error)
{
	struct observing *observing = call->arg;
	struct observation *observation = observing->observation;
	struct host *host = observation->host;

	observation->seen_at = timers_now(observing->watch->catalog->timers);
	if (code == 0) {
		keep_results(observation, call);
		error_clear(&observation->outcome);
	} else if (!error_may_pass(code)) { /* what may pass is the server's trouble, and its check says so */
		observation->outcome = *error;
	}
	if (code == 0 || !error_may_pass(code))
		observation->seen = true;
	if (!observation->wanted)
		observation->late = code == ERR_LOCKED || code == ERR_TIMEOUT;
	stop_observing(observation);
	observe_next(host);
}

static void start_observing(struct observation *observation)
{
	struct host *host = observation->host;
	struct watch *watch = watch_of(host);
	struct observing *observing = calloc(1, sizeof(*observing));

	stop_observing(observation); /* what it saw may be older than what is asked about now */
	if (observing == NULL)
		return;
	observing->watch = watch;
	observing->observation = observation;
	arena_init(&observing->arena);
	if (records_read_instance(watch->catalog->records, &observing->arena, observation->incarnation,
	                          &observing->instance, NULL) != 0) {
		arena_release(&observing->arena);
		free(observing);
		return;
	}
	observation->observing = observing;
	observing->late = observation->late;
	host->observing_late += observing->late;
	host->observing++;
	host_prepare_call(host, &observing->call, CALL_OBSERVE, OBSERVE_TIMEOUT, on_observed, observing);
	observing->call.instance = &observing->instance.record;
	observing->call.plan = service_plan(host->offering->service, observing->instance.record.plan);
	if (call_start(&observing->call) != 0)
		stop_observing(observation);
}

/* What is late, a lock of its own tenant's perhaps, leaves a place for the others, and keeps one. */
static struct observation *next_observation(const struct host *host)
{
	struct observation *late = host->observing_late == 0 ? TAILQ_FIRST(&host->unobserved_late) : NULL;

	return late != NULL ? late : TAILQ_FIRST(&host->unobserved);
}

static void observe_next(struct host *host)
{
	struct observation *observation;

	while (host->observing < OBSERVE_PARALLEL && (observation = next_observation(host)) != NULL) {
		TAILQ_REMOVE(list_of(observation), observation, in_host);
		observation->wanted = false;
		start_observing(observation);
	}
}

static struct observation *find_or_add(struct watch *watch, const struct instance *instance, struct host *host)
{
	struct observation *observation = NULL;

	HASH_FIND_STR(watch->observations, instance->incarnation, observation);
	if (observation != NULL) {
		HASH_DEL(watch->observations, observation); /* and added again: the table is in order of asking */
	} else {
		if (HASH_COUNT(watch->observations) >= OBSERVATIONS_MAX)
			drop(watch, watch->observations);
		observation = calloc(1, sizeof(*observation));
		if (observation == NULL)
			return NULL;
		strcpy(observation->incarnation, instance->incarnation);
		observation->host = host;
		arena_init(&observation->arena);
	}
	HASH_ADD_STR(watch->observations, incarnation, observation);
	if (observation->hh.tbl != NULL)
		return observation;
	free_observation(observation);
	return NULL;
}

static void want(struct observation *observation)
{
	if (observation->wanted || observation->host->health == HOST_DOWN) /* its check says all there is to say */
		return;
	observation->wanted = true;
	TAILQ_INSERT_TAIL(list_of(observation), observation, in_host);
	observe_next(observation->host);
}

const struct observation *watch_observe(struct watch *watch, const struct instance *instance)
{
	struct offering *offering = catalog_offering(watch->catalog, instance->service);
	struct host *host = offering != NULL ? offering_host(offering, instance->server) : NULL;
	struct observation *observation;
	int64_t age;

	if (host == NULL)
		return NULL;
	observation = find_or_add(watch, instance, host);
	if (observation == NULL)
		return NULL;
	age = timers_now(watch->catalog->timers) - observation->seen_at;
	if (host->fence == FENCE_OPEN && observation->observing == NULL &&
	    (!observation->seen || age > OBSERVE_INTERVAL))
		want(observation);
	return observation->seen ? observation : NULL;
}

void watch_renew(struct watch *watch, const char *incarnation)
{
	struct observation *observation = NULL;

	HASH_FIND_STR(watch->observations, incarnation, observation);
	if (observation != NULL && observation->host->fence == FENCE_OPEN)
		want(observation);
}

void watch_forget(struct watch *watch, const char *incarnation)
{
	struct observation *observation = NULL;

	HASH_FIND_STR(watch->observations, incarnation, observation);
	if (observation != NULL)
		drop(watch, observation);
}

void watch_close(struct watch *watch)
{
	struct observation *observation, *next;

	HASH_ITER (hh, watch->observations, observation, next)
		drop(watch, observation);
	for (size_t i = 0; i < watch->catalog->present->offering_count; i++) {
		struct offering *offering = &watch->catalog->present->offerings[i];

		for (size_t j = 0; j < offering->host_count; j++) {
			timer_stop(watch->catalog->timers, &offering->hosts[j].next_check);
			fence_close(&offering->hosts[j]);
			call_cancel(&offering->hosts[j].check);
			call_release(&offering->hosts[j].check);
		}
	}
}
