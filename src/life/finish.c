/* The end of an operation: its outcome on the way to the disk. When a record has changed since it was read, the outcome
 * is decided again on what is there now; when the store cannot write, it is tried again after a second. Nobody is
 * answered before. Neighbour: save.c, which says what an outcome leaves in the records. */
#include "life/finish.h"

#include <stdlib.h>
#include <string.h>

#include "base/crash.h"
#include "life/report.h"
#include "life/save.h"
#include "queue/queue.h"
#include "queue/reply.h"

static void save_outcome(struct job *job);

static void drop_follower(struct run *run)
{
	if (run->follower != NULL)
		job_free(run->follower);
	run->follower = NULL;
}

static void on_pause_over(void *arg)
{
	save_outcome(arg);
}

/* The work is done but its result is not on the disk: nobody is told, and it is tried again. */
static void save_later(struct job *job, const struct error *error)
{
	struct log_line line;

	log_begin(&line, life_of(job)->log, LOG_ERROR, "result-not-saved");
	log_text(&line, "operation", job->id);
	log_text(&line, "reason", error->text);
	log_end(&line);
	queue_pause(job, on_pause_over);
}

static const char *outcome_name(const struct job *job)
{
	static const char *const names[] = {
	    [VERDICT_DONE] = "done", [VERDICT_FAILED] = "failed", [VERDICT_CANCELED] = "canceled"};

	return job->aim == JOB_CLEANS ? "cleaned" : names[job->run->verdict];
}

static void after_save(struct job *job)
{
	struct run *run = job->run;
	struct job *follower = run->follower;
	bool failed = run->verdict != VERDICT_DONE;
	struct broker_reply reply = {
	    .code = failed ? job->error.code : 0,
	    .text = failed ? job->error.text : "",
	    .environment = failed ? NULL : run->environment,
	    .environment_count = failed ? 0 : run->environment_count,
	};

	report_try(job, outcome_name(job));
	measure_operation(life_of(job)->measures, job->service, job->kind, job_age(job), outcome_name(job));
	run->follower = NULL;
	if (follower != NULL)
		queue_push(job->queue, follower);
	life_of(job)->on_saved(life_of(job)->arg, job);
	if (job->kind == OPERATION_CREATE && run->verdict == VERDICT_FAILED && job->aim != JOB_CLEANS) {
		queue_answer(job, &reply);
		job->queue->work->forget(job);
		queue_clean(job);
		return;
	}
	queue_end(job, &reply);
}

static void on_saved(void *arg, int code, const struct error *error, uint64_t revision)
{
	struct job *job = arg;

	(void)revision;
	if (life_of(job)->catalog->closing)
		return;
	if (code == 0) {
		crash_point("result:durable");
		after_save(job);
		return;
	}
	drop_follower(job->run);
	if (code == ERR_STALE)
		save_outcome(job);
	else
		save_later(job, error);
}

static int read_saving(struct saving *saving, struct error *error)
{
	struct job *job = saving->job;
	int rc = records_read_operation(life_of(job)->catalog->records, &saving->arena, job->incarnation, job->id,
	                                &saving->operation, error);

	if (rc == 0)
		rc = records_read_instance(life_of(job)->catalog->records, &saving->arena, job->incarnation,
		                           &saving->instance, error);
	return rc;
}

/* The instance went, and its operations with it. */
static void forget_operation(struct saving *saving)
{
	struct operation gone = {.id = saving->job->id, .incarnation = saving->job->incarnation};

	changes_delete_operation(&saving->changes, &gone);
}

static void save_outcome(struct job *job)
{
	struct saving saving = {.job = job, .run = job->run, .wall = timers_wall(job->queue->catalog->timers)};
	struct error error = {0};
	int rc;

	job->run->cleaned = false;
	arena_init(&saving.arena);
	changes_begin(&saving.changes, life_of(job)->catalog->records);
	changes_use_reserve(&saving.changes);
	rc = read_saving(&saving, &error);
	if (rc == 0)
		rc = verb_of(job->kind)->save(&saving, &error);
	else if (rc == ERR_NOT_FOUND) {
		forget_operation(&saving);
		rc = 0;
	}
	if (rc == 0) {
		crash_point("result:before");
		rc = changes_commit(&saving.changes, on_saved, job, &error);
	} else {
		changes_drop(&saving.changes);
	}
	arena_wipe(&saving.arena);
	if (rc != 0) {
		drop_follower(job->run);
		save_later(job, &error);
	}
}

void finish_start(struct job *job, enum verdict verdict)
{
	job_move(job, JOB_SAVING);
	job->run->verdict = verdict;
	save_outcome(job);
}
