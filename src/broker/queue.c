/* Lanes and hosts: which operation runs when. What running means is in run.c, what ending means in finish.c. */
#include "broker/queue.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/held_up.h"
#include "broker/intent.h"
#include "broker/places.h"
#include "broker/run.h"
#include "catalog/generation.h"
#include "records/records.h"

#define BACKOFF_FIRST 250   /* ms: the ceiling of the first delay; it doubles with each attempt */
#define BACKOFF_MAX   30000 /* ms: the ceiling of every later one */
#define BACKOFF_LEAST 20    /* ms: no delay is shorter */
#define LOCKED_FIRST  500   /* ms: the same where a lock was in the way */
#define LOCKED_MAX    5000  /* ms */
#define PAUSE         1000  /* ms */

#define PLACES_WITHOUT_SERVER 64

void queue_find_host(struct job *job)
{
	struct offering *offering = catalog_offering(&job->broker->catalog, job->service);
	const char *server = job->server[0] != '\0' ? job->server : NULL;

	job->host = offering != NULL ? offering_host(offering, server) : NULL;
}

struct job *job_make(struct broker *broker, const struct instance *instance, enum operation_kind kind)
{
	struct job *job = calloc(1, sizeof(*job));

	if (job == NULL)
		return NULL;
	job->broker = broker;
	job->kind = kind;
	snprintf(job->service, sizeof(job->service), "%s", instance->service);
	if (instance->server != NULL)
		snprintf(job->server, sizeof(job->server), "%s", instance->server);
	queue_find_host(job);
	snprintf(job->team, sizeof(job->team), "%s", instance->team != NULL ? instance->team : "");
	strcpy(job->incarnation, instance->incarnation);
	TAILQ_INIT(&job->waiting);
	return job;
}

struct job *job_new(struct broker *broker, const struct instance *instance, enum operation_kind kind)
{
	struct job *job = job_make(broker, instance, kind);

	if (job == NULL)
		return NULL;
	records_next_id(broker->records, job->id);
	job->created_at = timers_wall(broker->timers);
	job->accepted = timers_now(broker->timers);
	return job;
}

int64_t job_age(const struct job *job)
{
	return timers_now(job->broker->timers) - job->accepted;
}

void job_free(struct job *job)
{
	assert(TAILQ_EMPTY(&job->waiting));
	timer_stop(job->broker->timers, &job->timer);
	if (job->waiting_in != NULL)
		places_leave(job);
	run_free(job);
	free(job);
}

/* ---- lanes ---- */

static struct lane *lane_find(struct broker *broker, const char *incarnation)
{
	struct lane *lane = NULL;

	HASH_FIND_STR(broker->lanes, incarnation, lane);
	return lane;
}

static struct lane *lane_open(struct broker *broker, const char *incarnation)
{
	struct lane *lane = lane_find(broker, incarnation);

	if (lane != NULL)
		return lane;
	lane = calloc(1, sizeof(*lane));
	if (lane == NULL)
		return NULL;
	strcpy(lane->incarnation, incarnation);
	lane->held_up = held_up_is_remembered(broker, incarnation);
	TAILQ_INIT(&lane->jobs);
	HASH_ADD_STR(broker->lanes, incarnation, lane);
	if (lane->hh.tbl != NULL)
		return lane;
	free(lane);
	return NULL;
}

static void lane_close(struct broker *broker, struct lane *lane)
{
	HASH_DEL(broker->lanes, lane);
	free(lane);
}

struct job *queue_find(struct broker *broker, const char *incarnation, const char *id, enum operation_kind kind)
{
	struct lane *lane = lane_find(broker, incarnation);
	struct job *job;

	if (lane == NULL)
		return NULL;
	TAILQ_FOREACH_REVERSE(job, &lane->jobs, job_list, in_lane)
	{
		if (id != NULL ? strcmp(job->id, id) == 0 : job->kind == kind)
			return job;
	}
	return NULL;
}

bool queue_has(struct broker *broker, const char *incarnation, unsigned kinds)
{
	struct lane *lane = lane_find(broker, incarnation);
	struct job *job;

	if (lane == NULL)
		return false;
	TAILQ_FOREACH (job, &lane->jobs, in_lane) {
		if ((kinds & (1U << job->kind)) != 0 && !job->cleaning)
			return true;
	}
	return false;
}

bool queue_is_doomed(const struct job *job)
{
	while ((job = TAILQ_NEXT(job, in_lane)) != NULL) {
		if (job->kind == OPERATION_REMOVE)
			return true;
	}
	return false;
}

