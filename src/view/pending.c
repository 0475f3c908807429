/* Operations as people see them: the record, and what the queue knows of it. */
#include "view/pending.h"

#include "queue/queue.h"
#include "records/show.h"

/* What keeps it from ending; the error says more of a lock. */
static const char *waits_for(const struct job *job)
{
	switch (job->state) {
	case JOB_QUEUED:
		return "turn";
	case JOB_STRANDED:
		return "configuration";
	case JOB_READY:
		return "place";
	case JOB_BACKOFF:
		return job->error.code == ERR_LOCKED ? "lock" : "retry";
	case JOB_RUNNING:
	case JOB_SAVING:
		break;
	}
	return NULL;
}

void pending_show(const struct view *view, struct text *json, const struct operation *operation)
{
	const struct job *job = operation_finished(operation->state)
	                            ? NULL
	                            : queue_find(view->queue, operation->incarnation, operation->id, operation->kind);

	if (job == NULL)
		show_operation(json, operation, NULL);
	else
		show_operation(json, operation,
		               &(struct progress){.running = job->state == JOB_RUNNING,
		                                  .waits_for = waits_for(job),
		                                  .attempts = job->attempts,
		                                  .error = job->error.code != 0 ? job->error.text : NULL});
}
