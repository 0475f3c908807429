/* Results: what each kind of operation leaves in the store, by its verdict; and the table of kinds. */
#include "life/save.h"

#include <string.h>

#include "life/promise.h"
#include "queue/queue.h"
#include "records/forget.h"

/* ms that what could not be brought back or dropped stays locked away, at least */
#define RETAINED_AGAIN (3600 * 1000)

/* ---- the operation's own record ---- */

static int move_operation(struct saving *saving, enum operation_state next, struct error *error)
{
	struct operation *operation = &saving->operation.record;
	int rc = operation_move(operation, next, error);

	if (rc != 0)
		return rc;
	operation->attempts += saving->job->attempts;
	if (next != OPERATION_DONE && saving->job->aim != JOB_CLEANS) {
		operation->error = saving->job->error.text;
		operation->error_code = -saving->job->error.code;
	}
	if (operation_finished(next))
		operation->finished_at = saving->wall;
	changes_put_operation(&saving->changes, operation, saving->operation.revision);
	return 0;
}

/* The oldest finished operations of the instance go when there are more than the limit. */
static int prune_history(struct saving *saving, struct error *error)
{
	struct held_operation *operations;
	size_t count, finished = 1;
	int rc = records_read_operations(life_of(saving->job)->catalog->records, &saving->arena,
	                                 saving->job->incarnation, &operations, &count, error);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < count; i++)
		finished += operation_finished(operations[i].record.state);
	for (size_t i = 0;
	     i < count && (int64_t)finished > catalog_config(life_of(saving->job)->catalog)->limits.history; i++) {
		if (!operation_finished(operations[i].record.state))
			continue;
		changes_delete_operation(&saving->changes, &operations[i].record);
		finished--;
	}
	return 0;
}

static void put_audit(struct saving *saving, const char *outcome)
{
	struct operation operation = saving->operation.record;

	operation.error = saving->run->verdict != VERDICT_DONE ? saving->job->error.text : NULL;
	changes_put_ending(&saving->changes, &operation, &saving->instance.record, outcome, saving->wall);
}

static int end_operation(struct saving *saving, struct error *error)
{
	static const enum operation_state ends[] = {
	    [VERDICT_DONE] = OPERATION_DONE,
	    [VERDICT_FAILED] = OPERATION_FAILED,
	    [VERDICT_CANCELED] = OPERATION_CANCELED,
	};
	enum operation_state next = saving->job->aim == JOB_CLEANS ? OPERATION_FAILED : ends[saving->run->verdict];
	int rc = move_operation(saving, next, error);

	put_audit(saving, operation_state_name(next));
	return rc != 0 ? rc : prune_history(saving, error);
}

/* ---- instances ---- */

static void put_instance(struct saving *saving)
{
	saving->instance.record.updated_at = saving->wall;
	changes_put_instance(&saving->changes, KEYSPACE_INSTANCES, &saving->instance.record, saving->instance.revision);
}

static int forget_instance(struct saving *saving, struct error *error)
{
	int rc = forget_records(&saving->arena, &saving->changes, &saving->instance, error);

	put_audit(saving, saving->run->verdict == VERDICT_DONE && saving->job->aim != JOB_CLEANS ? "done" : "failed");
	if (rc == 0)
		saving->run->cleaned = true;
	return rc;
}

/* For tsuru it is gone; its records stay until it is dropped or brought back. */
static int retain_instance(struct saving *saving, struct error *error)
{
	struct instance *instance = &saving->instance.record;
	int rc = forget_name(&saving->arena, &saving->changes, instance, error);

	if (rc == 0)
		rc = instance_move(instance, INSTANCE_RETAINED, error);
	if (rc != 0)
		return rc;
	instance->removal = REMOVAL_RETIRE;
	instance->retain = saving->run->retain;
	instance->retained_until = saving->wall + saving->run->retain;
	instance->failure = NULL;
	changes_put_instance(&saving->changes, KEYSPACE_RETAINED, instance, REVISION_ANY);
	changes_put_tombstone(&saving->changes, instance, saving->wall);
	changes_count_owned(&saving->changes, instance, -1);
	put_instance(saving);
	saving->run->cleaned = true;
	return end_operation(saving, error);
}

