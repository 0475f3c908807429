/* Binds and operations as people see them. An operation is shown from its record and from what the queue knows. */
#include "view/children.h"

#include "queue/queue.h"
#include "records/show.h"
#include "view/old.h"

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

void children_show_operation(const struct view *view, struct text *json, const struct operation *operation)
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

static int show_binds(const struct present *present, struct arena *arena, const struct held_bind *binds, size_t count,
                      struct text *json, struct error *error)
{
	const char *old;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < count; i++) {
		rc = present_compare(present, &binds[i].record, arena, &old, error);
		if (rc != 0)
			break;
		show_comma(json);
		show_bind(json, &binds[i].record, old);
	}
	return rc;
}

int children_show_binds(const struct view *view, struct arena *arena, const struct instance *instance,
                        struct text *json, struct error *error)
{
	struct present present;
	struct held_bind *binds = NULL;
	size_t count = 0;
	int rc = records_read_binds(view->catalog->records, arena, instance->incarnation, &binds, &count, error);

	if (rc != 0)
		return rc;
	rc = present_open(&present, view->catalog, instance, error);
	text_add(json, "[");
	if (rc == 0)
		rc = show_binds(&present, arena, binds, count, json, error);
	text_add(json, "]");
	present_close(&present);
	return rc == 0 && json->failed ? error_no_memory(error) : rc;
}

int children_show_operations(const struct view *view, struct arena *arena, const struct instance *instance,
                             struct text *json, struct error *error)
{
	struct held_operation *operations;
	size_t count = 0;
	int rc =
	    records_read_operations(view->catalog->records, arena, instance->incarnation, &operations, &count, error);

	text_add(json, "[");
	for (size_t i = count; rc == 0 && i > 0; i--) {
		show_comma(json);
		children_show_operation(view, json, &operations[i - 1].record);
	}
	text_add(json, "]");
	return rc == 0 && json->failed ? error_no_memory(error) : rc;
}
