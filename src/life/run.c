/* Attempts: reads the operation's records, calls the driver, and passes the outcome to the queue or to finish.c. */

#include <stdlib.h>
#include <string.h>

#include "life/environment.h"
#include "life/finish.h"
#include "life/promise.h"
#include "life/report.h"
#include "life/save.h"
#include "life/seal.h"
#include "queue/queue.h"
#include "watch/watch.h"

static void run_cancel(struct job *job)
{
	if (job->run != NULL)
		call_cancel(&job->run->call);
}

static void run_free(struct job *job)
{
	struct run *run = job->run;

	if (run == NULL)
		return;
	if (run->follower != NULL)
		job_free(run->follower);
	call_cancel(&run->call);
	call_release(&run->call);
	arena_wipe(&run->arena);
	if (run->generation != life_of(job)->catalog->present)
		job_find_host(job);
	generation_drop(run->generation);
	free(run);
	job->run = NULL;
}

/* ---- reading ---- */

static int read_records(struct job *job, struct error *error)
{
	struct run *run = job->run;
	const struct operation *operation = &run->operation.record;
	int rc = records_read_operation(life_of(job)->catalog->records, &run->arena, job->incarnation, job->id,
	                                &run->operation, error);

	if (rc == 0)
		rc = records_read_instance(life_of(job)->catalog->records, &run->arena, job->incarnation,
		                           &run->instance, error);
	if (rc == 0 && verb_of(job->kind)->bind)
		rc = records_read_bind(life_of(job)->catalog->records, &run->arena, KEYSPACE_BINDS, job->incarnation,
		                       operation->bind_kind, operation->bind_name, &run->bind, error);
	return rc;
}

/* A login whose unbind was accepted and has not been done is not brought back with the others: it stays shut. */
static bool is_meant(const struct job *job, const struct bind *bind)
{
	return job->kind != OPERATION_RESTORE || bind->state == BIND_BOUND;
}

static int read_binds(struct job *job, struct error *error)
{
	struct run *run = job->run;
	struct held_bind *held = NULL;
	struct bind *binds;
	size_t count = 0;
	int rc =
	    records_read_binds(life_of(job)->catalog->records, &run->arena, job->incarnation, &held, &count, error);

	if (rc != 0)
		return rc;
	binds = arena_alloc(&run->arena, (count + 1) * sizeof(*binds));
	if (binds == NULL)
		return error_no_memory(error);
	run->call.binds = binds;
	for (size_t i = 0; i < count; i++)
		if (is_meant(job, &held[i].record))
			binds[run->call.bind_count++] = held[i].record;
	return 0;
}

static int open_password(struct job *job, struct error *error)
{
	const struct bind *bind = &job->run->bind.record;

	return seal_open(life_of(job)->keyring, &job->run->arena, bind, "", bind->secret, bind->secret_length,
	                 &job->run->call.password, error);
}

static int open_kept(struct job *job, struct error *error)
{
	const struct bind *bind = &job->run->bind.record;

	if (bind->kept == NULL)
		return 0;
	return seal_open(life_of(job)->keyring, &job->run->arena, bind, BIND_KEPT_CONTEXT, bind->kept,
	                 bind->kept_length, &job->run->call.kept, error);
}

static int find_plan(struct job *job, struct error *error)
{
	struct run *run = job->run;
	const struct service *service = job->host->offering->service;
	const struct instance *instance = &run->instance.record;
	const bool wanted = verb_of(job->kind)->plan == PLAN_WANTED || instance->plan == NULL;
	const char *name = wanted ? instance->wanted_plan : instance->plan;

	run->call.plan = service_plan(service, name);
	if (run->call.plan == NULL)
		return error_set(error, ERR_INVALID, "the plan \"%s\" is no longer offered by the service \"%s\"", name,
		                 service->name);
	run->plan = run->call.plan->name;
	return 0;
}

/* What is promised says how it goes. */
static int prepare_removal(struct job *job, struct error *error)
{
	struct run *run = job->run;
	int rc =
	    promise_of(life_of(job), &run->arena, &run->instance.record, &run->operation.record, &run->retain, error);

	if (run->retain > 0)
		run->call.kind = CALL_RETIRE;
	run->call.retired = run->instance.record.retained_until > 0;
	return rc;
}