static int save_created(struct saving *saving, struct error *error)
{
	struct instance *instance = &saving->instance.record;
	int rc = 0;

	instance->plan = saving->run->plan;
	if (instance->state == INSTANCE_CREATING) {
		instance->failure = NULL;
		rc = instance_move(instance, INSTANCE_READY, error);
	}
	put_instance(saving);
	return rc != 0 ? rc : end_operation(saving, error);
}

/* What a create that failed for good has left on the server is removed before the operation ends. */
static int save_create_failed(struct saving *saving, struct error *error)
{
	struct instance *instance = &saving->instance.record;
	int rc = 0;

	if (instance->state == INSTANCE_CREATING) {
		instance->failure = saving->job->error.text;
		instance->failure_code = -saving->job->error.code;
		rc = instance_move(instance, INSTANCE_FAILED, error);
		put_instance(saving);
	}
	saving->operation.record.told = !TAILQ_EMPTY(&saving->job->waiting);
	return rc != 0 ? rc : move_operation(saving, OPERATION_CLEANING, error);
}

/* Whoever was told of the failure has no instance in mind: nothing of it stays. */
static int save_cleaned(struct saving *saving, struct error *error)
{
	bool told = saving->operation.record.told;

	if (saving->run->verdict == VERDICT_DONE && told && saving->instance.record.state == INSTANCE_FAILED)
		return forget_instance(saving, error);
	return end_operation(saving, error);
}

static int save_create(struct saving *saving, struct error *error)
{
	if (saving->job->aim == JOB_CLEANS)
		return save_cleaned(saving, error);
	if (saving->run->verdict == VERDICT_DONE)
		return save_created(saving, error);
	if (saving->run->verdict == VERDICT_FAILED)
		return save_create_failed(saving, error);
	return end_operation(saving, error);
}

static int save_update(struct saving *saving, struct error *error)
{
	struct instance *instance = &saving->instance.record;
	enum verdict verdict = saving->run->verdict;

	if (verdict == VERDICT_DONE) {
		instance->plan = saving->run->plan;
		instance->update_failed = false;
		instance->failure = NULL;
	} else {
		instance->update_failed = true; /* canceled ones, too: the instance may be brought back */
		instance->failure = saving->job->error.text;
	}
	put_instance(saving);
	return end_operation(saving, error);
}

/* It is locked away as before. */
static int retain_again(struct saving *saving, struct error *error)
{
	struct instance *instance = &saving->instance.record;
	int rc = instance_move(instance, INSTANCE_RETAINED, error);

	if (instance->retained_until < saving->wall + RETAINED_AGAIN)
		instance->retained_until = saving->wall + RETAINED_AGAIN;
	changes_put_instance(&saving->changes, KEYSPACE_RETAINED, instance, REVISION_ANY);
	return rc;
}

/* The promise stays in the record, for whoever asks again. */
static int save_removal_failed(struct saving *saving, struct error *error)
{
	struct instance *instance = &saving->instance.record;
	int rc;

	if (instance->retained_until > 0)
		rc = retain_again(saving, error);
	else
		rc = instance_move(instance, INSTANCE_REMOVAL_FAILED, error);
	instance->failure = saving->job->error.text;
	put_instance(saving);
	changes_put_instance(&saving->changes, KEYSPACE_META, instance, REVISION_ANY);
	return rc != 0 ? rc : end_operation(saving, error);
}

static int save_remove(struct saving *saving, struct error *error)
{
	if (saving->run->verdict == VERDICT_DONE && saving->run->call.kind == CALL_RETIRE)
		return retain_instance(saving, error);
	if (saving->run->verdict == VERDICT_DONE)
		return forget_instance(saving, error);
	return save_removal_failed(saving, error);
}

static int save_not_restored(struct saving *saving, struct error *error)
{
	struct instance *instance = &saving->instance.record;
	int rc = 0;

	instance->failure = saving->job->error.text;
	if (instance->retained_until == 0) {
		rc = instance_move(instance, INSTANCE_REMOVAL_FAILED, error);
	} else {
		rc = forget_name(&saving->arena, &saving->changes, instance, error);
		changes_count_owned(&saving->changes, instance, -1);
		if (rc == 0)
			rc = retain_again(saving, error);
	}
	put_instance(saving);
	return rc != 0 ? rc : end_operation(saving, error);
}

