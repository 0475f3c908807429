/* Lanes and hosts: which operation runs when. What running means is in run.c, what ending means in finish.c. */
#include "broker/queue.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/generation.h"
#include "broker/intent.h"
#include "broker/records.h"
#include "broker/run.h"

#define BACKOFF_FIRST 250   /* ms: the ceiling of the first delay; it doubles with each attempt */
#define BACKOFF_MAX   30000 /* ms: the ceiling of every later one */
#define BACKOFF_LEAST 20    /* ms: no delay is shorter */
#define PAUSE         1000  /* ms */

void queue_find_host(struct job *job)
{
	struct offering *offering = broker_offering(job->broker, job->service);
	const char *server = job->server[0] != '\0' ? job->server : NULL;

	job->host = offering != NULL ? offering_host(offering, server) : NULL;
}

static struct job *job_make(struct broker *broker, const struct instance *instance, enum operation_kind kind)
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
	strcpy(job->incarnation, instance->incarnation);
	TAILQ_INIT(&job->waiting);
	return job;
}

struct job *job_new(struct broker *broker, const struct instance *instance, enum operation_kind kind)
{
	struct job *job = job_make(broker, instance, kind);

	if (job == NULL)
		return NULL;
	broker_next_id(broker, job->id);
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
	if (host->running >= host->parallel || host->fence == FENCE_ASKING) {
		job->state = JOB_READY;
		TAILQ_INSERT_TAIL(&host->ready, job, in_ready);
		return;
	}
	host->running++;
	job->broker->statistics.running++;
	job->state = JOB_RUNNING;
	run_start(job);
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

	HASH_ITER (hh, host->offering->generation->broker->lanes, lane, next_lane) {
		struct job *head = TAILQ_FIRST(&lane->jobs);

		if (head->host == host && head->state == JOB_BACKOFF)
			begin_soon(head, 0);
	}
}

void queue_release_host(struct job *job)
{
	struct host *host = job->host;
	struct job *next = TAILQ_FIRST(&host->ready);

	host->running--;
	job->broker->statistics.running--;
	if (next == NULL)
		return;
	TAILQ_REMOVE(&host->ready, next, in_ready);
	next->state = JOB_QUEUED;
	begin_soon(next, 0);
}

void queue_wake_host(struct host *host)
{
	struct job *job;

	for (size_t places = host->parallel - host->running; places > 0 && (job = TAILQ_FIRST(&host->ready)) != NULL;
	     places--) {
		TAILQ_REMOVE(&host->ready, job, in_ready);
		job->state = JOB_QUEUED;
		begin_soon(job, 0);
	}
}

/* Exponential backoff with full jitter: uniformly within a ceiling that doubles. */
void queue_back_off(struct job *job)
{
	int64_t ceiling = BACKOFF_FIRST;

	for (int64_t i = 1; i < job->attempts && ceiling < BACKOFF_MAX; i++)
		ceiling *= 2;
	if (ceiling > BACKOFF_MAX)
		ceiling = BACKOFF_MAX;
	job->state = JOB_BACKOFF;
	begin_soon(job, BACKOFF_LEAST + secret_random_below((uint32_t)ceiling));
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
	job->attempts = 0;
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
		TAILQ_REMOVE(&job->host->ready, job, in_ready);
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

/* ---- start and stop of the program ---- */

struct recovery {
	struct broker *broker;
	struct error error;
};

static int recover_one(struct broker *broker, const char *incarnation, const char *id, struct error *error)
{
	struct held_instance instance;
	struct held_operation operation;
	struct arena arena;
	struct job *job;
	int64_t age;
	int rc;

	arena_init(&arena);
	rc = records_read_operation(broker, &arena, incarnation, id, &operation, error);
	if (rc == 0)
		rc = records_read_instance(broker, &arena, incarnation, &instance, error);
	if (rc == ERR_NOT_FOUND) {
		rc = ERR_CORRUPT;
		error_set(error, rc, "the store lists the operation \"%s\" as pending, but has no record of it", id);
	}
	if (rc != 0)
		goto cleanup;
	job = job_make(broker, &instance.record, operation.record.kind);
	if (job == NULL) {
		rc = error_no_memory(error);
		goto cleanup;
	}
	strcpy(job->id, operation.record.id);
	job->created_at = operation.record.created_at;
	age = timers_wall(broker->timers) - job->created_at;
	job->accepted = timers_now(broker->timers) - (age > 0 ? age : 0);
	job->cleaning = operation.record.state == OPERATION_CLEANING;
	job->given_up = operation.record.given_up && !job->cleaning;
	if (job->created_at >= broker->last_wall)
		broker->last_wall = job->created_at + 1;
	if (queue_push(broker, job) != 0)
		rc = error_no_memory(error);
cleanup:
	arena_release(&arena);
	return rc;
}

static bool on_pending(void *arg, const void *key, size_t key_length, const struct store_value *value)
{
	struct recovery *recovery = arg;
	char id[OPERATION_ID_LENGTH + 1] = "", incarnation[INCARNATION_LENGTH + 1] = "";

	if (key_length != OPERATION_ID_LENGTH || value->length != INCARNATION_LENGTH) {
		error_set(&recovery->error, ERR_CORRUPT, "the store's list of pending operations is damaged");
		return false;
	}
	memcpy(id, key, key_length);
	memcpy(incarnation, value->bytes, value->length);
	return recover_one(recovery->broker, incarnation, id, &recovery->error) == 0;
}

int queue_recover(struct broker *broker, struct error *error)
{
	struct recovery recovery = {.broker = broker};
	int rc = store_scan(broker->store, KEYSPACE_PENDING, "", 0, NULL, 0, on_pending, &recovery);

	if (rc != 0)
		return error_set(error, rc, "the store cannot be read");
	if (recovery.error.code != 0)
		return error_set(error, recovery.error.code, "%s", recovery.error.text);
	return 0;
}

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
}
