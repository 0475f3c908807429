/* The way of every request: decide on what the store says, commit, decide again when somebody was faster, wait. */
#include "requests/intent.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/crash.h"
#include "life/report.h"
#include "queue/queue.h"
#include "requests/noted.h"
#include "requests/repeat.h"

#define ROUNDS_MAX  50   /* decisions for one request before it is told to come again */
#define AGAIN_DELAY 2    /* ms */
#define WAIT_LOOK   2000 /* ms between two looks whether it is worth to wait on */

static void intent_decide(struct intent *intent);

static void drop_jobs(struct intent *intent)
{
	struct job *job;

	while ((job = TAILQ_FIRST(&intent->jobs)) != NULL) {
		TAILQ_REMOVE(&intent->jobs, job, in_lane);
		job_free(job);
	}
}

/* What a decision took comes to nothing. */
static void let_go(struct intent *intent)
{
	drop_jobs(intent);
	reserve_give_back(intent->requests->catalog->records, &intent->taken);
}

static void intent_drop(struct intent *intent)
{
	timer_stop(intent->requests->catalog->timers, &intent->timer);
	copies_leave(intent->requests, &intent->copy);
	let_go(intent);
	if (intent->offering != NULL)
		generation_drop(intent->offering->generation);
	TAILQ_REMOVE(&intent->requests->intents, intent, in_requests);
	arena_wipe(&intent->arena);
	free(intent);
}

static void intent_end(struct intent *intent, const struct broker_reply *reply)
{
	crash_point("reply:before");
	intent->on_done(intent->arg, reply);
	intent_drop(intent);
}

/* Replies success, or the error that there is. */
static void intent_answer(struct intent *intent)
{
	struct broker_reply reply = {.code = intent->error.code, .text = intent->error.text};

	intent_end(intent, &reply);
}

static void on_answer(void *arg)
{
	intent_answer(arg);
}

/* Replies from the loop's next turn: never inside the call that asked. */
static void answer_soon(struct intent *intent)
{
	timer_init(&intent->timer, on_answer, intent);
	if (timer_start(intent->requests->catalog->timers, &intent->timer, 0) != 0)
		intent_answer(intent);
}

static void on_again(void *arg)
{
	intent_decide(arg);
}

static void decide_later(struct intent *intent, int64_t delay)
{
	const struct broker_request *request = intent->request;

	if (++intent->rounds > ROUNDS_MAX) {
		error_set(&intent->error, ERR_BUSY, "too many requests change the instance \"%s\" at once; try again",
		          request->incarnation != NULL ? request->incarnation : request->instance);
		answer_soon(intent);
		return;
	}
	timer_init(&intent->timer, on_again, intent);
	if (timer_start(intent->requests->catalog->timers, &intent->timer, delay) != 0) {
		error_no_memory(&intent->error);
		intent_answer(intent);
	}
}

/* ---- waiting ---- */

/* The wait is over before the operation: what can be said without it is said; the work goes on. */
static void on_wait_over(struct intent *intent)
{
	struct job *job = intent->join;
	const char *failure = job->error.code != 0 ? job->error.text : "";
	struct broker_reply reply = {.pending = true, .text = ""};
	bool creating = TAILQ_FIRST(&job->lane->jobs)->kind == OPERATION_CREATE;

	queue_leave(job, &intent->waiter);
	if ((intent->what->flags & INTENT_NEEDS_ANSWER) != 0) {
		error_set(&intent->error, creating ? ERR_NOT_READY : ERR_UNAVAILABLE,
		          creating ? "the instance \"%s\" is still being created; repeat this in a moment%s%s%s"
		                   : "the server of the instance \"%s\" has not answered yet; the work goes on, repeat "
		                     "this in a moment%s%s%s",
		          intent->request->instance, failure[0] != '\0' ? " (last failure: " : "", failure,
		          failure[0] != '\0' ? ")" : "");
		intent_answer(intent);
		return;
	}
	intent_end(intent, &reply);
}