/* Whoever removed it meanwhile gets what was promised before. */
static int save_restored(struct saving *saving, struct error *error)
{
	struct instance *instance = &saving->instance.record;

	if (instance->state != INSTANCE_READY)
		return end_operation(saving, error);
	if (saving->run->verdict != VERDICT_DONE)
		return save_not_restored(saving, error);
	promise_clear(instance);
	instance->failure = instance->update_failed ? instance->failure : NULL;
	put_instance(saving);
	return end_operation(saving, error);
}

/* What could not be adopted is not the broker's: its records go, and it is left as it is. */
static int save_adopted(struct saving *saving, struct error *error)
{
	struct instance *instance = &saving->instance.record;

	instance->older = true;
	if (saving->run->verdict == VERDICT_DONE)
		return save_created(saving, error);
	instance->failure = saving->job->error.text;
	instance->failure_code = -saving->job->error.code;
	return forget_instance(saving, error);
}

/* ---- binds ---- */

/* The bind's record, when this operation still is the one that settles its state; ERR_NOT_FOUND otherwise. */
static int read_own_bind(struct saving *saving, struct held_bind *ret_bind, struct error *error)
{
	const struct operation *operation = &saving->operation.record;
	int rc =
	    records_read_bind(life_of(saving->job)->catalog->records, &saving->arena, KEYSPACE_BINDS,
	                      saving->job->incarnation, operation->bind_kind, operation->bind_name, ret_bind, error);

	if (rc == 0 && !same_text(ret_bind->record.operation, operation->id))
		return ERR_NOT_FOUND;
	return rc;
}

/* A bind that failed for good may have left a login: an unbind follows it. */
static int add_unbind(struct saving *saving, struct held_bind *bind, struct error *error)
{
	struct job *job = saving->job;
	struct operation unbind = saving->operation.record;
	struct job *follower = job_new(job->queue, &saving->instance.record, OPERATION_UNBIND);

	if (follower == NULL)
		return error_no_memory(error);
	saving->run->follower = follower;
	unbind.id = follower->id;
	unbind.kind = OPERATION_UNBIND;
	unbind.state = OPERATION_PENDING;
	unbind.repeat = unbind.error = NULL;
	unbind.error_code = 0;
	unbind.renew = unbind.mends = unbind.given_up = false;
	unbind.attempts = unbind.finished_at = 0;
	unbind.created_at = follower->created_at;
	bind->record.operation = follower->id;
	bind->record.unbind_event = NULL;
	bind->record.failure = saving->job->error.text;
	changes_put_operation(&saving->changes, &unbind, REVISION_ABSENT);
	return bind_move_to_end(&bind->record, saving->wall, error);
}

/* What the driver wants to see again takes the place of what was kept. */
static int keep_text(struct saving *saving, struct bind *bind, struct error *error)
{
	const char *plain = saving->run->call.keep;
	const size_t length = plain != NULL ? strlen(plain) : 0;
	unsigned char *sealed;
	struct text context;
	int rc = 0;

	bind->kept = NULL;
	if (plain == NULL)
		return 0;
	sealed = arena_alloc(&saving->arena, length + SECRET_SEAL_OVERHEAD);
	text_init(&context, STORE_KEY_MAX);
	bind_context(bind, &context);
	text_add(&context, BIND_KEPT_CONTEXT);
	if (sealed == NULL || context.failed) {
		rc = error_no_memory(error);
	} else {
		keyring_seal(life_of(saving->job)->keyring, text_string(&context), plain, length, sealed);
		bind->kept = sealed;
		bind->kept_length = length + SECRET_SEAL_OVERHEAD;
	}
	text_release(&context);
	return rc;
}

/* The bind works, and earlier versions of it are gone. */
static int settle_bind(struct saving *saving, struct bind *bind, struct error *error)
{
	int rc = keep_text(saving, bind, error);

	bind->oldest = bind->version;
	bind->failure = NULL;
	return rc != 0 ? rc : bind_move(bind, BIND_BOUND, error);
}