/* Fills the call by the operation's kind and record. */
static int prepare(struct job *job, struct error *error)
{
	struct run *run = job->run;
	const struct operation *operation = &run->operation.record;
	const struct verb *verb = verb_of(job->kind);
	int rc = 0;

	run->call.kind = verb->call;
	run->call.mends = verb->plan == PLAN_WANTED && operation->mends;
	run->call.keep_owner = operation->keep_owner;
	run->call.renew = verb->secret && operation->renew;
	run->call.action = operation->action;
	run->call.parameters = operation->parameters;
	run->call.unit = operation->unit;
	if (verb->plan != PLAN_NONE)
		rc = find_plan(job, error);
	if (rc == 0 && verb->bind)
		run->call.bind = &run->bind.record;
	if (rc == 0 && verb->secret)
		rc = open_password(job, error);
	if (rc == 0 && verb->secret)
		rc = open_kept(job, error);
	if (rc == 0 && job->kind == OPERATION_REMOVE)
		rc = prepare_removal(job, error);
	if (rc == 0 && verb->binds)
		rc = read_binds(job, error);
	return rc;
}

/* ---- the attempt's end ---- */

static bool is_removal(const struct job *job)
{
	return verb_of(job->kind)->removal || job->aim == JOB_CLEANS;
}

static bool is_over_age(const struct job *job)
{
	return job_age(job) > job->host->offering->service->retry_for;
}

static bool is_expired(const struct job *job)
{
	return !is_removal(job) && is_over_age(job) && timers_now(job->queue->catalog->timers) >= job->until;
}

/* A server that is at work on it says so each time, and may take that back; one that is busy may put the end off until
 * the age is reached, and not for ever. */
static void take_until(struct job *job, int code)
{
	const int64_t until = job->run->call.until;

	if (until != 0 && (until < job->until || code == ERR_LOCKED || !is_over_age(job)))
		job->until = until;
}

/* The sentence that says so, with the last failure behind it. */
static void tell_canceled(struct job *job)
{
	const struct error last = job->error;

	error_set(&job->error, ERR_CANCELED, "an operator canceled it%s%s",
	          last.code != 0 ? "; the last failure: " : "", last.code != 0 ? last.text : "");
}

static const char *outcome_name(int code)
{
	if (code == ERR_LOCKED)
		return "locked";
	return code == 0 ? "done" : error_may_pass(code) ? "may-pass" : "refused";
}

/* A lock may be held for days and is tried every few seconds: the log tells ever more rarely. */
static void try_later(struct job *job, int code)
{
	const bool locked = code == ERR_LOCKED;

	job->locked += locked;
	if (!locked || (job->locked & (job->locked - 1)) == 0)
		report_try(job, "retry");
	run_free(job);
	queue_back_off(job, locked);
}

static void end_attempt(struct job *job, int code, const struct error *outcome)
{
	measure_attempt(life_of(job)->measures, job, outcome_name(code));
	queue_judge(job, code);
	queue_release_host(job);
	if (code == 0) {
		error_clear(&job->error);
		finish_start(job, VERDICT_DONE);
		return;
	}
	job->error = *outcome;
	take_until(job, code);
	if (error_may_pass(code) && queue_is_doomed(job) && !is_removal(job)) {
		error_set(&job->error, ERR_CANCELED, "the instance \"%s\" is being removed",
		          job->run->instance.record.name);
		finish_start(job, VERDICT_CANCELED);
	} else if (error_may_pass(code) && job->aim != JOB_GIVES_UP && !is_expired(job)) {
		try_later(job, code);
	} else {
		if (error_may_pass(code) && job->aim == JOB_GIVES_UP)
			tell_canceled(job);
		finish_start(job, VERDICT_FAILED);
	}
}

static void on_settled(struct driver_call *call, int code, const struct error *error)
{
	struct job *job = call->arg;
	struct error outcome = *error;

	if (code == 0 && call->kind == CALL_BIND)
		code = environment_render(job, &outcome);
	end_attempt(job, code, &outcome);
}

/* Another operation was accepted for the bind since. */
static bool is_overtaken(const struct job *job)
{
	return job->kind == OPERATION_UNBIND && !same_text(job->run->bind.record.operation, job->id);
}

/* An operation that something later made pointless; sets the sentence that says so. */
static bool is_pointless(struct job *job)
{
	const struct instance *instance = &job->run->instance.record;
	bool removal = is_removal(job);

	if (instance->state == INSTANCE_REMOVAL_FAILED &&
	    (job->kind == OPERATION_DENY_UNIT || job->kind == OPERATION_UNBIND))
		return false; /* it takes access away from what is there */
	if ((instance->state == INSTANCE_REMOVING || instance->state == INSTANCE_REMOVAL_FAILED) &&
	    (!removal || is_overtaken(job))) {
		error_set(&job->error, ERR_CANCELED, "the instance \"%s\" is being removed", instance->name);
		return true;
	}
	if (instance->state == INSTANCE_RETAINED && !removal && job->kind != OPERATION_RESTORE) {
		error_set(&job->error, ERR_CANCELED, "the instance \"%s\" is removed", instance->name);
		return true;
	}
	if (instance->state == INSTANCE_FAILED && !removal) {
		error_set(&job->error, ERR_CANCELED, "the instance \"%s\" could not be created%s%s", instance->name,
		          instance->failure != NULL ? ": " : "", instance->failure != NULL ? instance->failure : "");
		return true;
	}
	return false;
}