/* Its server is known to be down, or is not configured: it will be a while. */
static bool is_out_of_reach(const struct job *job)
{
	return job->state == JOB_STRANDED || (job->host != NULL && job->host->health == HOST_DOWN);
}

static void wait_on(struct intent *intent);

static void on_look(void *arg)
{
	struct intent *intent = arg;
	const int64_t left = intent->wait_until - timers_now(intent->requests->catalog->timers);

	if (left <= 0 || is_out_of_reach(intent->join))
		on_wait_over(intent);
	else
		wait_on(intent);
}

/* Whoever changes something has been promised it, and need not stay for a server that does not answer; a bind has no
 * answer without its work. */
static void wait_on(struct intent *intent)
{
	struct timers *timers = intent->requests->catalog->timers;
	const int64_t left = intent->wait_until - timers_now(timers);
	const bool looks = (intent->what->flags & INTENT_NEEDS_ANSWER) == 0 && left > WAIT_LOOK;

	timer_init(&intent->timer, on_look, intent);
	if (timer_start(timers, &intent->timer, looks ? WAIT_LOOK : left) != 0)
		on_wait_over(intent);
}

static void on_end(struct waiter *waiter, const struct broker_reply *reply)
{
	intent_end((struct intent *)((char *)waiter - offsetof(struct intent, waiter)), reply);
}

/* One instance's requests do not take the places of all others': beyond its share none waits. */
static int64_t wait_of(const struct intent *intent)
{
	const struct service *service = intent->offering->service;

	if ((int64_t)queue_waiters(intent->join) > catalog_config(intent->requests->catalog)->limits.pending)
		return 0;
	return (intent->what->flags & INTENT_NEEDS_ANSWER) != 0 ? service->bind_wait : service->wait;
}

static void wait_for(struct intent *intent, struct job *job)
{
	intent->join = job;
	intent->waiter.on_end = on_end;
	queue_wait(job, &intent->waiter);
	intent->wait_until = timers_now(intent->requests->catalog->timers) + wait_of(intent);
	wait_on(intent);
}

/* ---- deciding and committing ---- */

static void note_ended(const struct intent *intent)
{
	const int64_t age = timers_now(intent->requests->catalog->timers) - intent->ended_since;

	report_ended(intent->requests->life, intent->ended, intent->ended_about, age);
	measure_operation(intent->requests->life->measures, intent->ended_about->service, intent->ended->kind, age,
	                  "done");
}

static void on_commit(void *arg, int code, const struct error *error, uint64_t revision)
{
	struct intent *intent = arg;
	struct job *job, *last = NULL;

	(void)revision;
	if (intent->requests->catalog->closing)
		return;
	copies_leave(intent->requests, &intent->copy);
	reserve_give_back(intent->requests->catalog->records, &intent->taken);
	if (code == ERR_STALE || (code == 0 && intent->again)) {
		drop_jobs(intent);
		decide_later(intent, 0);
		return;
	}
	if (code != 0) {
		drop_jobs(intent);
		if (intent->error.code == 0) /* what is refused is, also where that cannot be noted */
			intent->error = *error;
		intent_answer(intent);
		return;
	}
	crash_point("intent:durable");
	if (intent->ended != NULL)
		note_ended(intent);
	while ((job = TAILQ_FIRST(&intent->jobs)) != NULL) {
		TAILQ_REMOVE(&intent->jobs, job, in_lane);
		last = job;
		if (queue_push(intent->requests->queue, job) != 0)
			error_no_memory(&intent->error);
	}
	if (last == NULL || (intent->what->flags & INTENT_NO_WAIT) != 0 || intent->error.code != 0)
		intent_answer(intent);
	else
		wait_for(intent, last);
}

static void intent_commit(struct intent *intent)
{
	struct error error;

	crash_point("intent:before");
	if (changes_commit(&intent->changes, on_commit, intent, &error) == 0) {
		copies_enter(intent->requests, &intent->copy);
		return;
	}
	if (intent->error.code == 0)
		intent->error = error;
	let_go(intent);
	answer_soon(intent);
}

