/* The line that the log has of an operation. */
#include "life/report.h"

static void log_operation(const struct life *life, const char *outcome, const struct operation *operation,
                          const struct instance *instance, int64_t duration, const struct error *error)
{
	const bool failed = error->code != 0;
	struct log_line line;

	log_begin(&line, life->log, failed ? LOG_WARNING : LOG_INFO, "operation");
	log_text(&line, "kind", operation_kind_name(operation->kind));
	log_text(&line, "outcome", outcome);
	log_text(&line, "operation", operation->id);
	log_text(&line, "service", instance->service);
	log_text(&line, "instance", instance->name);
	log_text(&line, "resource", instance->resource);
	log_text(&line, "server", instance->server);
	log_text(&line, "bind", operation->bind_name);
	log_number(&line, "attempts", operation->attempts);
	log_number(&line, "duration_ms", duration);
	log_text(&line, "request", operation->request);
	log_text(&line, "user", operation->user);
	log_text(&line, "tsuru_event", operation->event);
	log_text(&line, "trace", operation->trace);
	log_text(&line, "error", failed ? error_name(error->code) : NULL);
	log_text(&line, "reason", failed ? error->text : NULL);
	log_end(&line);
}

void report_try(const struct job *job, const char *outcome)
{
	const struct run *run = job->run;
	struct operation operation = run->operation.record;

	operation.kind = job->kind;
	operation.id = job->id;
	operation.attempts = job->attempts;
	log_operation(life_of(job), outcome, &operation, &run->instance.record,
	              timers_now(job->queue->catalog->timers) - run->started, &job->error);
}

void report_ended(const struct life *life, const struct operation *operation, const struct instance *instance,
                  int64_t age)
{
	log_operation(life, "done", operation, instance, age, &(struct error){0});
}