/* tsuru has the bind: it stays. A rotation can be tried again, and what was to be mended is found again. */
static int leave_bound(struct saving *saving, struct bind *bind, struct error *error)
{
	if (saving->job->kind == OPERATION_ROTATE)
		bind->failure = saving->job->error.text;
	return bind_move(bind, BIND_BOUND, error);
}

static int save_bind(struct saving *saving, struct error *error)
{
	enum verdict verdict = saving->run->verdict;
	struct held_bind bind;
	int rc = read_own_bind(saving, &bind, error);

	if (rc == ERR_NOT_FOUND)
		return end_operation(saving, error);
	if (rc != 0)
		return rc;
	bind.record.updated_at = saving->wall;
	if (verdict == VERDICT_CANCELED) {
		if (saving->instance.record.state == INSTANCE_FAILED) /* otherwise the removal needs it */
			changes_delete_bind(&saving->changes, KEYSPACE_BINDS, &bind.record, bind.revision);
		return end_operation(saving, error);
	}
	if (verdict == VERDICT_DONE)
		rc = settle_bind(saving, &bind.record, error);
	else if (saving->job->kind == OPERATION_BIND && !saving->operation.record.mends)
		rc = add_unbind(saving, &bind, error);
	else
		rc = leave_bound(saving, &bind.record, error);
	changes_put_bind(&saving->changes, KEYSPACE_BINDS, &bind.record, bind.revision);
	return rc != 0 ? rc : end_operation(saving, error);
}

/* The credentials stay on record for a while: tsuru may undo the unbind (same event id). */
static void save_unbound(struct saving *saving, struct held_bind *bind)
{
	changes_delete_bind(&saving->changes, KEYSPACE_BINDS, &bind->record, bind->revision);
	bind->record.failure = NULL;
	if (bind->record.unbind_event != NULL)
		changes_put_bind(&saving->changes, KEYSPACE_UNBOUND, &bind->record, REVISION_ANY);
}

/* The login may live on: its record says so, until an unbind of whoever asks again succeeds. */
static void save_still_bound(struct saving *saving, struct held_bind *bind)
{
	bind->record.failure = saving->job->error.text;
	changes_put_bind(&saving->changes, KEYSPACE_BINDS, &bind->record, bind->revision);
	changes_put_instance(&saving->changes, KEYSPACE_META, &saving->instance.record, REVISION_ANY);
}

static int save_unbind(struct saving *saving, struct error *error)
{
	struct held_bind bind;
	int rc = read_own_bind(saving, &bind, error);

	if (rc == ERR_NOT_FOUND)
		return end_operation(saving, error);
	if (rc != 0)
		return rc;
	bind.record.updated_at = saving->wall;
	if (saving->run->verdict == VERDICT_DONE)
		save_unbound(saving, &bind);
	else
		save_still_bound(saving, &bind);
	return end_operation(saving, error);
}

/* ---- the kinds ---- */

const struct verb *verb_of(enum operation_kind kind)
{
	static const struct verb verbs[] = {
	    [OPERATION_CREATE] = {CALL_PROVISION, PLAN_WANTED, .binds = true, .save = save_create},
	    [OPERATION_UPDATE] = {CALL_UPDATE, PLAN_WANTED, .binds = true, .save = save_update},
	    [OPERATION_REMOVE] = {CALL_DEPROVISION, .binds = true, .removal = true, .save = save_remove},
	    [OPERATION_BIND] = {CALL_BIND, PLAN_OWN, .bind = true, .secret = true, .save = save_bind},
	    [OPERATION_UNBIND] = {CALL_UNBIND, .bind = true, .removal = true, .save = save_unbind},
	    [OPERATION_ROTATE] = {CALL_BIND, PLAN_OWN, .bind = true, .secret = true, .save = save_bind},
	    [OPERATION_ALLOW_UNIT] = {CALL_ALLOW_UNIT, .save = end_operation},
	    [OPERATION_DENY_UNIT] = {CALL_DENY_UNIT, .save = end_operation},
	    [OPERATION_RESTORE] = {CALL_RESTORE, .binds = true, .save = save_restored},
	    [OPERATION_ADOPT] = {CALL_ADOPT, PLAN_WANTED, .save = save_adopted},
	    [OPERATION_ACT] = {CALL_ACT, PLAN_OWN, .save = end_operation},
	};

	return &verbs[kind];
}