/* ---- copies of forwarded requests ---- */

static void on_known(struct copy *copy)
{
	decide_later((struct intent *)((char *)copy - offsetof(struct intent, copy)), 0);
}

/* Whoever waited for the create did not live to be told of its failure: this one is, and nothing of it has to stay. */
static enum intent_next tell_cleaning(struct intent *intent, struct held_operation *held)
{
	if (held->record.told)
		return INTENT_REFUSE;
	held->record.told = true;
	changes_put_operation(&intent->changes, &held->record, held->revision);
	return INTENT_NOTE_REFUSAL;
}

static enum intent_next decide_repeated(struct intent *intent, struct held_operation *held)
{
	const struct operation *operation = &held->record;

	if ((intent->what->flags & INTENT_NO_WAIT) != 0 || operation->state == OPERATION_DONE)
		return INTENT_ANSWER;
	if (operation->state == OPERATION_PENDING)
		return intent_join(intent, operation->incarnation, operation->id, operation->kind);
	error_set(&intent->error, operation->error_code != 0 ? -(int)operation->error_code : ERR_REFUSED, "%s",
	          operation->error != NULL ? operation->error : "it failed; no reason is known");
	return operation->state == OPERATION_CLEANING ? tell_cleaning(intent, held) : INTENT_REFUSE;
}

static enum intent_next decide(struct intent *intent)
{
	struct held_operation held;
	enum repeat found = REPEAT_NONE;
	enum intent_next next;

	if (intent->copy.id != NULL)
		found = repeat_look(intent->requests->catalog->records, &intent->arena, intent->request, &held,
		                    &intent->error);
	if (found == REPEAT_DONE)
		return INTENT_ANSWER;
	if (found == REPEAT_FAILED)
		return INTENT_REFUSE;
	if (found == REPEAT_NONE)
		return intent->what->decide(intent);
	if ((intent->what->flags & INTENT_NEEDS_ANSWER) == 0 || held.record.state != OPERATION_DONE)
		return decide_repeated(intent, &held);
	intent->repeated = &held.record;
	next = intent->what->decide(intent);
	intent->repeated = NULL;
	return next;
}

static void intent_decide(struct intent *intent)
{
	enum intent_next next;

	if (copies_wait(intent->requests, &intent->copy))
		return;
	arena_wipe(&intent->arena);
	intent->ended = NULL;
	changes_begin(&intent->changes, intent->requests->catalog->records);
	next = decide(intent);
	intent->again = next == INTENT_COMMIT_AGAIN;
	if (next != INTENT_REFUSE && next != INTENT_NOTE_REFUSAL)
		error_clear(&intent->error); /* what was not found, and need not be */
	if (next == INTENT_COMMIT || next == INTENT_COMMIT_AGAIN || next == INTENT_NOTE_REFUSAL) {
		intent_commit(intent);
		return;
	}
	changes_drop(&intent->changes);
	let_go(intent);
	if (next == INTENT_JOIN) {
		queue_hurry(intent->requests->queue, intent->join->incarnation); /* somebody wants it now */
		wait_for(intent, intent->join);
	} else if (next == INTENT_AGAIN) {
		decide_later(intent, AGAIN_DELAY);
	} else {
		answer_soon(intent);
	}
}

/* The request came under an earlier configuration, and has waited since: for another broker to be the active one, or
 * for its login's turn. */
static void refuse_past(struct intent *intent)
{
	error_set(&intent->error, ERR_UNAVAILABLE,
	          "the service \"%s\" was taken out of the broker's configuration while this waited",
	          intent->request->service->name);
	answer_soon(intent);
}