/* ---- turns ---- */

static struct timers *timers_of(const struct host *host)
{
	return broker_of(host)->timers;
}

void queue_open_host(struct host *host)
{
	places_init(&host->places, host->server != NULL ? (size_t)host->server->parallel : PLACES_WITHOUT_SERVER);
}

void queue_close_host(struct host *host)
{
	timer_stop(timers_of(host), &host->turn);
}

static void give_places(struct host *host);

static void on_places(void *arg)
{
	give_places(arg);
}

static void give_places_in(struct host *host, int64_t delay)
{
	timer_stop(timers_of(host), &host->turn);
	timer_init(&host->turn, on_places, host);
	if (timer_start(timers_of(host), &host->turn, delay) == 0)
		return;
	host->places.resting_until = 0;
	give_places(host);
}

/* As many as are free now: what ends at once has its place given from the loop. */
static void give_places(struct host *host)
{
	struct places *places = &host->places;
	const int64_t now = timers_now(timers_of(host));
	int64_t rest = 0;
	struct job *job = NULL;

	if (host->fence == FENCE_ASKING)
		return;
	for (size_t left = places->count - places->running; left > 0; left--) {
		job = places_next(places, now, &rest);
		if (job == NULL)
			break;
		job->broker->statistics.running++;
		job->state = JOB_RUNNING;
		run_start(job);
	}
	/* One that has ended at once has asked for another turn already, and that is sooner. */
	if (job == NULL && rest > 0)
		give_places_in(host, rest);
}

static void start_or_stand_by(struct job *job)
{
	struct host *host = job->host;

	if (host == NULL && job->given_up && !job->cleaning) {
		run_give_up(job);
		return;
	}
	if (host == NULL) { /* nobody can run it before the configuration names its service and server again */
		job->state = JOB_QUEUED;
		return;
	}
	job->state = JOB_READY;
	places_wait(job);
	give_places(host);
}

static void on_turn(void *arg)
{
	start_or_stand_by(arg);
}

/* Jobs begin from the loop, so that an end never recurses into the next beginning. */
static void begin_soon(struct job *job, int64_t delay)
{
	timer_stop(job->broker->timers, &job->timer);
	timer_init(&job->timer, on_turn, job);
	if (timer_start(job->broker->timers, &job->timer, delay) != 0)
		start_or_stand_by(job);
}

int queue_push(struct broker *broker, struct job *job)
{
	struct lane *lane = lane_open(broker, job->incarnation);
	struct job *head;

	if (lane == NULL) {
		job_free(job);
		return ERR_NO_MEMORY;
	}
	queue_find_host(job); /* while it became durable, the configuration may have changed */
	job->lane = lane;
	job->state = JOB_QUEUED;
	TAILQ_INSERT_TAIL(&lane->jobs, job, in_lane);
	broker->statistics.pending++;
	head = TAILQ_FIRST(&lane->jobs);
	if (head == job)
		begin_soon(job, 0);
	else if (job->kind == OPERATION_REMOVE)
		queue_hurry(broker, job->incarnation);
	return 0;
}

void queue_hurry(struct broker *broker, const char *incarnation)
{
	struct lane *lane = lane_find(broker, incarnation);
	struct job *head = lane != NULL ? TAILQ_FIRST(&lane->jobs) : NULL;

	if (head != NULL && head->state == JOB_BACKOFF)
		begin_soon(head, 0);
}

void queue_hurry_host(struct host *host)
{
	struct lane *lane, *next_lane;

	HASH_ITER (hh, broker_of(host)->lanes, lane, next_lane) {
		struct job *head = TAILQ_FIRST(&lane->jobs);

		if (head->host == host && head->state == JOB_BACKOFF)
			begin_soon(head, 0);
	}
}

void queue_release_host(struct job *job)
{
	struct host *host = job->host;

	places_free(job, job->lane->held_up, timers_now(job->broker->timers));
	job->broker->statistics.running--;
	queue_wake_host(host);
}

void queue_wake_host(struct host *host)
{
	if (places_waiting(&host->places) > 0)
		give_places_in(host, 0);
}

/* A server that does not answer its check is late for everybody. */
void queue_judge(struct job *job, int code)
{
	if (code == ERR_LOCKED || (code == ERR_TIMEOUT && job->host->health != HOST_DOWN)) {
		held_up_remember(job->broker, job->incarnation);
		job->lane->held_up = true;
	} else if (code == 0 || !error_may_pass(code)) {
		job->lane->held_up = held_up_is_remembered(job->broker, job->incarnation);
	}
}

