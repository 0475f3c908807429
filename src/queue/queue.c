/* What runs when: lanes of instances, places of servers, and the pauses between attempts.
 *
 * The problem. Operations are accepted faster than servers do them, take from a millisecond to minutes, and fail in
 * ways that pass. Two of one instance must not overlap (a bind during the removal), and one instance, team or server
 * that is slow must not keep the others waiting. Nothing of it may be lost in a crash or be done in another order after
 * it.
 *
 * The idea. The store holds the truth: an operation is pending there from its acceptance to its durable end. The queue
 * is only its image in memory, and is built again from there at each start (recover.c). An operation that has not ended
 * is a job (job.c has the table of its states). The jobs of one instance stand in its lane, in the order of their
 * acceptance, and only the head of a lane ever runs. A head needs a place on its server, of which there are as many as
 * the configuration's `parallel`; who gets the next one is the business of places.c alone. What running and ending
 * mean, the queue does not know: those above hand it four functions (struct queue_work). So nothing here reads a record
 * or calls a driver.
 *
 * Everything begins from the loop, by a timer of the job (begin_soon): an end never begins the next job on its own
 * stack, and a lane of ten thousand jobs that fail at once does not recurse.
 *
 * An attempt that failed in a way that may pass comes again after a pause of up to 250 ms, which doubles to up to 30 s;
 * its length is drawn uniformly (full jitter), so that what a server's outage stopped does not come back in one moment.
 * Who asks again, a server that is up again and an operator's retry end the pause: somebody wants it now. What met
 * another's lock comes again sooner, after 5 s at most, since the lock and not the server is in its way; it holds no
 * place meanwhile.
 *
 * What was tried. One list of arrival for each server: six unbinds that waited for their tenants' own locks filled the
 * places until their deadlines, and others' binds were answered 412 or 503. Hence the shares and turns of places.c, and
 * that an instance is called held up for a minute (held_up.c): a tenant that let its lock go for a moment was among the
 * fresh each time. Flags beside the state (cleaning, given up): a result that waited for memory could be given up, with
 * a second run begun over the first; now the state has one writer, job_move.
 *
 * The limits. A lane is strict: an operation waits for the ones before it even where the two would not meet. All of
 * them are in memory, a kilobyte each; limits.pending bounds those of one instance. What waits for a service or server
 * that is not configured stays stranded without an end, until the configuration names it again or an operator gives it
 * up. */
#include "queue/queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "queue/held_up.h"
#include "queue/places.h"

#define BACKOFF_FIRST 250   /* ms: the ceiling of the first delay; it doubles with each attempt */
#define BACKOFF_MAX   30000 /* ms: the ceiling of every later one */
#define BACKOFF_LEAST 20    /* ms: no delay is shorter */
#define LOCKED_FIRST  500   /* ms: the same where a lock was in the way */
#define LOCKED_MAX    5000  /* ms */
#define PAUSE         1000  /* ms */
#define HELD_BACK     250   /* ms: no call may begin, and it is looked again whether one may */

#define PLACES_WITHOUT_SERVER 64

/* ---- lanes ---- */

static struct lane *lane_find(struct queue *queue, const char *incarnation)
{
	struct lane *lane = NULL;

	HASH_FIND_STR(queue->lanes, incarnation, lane);
	return lane;
}

static struct lane *lane_open(struct queue *queue, const char *incarnation)
{
	struct lane *lane = lane_find(queue, incarnation);

	if (lane != NULL)
		return lane;
	lane = calloc(1, sizeof(*lane));
	if (lane == NULL)
		return NULL;
	strcpy(lane->incarnation, incarnation);
	lane->held_up = held_up_is_remembered(queue, incarnation);
	TAILQ_INIT(&lane->jobs);
	HASH_ADD_STR(queue->lanes, incarnation, lane);
	if (lane->hh.tbl != NULL)
		return lane;
	free(lane);
	return NULL;
}

static void lane_close(struct queue *queue, struct lane *lane)
{
	HASH_DEL(queue->lanes, lane);
	free(lane);
}