void requests_ask(struct requests *requests, const struct asked *what, const struct broker_request *request,
                  broker_done *on_done, void *arg)
{
	struct broker_reply reply = {.code = ERR_NO_MEMORY, .text = "the broker is out of memory"};
	struct intent *intent = calloc(1, sizeof(*intent));

	if (intent == NULL) {
		on_done(arg, &reply);
		return;
	}
	*intent = (struct intent){
	    .requests = requests,
	    .what = what,
	    .request = request,
	    .copy = {.id = request->caller.repeat, .on_known = on_known},
	    .offering = request->service != NULL ? catalog_offering(requests->catalog, request->service->name) : NULL,
	    .on_done = on_done,
	    .arg = arg,
	};
	if (intent->offering != NULL)
		generation_hold(intent->offering->generation);
	arena_init(&intent->arena);
	TAILQ_INIT(&intent->jobs);
	TAILQ_INSERT_TAIL(&requests->intents, intent, in_requests);
	if (request->service != NULL && intent->offering == NULL)
		refuse_past(intent);
	else
		intent_decide(intent);
}

void requests_give_up_all(struct requests *requests)
{
	const struct broker_reply reply = {.code = ERR_UNAVAILABLE,
	                                   .text = "this broker is not the active one any more"};
	struct intent *intent;

	while ((intent = TAILQ_FIRST(&requests->intents)) != NULL)
		intent_end(intent, &reply);
	noted_tell_all(requests);
}

void requests_drop_all(struct requests *requests)
{
	struct intent *intent;

	while ((intent = TAILQ_FIRST(&requests->intents)) != NULL)
		intent_drop(intent);
	noted_drop_all(requests);
}

/* ---- for decisions ---- */

static struct operation new_operation(const struct intent *intent, const struct instance *instance,
                                      const struct operation *model)
{
	const struct caller *caller = &intent->request->caller;
	struct operation operation = *model;

	operation.incarnation = instance->incarnation;
	operation.state = OPERATION_PENDING;
	operation.event = caller->event;
	operation.user = caller->user;
	operation.request = caller->request;
	operation.trace = caller->trace;
	operation.repeat = caller->repeat;
	return operation;
}

int intent_add_operation(struct intent *intent, const struct instance *instance, const struct operation *model,
                         const char **ret_id)
{
	struct operation operation = new_operation(intent, instance, model);
	struct job *job = job_new(intent->requests->queue, instance, model->kind);

	if (job == NULL)
		return error_no_memory(&intent->error);
	TAILQ_INSERT_TAIL(&intent->jobs, job, in_lane);
	operation.id = arena_text(&intent->arena, job->id);
	if (operation.id == NULL)
		return error_no_memory(&intent->error);
	operation.created_at = job->created_at;
	changes_put_operation(&intent->changes, &operation, REVISION_ABSENT);
	if (ret_id != NULL)
		*ret_id = operation.id;
	return 0;
}

int intent_add_ended(struct intent *intent, const struct instance *instance, enum operation_kind kind)
{
	const int64_t wall = timers_wall(intent->requests->catalog->timers);
	struct operation *operation = arena_alloc(&intent->arena, sizeof(*operation));
	struct instance *about = arena_alloc(&intent->arena, sizeof(*about));
	char *id = arena_alloc(&intent->arena, OPERATION_ID_LENGTH + 1);

	if (arena_failed(&intent->arena))
		return error_no_memory(&intent->error);
	records_next_id(intent->requests->catalog->records, id);
	*operation = new_operation(intent, instance, &(struct operation){.kind = kind});
	operation->id = id;
	operation->state = OPERATION_DONE;
	operation->created_at = operation->finished_at = wall;
	*about = *instance;
	intent->ended = operation;
	intent->ended_about = about;
	intent->ended_since = timers_now(intent->requests->catalog->timers);
	changes_put_operation(&intent->changes, operation, REVISION_ABSENT);
	changes_put_ending(&intent->changes, operation, about, NULL, wall);
	return 0;
}

enum intent_next intent_join(struct intent *intent, const char *incarnation, const char *id, enum operation_kind kind)
{
	intent->join = queue_find(intent->requests->queue, incarnation, id, kind);
	return intent->join != NULL ? INTENT_JOIN : INTENT_AGAIN;
}
