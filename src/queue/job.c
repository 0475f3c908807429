/* A job from its making to its end; when it runs is in queue.c. */
#include "queue/job.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/places.h"

void job_find_host(struct job *job)
{
	struct offering *offering = catalog_offering(job->queue->catalog, job->service);
	const char *server = job->server[0] != '\0' ? job->server : NULL;

	job->host = offering != NULL ? offering_host(offering, server) : NULL;
}

struct job *job_make(struct queue *queue, const struct instance *instance, enum operation_kind kind)
{
	struct job *job = calloc(1, sizeof(*job));

	if (job == NULL)
		return NULL;
	job->queue = queue;
	job->kind = kind;
	snprintf(job->service, sizeof(job->service), "%s", instance->service);
	if (instance->server != NULL)
		snprintf(job->server, sizeof(job->server), "%s", instance->server);
	job_find_host(job);
	snprintf(job->team, sizeof(job->team), "%s", instance->team != NULL ? instance->team : "");
	strcpy(job->incarnation, instance->incarnation);
	TAILQ_INIT(&job->waiting);
	return job;
}

struct job *job_new(struct queue *queue, const struct instance *instance, enum operation_kind kind)
{
	struct job *job = job_make(queue, instance, kind);

	if (job == NULL)
		return NULL;
	records_next_id(queue->catalog->records, job->id);
	job->created_at = timers_wall(queue->catalog->timers);
	job->accepted = timers_now(queue->catalog->timers);
	return job;
}

#define IS(state) (1U << (state))

static const unsigned moves[] = {
    [JOB_QUEUED] = IS(JOB_QUEUED) | IS(JOB_STRANDED) | IS(JOB_READY),
    [JOB_STRANDED] = IS(JOB_QUEUED) | IS(JOB_STRANDED) | IS(JOB_SAVING), /* saved at once: given up without a host */
    [JOB_READY] = IS(JOB_QUEUED) | IS(JOB_STRANDED) | IS(JOB_RUNNING),
    [JOB_RUNNING] = IS(JOB_BACKOFF) | IS(JOB_SAVING),
    [JOB_BACKOFF] = IS(JOB_STRANDED) | IS(JOB_READY) | IS(JOB_SAVING), /* likewise */
    [JOB_SAVING] = IS(JOB_QUEUED) | IS(JOB_STRANDED),                  /* a create that now cleans up */
};

void job_move(struct job *job, enum job_state next)
{
	assert((moves[job->state] & IS(next)) != 0);
	job->state = next;
}

int64_t job_age(const struct job *job)
{
	return timers_now(job->queue->catalog->timers) - job->accepted;
}

void job_free(struct job *job)
{
	assert(TAILQ_EMPTY(&job->waiting));
	timer_stop(job->queue->catalog->timers, &job->timer);
	if (job->waiting_in != NULL)
		places_leave(job);
	job->queue->work->forget(job);
	free(job);
}