struct job *queue_find(struct queue *queue, const char *incarnation, const char *id, enum operation_kind kind)
{
	struct lane *lane = lane_find(queue, incarnation);
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

bool queue_has(struct queue *queue, const char *incarnation, unsigned kinds)
{
	struct lane *lane = lane_find(queue, incarnation);
	struct job *job;

	if (lane == NULL)
		return false;
	TAILQ_FOREACH (job, &lane->jobs, in_lane) {
		if ((kinds & (1U << job->kind)) != 0 && job->aim != JOB_CLEANS)
			return true;
	}
	return false;
}

size_t queue_count(struct queue *queue, const char *incarnation)
{
	const struct lane *lane = lane_find(queue, incarnation);

	return lane != NULL ? lane->count : 0;
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
	return host->offering->generation->catalog->timers;
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

static int give_places_after(struct host *host, int64_t delay)
{
	timer_stop(timers_of(host), &host->turn);
	timer_init(&host->turn, on_places, host);
	return timer_start(timers_of(host), &host->turn, delay);
}

static void give_places_in(struct host *host, int64_t delay)
{
	if (give_places_after(host, delay) != 0) {
		host->places.resting_until = 0;
		give_places(host);
	}
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
	if (places_waiting(places) > 0 && !driver_may_call(&host->offering->generation->catalog->context)) {
		(void)give_places_after(host, HELD_BACK); /* without memory, who comes next looks again */
		return;
	}
	for (size_t left = places->count - places->running; left > 0; left--) {
		job = places_next(places, now, &rest);
		if (job == NULL)
			break;
		job->queue->running++;
		job_move(job, JOB_RUNNING);
		job->queue->work->start(job);
	}
	/* One that has ended at once has asked for another turn already, and that is sooner. */
	if (job == NULL && rest > 0)
		give_places_in(host, rest);
}

static void on_turn(void *arg)
{
	struct job *job = arg;

	if (job->host != NULL) {
		job_move(job, JOB_READY);
		places_wait(job);
		give_places(job->host);
	} else if (job->aim == JOB_GIVES_UP) {
		job->queue->work->give_up(job);
	} else { /* nobody can run it before the configuration names its service and server again */
		job_move(job, JOB_STRANDED);
	}
}

/* Jobs begin from the loop, so that an end never recurses into the next beginning. */
static void begin_soon(struct job *job, int64_t delay)
{
	timer_stop(job->queue->catalog->timers, &job->timer);
	timer_init(&job->timer, on_turn, job);
	if (timer_start(job->queue->catalog->timers, &job->timer, delay) != 0)
		on_turn(job);
}

static void stand_in_lane(struct job *job)
{
	job_move(job, job->host != NULL ? JOB_QUEUED : JOB_STRANDED);
}

int queue_push(struct queue *queue, struct job *job)
{
	struct lane *lane = lane_open(queue, job->incarnation);
	struct job *head;

	if (lane == NULL) {
		job_free(job);
		return ERR_NO_MEMORY;
	}
	job_find_host(job); /* while it became durable, the configuration may have changed */
	stand_in_lane(job);
	job->lane = lane;
	TAILQ_INSERT_TAIL(&lane->jobs, job, in_lane);
	lane->count++;
	queue->pending++;
	head = TAILQ_FIRST(&lane->jobs);
	if (head == job)
		begin_soon(job, 0);
	else if (job->kind == OPERATION_REMOVE)
		queue_hurry(queue, job->incarnation);
	return 0;
}

void queue_hurry(struct queue *queue, const char *incarnation)
{
	struct lane *lane = lane_find(queue, incarnation);
	struct job *head = lane != NULL ? TAILQ_FIRST(&lane->jobs) : NULL;

	if (head != NULL && head->state == JOB_BACKOFF)
		begin_soon(head, 0);
}

void queue_hurry_host(struct queue *queue, const struct host *host)
{
	struct lane *lane, *next_lane;

	HASH_ITER (hh, queue->lanes, lane, next_lane) {
		struct job *head = TAILQ_FIRST(&lane->jobs);

		if (head->host == host && head->state == JOB_BACKOFF)
			begin_soon(head, 0);
	}
}

void queue_release_host(struct job *job)
{
	struct host *host = job->host;

	places_free(job, job->lane->held_up, timers_now(job->queue->catalog->timers));
	job->queue->running--;
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
		held_up_remember(job->queue, job->incarnation);
		job->lane->held_up = true;
	} else if (code == 0 || !error_may_pass(code)) {
		job->lane->held_up = held_up_is_remembered(job->queue, job->incarnation);
	}
}

/* Exponential backoff with full jitter: uniformly within a ceiling that doubles. */
void queue_back_off(struct job *job, bool locked)
{
	const int64_t tries = locked ? job->locked : job->attempts - job->locked;
	const int64_t most = locked ? LOCKED_MAX : BACKOFF_MAX;
	int64_t ceiling = locked ? LOCKED_FIRST : BACKOFF_FIRST;

	for (int64_t i = 1; i < tries && ceiling < most; i++)
		ceiling *= 2;
	if (ceiling > most)
		ceiling = most;
	job_move(job, JOB_BACKOFF);
	begin_soon(job, BACKOFF_LEAST + secret_random_below((uint32_t)ceiling));
}

void queue_pause(struct job *job, void (*on_timer)(void *arg))
{
	timer_init(&job->timer, on_timer, job);
	(void)timer_start(job->queue->catalog->timers, &job->timer,
	                  PAUSE); /* without memory it stays so until the next start */
}

void queue_clean(struct job *job)
{
	job->aim = JOB_CLEANS;
	stand_in_lane(job);
	job->attempts = job->locked = 0;
	begin_soon(job, 0);
}

void queue_wait(struct job *job, struct waiter *waiter)
{
	TAILQ_INSERT_TAIL(&job->waiting, waiter, entry);
	job->waiter_count++;
	job->queue->waiting++;
}

void queue_leave(struct job *job, struct waiter *waiter)
{
	TAILQ_REMOVE(&job->waiting, waiter, entry);
	job->waiter_count--;
	job->queue->waiting--;
}

size_t queue_waiters(const struct job *of)
{
	const struct job *job;
	size_t count = 0;

	TAILQ_FOREACH (job, &of->lane->jobs, in_lane)
		count += job->waiter_count;
	return count;
}

void queue_answer(struct job *job, const struct broker_reply *reply)
{
	struct waiter *waiter;

	while ((waiter = TAILQ_FIRST(&job->waiting)) != NULL) {
		queue_leave(job, waiter);
		waiter->on_end(waiter, reply);
	}
}

void queue_end(struct job *job, const struct broker_reply *reply)
{
	struct queue *queue = job->queue;
	struct lane *lane = job->lane;

	TAILQ_REMOVE(&lane->jobs, job, in_lane);
	lane->count--;
	queue->pending--;
	if (TAILQ_EMPTY(&lane->jobs))
		lane_close(queue, lane);
	else
		begin_soon(TAILQ_FIRST(&lane->jobs), 0);
	queue_answer(job, reply);
	job_free(job);
}

/* ---- another configuration ---- */

/* What runs goes on where it began; what frees its run finds its host anew. */
static void move_job(struct job *job)
{
	const enum job_state before = job->state;

	if (before == JOB_RUNNING || before == JOB_SAVING)
		return;
	if (before == JOB_READY)
		places_leave(job);
	job_find_host(job);
	if (before == JOB_BACKOFF)
		return;
	stand_in_lane(job);
	if (before != JOB_QUEUED && job == TAILQ_FIRST(&job->lane->jobs))
		begin_soon(job, 0);
}

void queue_move(struct queue *queue)
{
	struct lane *lane, *next_lane;
	struct job *job;

	HASH_ITER (hh, queue->lanes, lane, next_lane) {
		TAILQ_FOREACH (job, &lane->jobs, in_lane)
			move_job(job);
	}
}

bool queue_give_up(struct job *job)
{
	if (job->state == JOB_SAVING || job->aim == JOB_CLEANS)
		return false;
	job->aim = JOB_GIVES_UP;
	if (job == TAILQ_FIRST(&job->lane->jobs) && job->state != JOB_READY && job->state != JOB_RUNNING)
		begin_soon(job, 0);
	return true;
}

/* ---- the program's stop ---- */

/* Stops whatever could still call back; what the store has in hand finds that its asker is closing. */
void queue_stop(struct queue *queue)
{
	struct lane *lane, *next_lane;
	struct job *job;

	HASH_ITER (hh, queue->lanes, lane, next_lane) {
		TAILQ_FOREACH (job, &lane->jobs, in_lane) {
			timer_stop(queue->catalog->timers, &job->timer);
			job->queue->work->cancel(job);
		}
	}
}

void queue_close(struct queue *queue)
{
	struct lane *lane, *next_lane;
	struct job *job;

	HASH_ITER (hh, queue->lanes, lane, next_lane) {
		while ((job = TAILQ_FIRST(&lane->jobs)) != NULL) {
			TAILQ_REMOVE(&lane->jobs, job, in_lane);
			TAILQ_INIT(&job->waiting);
			job_free(job);
		}
		lane_close(queue, lane);
	}
	held_up_forget_all(queue);
}