static int start_call(struct job *job)
{
	struct driver_call *call = &job->run->call;
	const struct offering *offering = job->host->offering;

	if (job->aim == JOB_CLEANS)
		call->kind = CALL_DEPROVISION;
	call->backend = offering->backend;
	call->server = job->host->server;
	call->store = life_of(job)->mark->store;
	call->seal = life_of(job)->mark->seal;
	if (offering->backend->driver->marks && job->host->server != NULL)
		call->mark = arena_text(&job->run->arena, life_of(job)->mark->text);
	if (arena_failed(&job->run->arena))
		return ERR_NO_MEMORY;
	call->instance = &job->run->instance.record;
	call->timeout = offering->service->attempt_timeout;
	call->on_settled = on_settled;
	call->arg = job;
	return call_start(call);
}

static struct run *new_run(struct job *job, struct generation *generation)
{
	struct run *run = calloc(1, sizeof(*run));

	if (run == NULL)
		return NULL;
	job->run = run;
	run->generation = generation;
	generation_hold(run->generation);
	arena_init(&run->arena);
	call_init(&run->call);
	run->started = timers_now(job->queue->catalog->timers);
	return run;
}

static void run_give_up(struct job *job)
{
	if (new_run(job, life_of(job)->catalog->present) == NULL)
		return; /* it stays pending, and can be given up again */
	(void)read_records(job, &job->error);
	tell_canceled(job);
	finish_start(job, VERDICT_FAILED);
}

/* What the beginning of an attempt comes to. */
enum beginning {
	BEGUN,      /* its call is under way */
	NO_MEMORY,  /* it comes again */
	SHUT_OUT,   /* nothing may be done on the server, or it has not answered yet */
	POINTLESS,  /* job->error says by what */
	GIVEN_UP,   /* by an operator */
	GONE,       /* what it was about is */
	IMPOSSIBLE, /* job->error says why */
};

static enum beginning begin(struct job *job)
{
	int rc;

	if (new_run(job, job->host->offering->generation) == NULL)
		return NO_MEMORY;
	rc = read_records(job, &job->error);
	if (rc == 0 && is_pointless(job))
		return POINTLESS;
	if (rc == 0 && job->aim == JOB_GIVES_UP)
		return GIVEN_UP;
	if (rc == 0)
		rc = prepare(job, &job->error);
	if (rc == 0 && job->host->fence == FENCE_SHUT)
		return SHUT_OUT;
	if (rc == 0)
		rc = start_call(job);
	if (rc == 0)
		return BEGUN;
	return rc == ERR_NO_MEMORY ? NO_MEMORY : rc == ERR_NOT_FOUND ? GONE : IMPOSSIBLE;
}

static void fail_at_fence(struct job *job)
{
	struct host *host = job->host;
	struct error outcome;

	error_set(&outcome, ERR_UNAVAILABLE, "%s", host->reason);
	end_attempt(job, outcome.code, &outcome);
	watch_check_soon(host);
}

/* The verdict on an attempt that made no call. */
static enum verdict verdict_of(struct job *job, enum beginning beginning)
{
	if (beginning == GONE)
		error_set(&job->error, ERR_CANCELED, "what the operation was about is gone");
	if (beginning == GIVEN_UP)
		tell_canceled(job);
	if (beginning == GONE && is_removal(job))
		return VERDICT_DONE;
	return beginning == GONE || beginning == POINTLESS ? VERDICT_CANCELED : VERDICT_FAILED;
}

static void run_start(struct job *job)
{
	enum beginning beginning;

	job->attempts++;
	beginning = begin(job);
	if (beginning == SHUT_OUT) {
		fail_at_fence(job);
	} else if (beginning != BEGUN) {
		queue_release_host(job);
		if (beginning == NO_MEMORY) {
			run_free(job);
			queue_back_off(job, false);
		} else {
			finish_start(job, verdict_of(job, beginning));
		}
	}
}

const struct queue_work life_work = {
    .start = run_start,
    .give_up = run_give_up,
    .cancel = run_cancel,
    .forget = run_free,
};