/* Exponential backoff with full jitter: uniformly within a ceiling that doubles. */
static void back_off(struct job *job, int64_t tries, int64_t ceiling, int64_t most)
{
	for (int64_t i = 1; i < tries && ceiling < most; i++)
		ceiling *= 2;
	if (ceiling > most)
		ceiling = most;
	job->state = JOB_BACKOFF;
	begin_soon(job, BACKOFF_LEAST + secret_random_below((uint32_t)ceiling));
}

void queue_back_off(struct job *job)
{
	back_off(job, job->attempts - job->locked, BACKOFF_FIRST, BACKOFF_MAX);
}

void queue_come_again(struct job *job)
{
	back_off(job, job->locked, LOCKED_FIRST, LOCKED_MAX);
}

void queue_pause(struct job *job, void (*on_timer)(void *arg))
{
	timer_init(&job->timer, on_timer, job);
	if (timer_start(job->broker->timers, &job->timer, PAUSE) != 0)
		job->state = JOB_QUEUED; /* no memory for a timer: it stays pending until the next start */
}

void queue_restart(struct job *job)
{
	job->state = JOB_QUEUED;
	job->attempts = job->locked = 0;
	begin_soon(job, 0);
}

void queue_answer(struct job *job, const struct broker_reply *reply)
{
	struct intent *intent;

	while ((intent = TAILQ_FIRST(&job->waiting)) != NULL) {
		TAILQ_REMOVE(&job->waiting, intent, in_job);
		job->broker->statistics.waiting--;
		intent_end(intent, reply);
	}
}

void queue_end(struct job *job, const struct broker_reply *reply)
{
	struct broker *broker = job->broker;
	struct lane *lane = job->lane;

	TAILQ_REMOVE(&lane->jobs, job, in_lane);
	broker->statistics.pending--;
	if (TAILQ_EMPTY(&lane->jobs))
		lane_close(broker, lane);
	else
		begin_soon(TAILQ_FIRST(&lane->jobs), 0);
	queue_answer(job, reply);
	job_free(job);
}

/* ---- another configuration ---- */

/* What runs goes on where it began; run_free finds its host anew. */
static void move_job(struct job *job)
{
	const bool head = job == TAILQ_FIRST(&job->lane->jobs);
	const struct host *before = job->host;

	if (job->run != NULL)
		return;
	if (job->state == JOB_READY) {
		places_leave(job);
		job->state = JOB_QUEUED;
		before = NULL;
	}
	queue_find_host(job);
	if (head && before == NULL && job->state == JOB_QUEUED)
		begin_soon(job, 0);
}

void queue_move(struct broker *broker)
{
	struct lane *lane, *next_lane;
	struct job *job;

	HASH_ITER (hh, broker->lanes, lane, next_lane) {
		TAILQ_FOREACH (job, &lane->jobs, in_lane)
			move_job(job);
	}
}

bool queue_give_up(struct job *job)
{
	if (job->state == JOB_SAVING || job->cleaning)
		return false;
	job->given_up = true;
	if (job->state == JOB_BACKOFF || (job->state == JOB_QUEUED && job == TAILQ_FIRST(&job->lane->jobs)))
		begin_soon(job, 0);
	return true;
}

/* ---- the program's stop ---- */

/* Stops whatever could still call back; what the store has in hand finds broker->closing. */
void queue_stop(struct broker *broker)
{
	struct lane *lane, *next_lane;
	struct intent *intent;
	struct job *job;

	TAILQ_FOREACH (intent, &broker->intents, in_broker)
		timer_stop(broker->timers, &intent->timer);
	HASH_ITER (hh, broker->lanes, lane, next_lane) {
		TAILQ_FOREACH (job, &lane->jobs, in_lane) {
			timer_stop(broker->timers, &job->timer);
			run_cancel(job);
		}
	}
}

void queue_close(struct broker *broker)
{
	struct lane *lane, *next_lane;
	struct intent *intent;
	struct job *job;

	while ((intent = TAILQ_FIRST(&broker->intents)) != NULL)
		intent_drop(intent);
	HASH_ITER (hh, broker->lanes, lane, next_lane) {
		while ((job = TAILQ_FIRST(&lane->jobs)) != NULL) {
			TAILQ_REMOVE(&lane->jobs, job, in_lane);
			TAILQ_INIT(&job->waiting);
			job_free(job);
		}
		lane_close(broker, lane);
	}
	held_up_forget_all(broker);
}
