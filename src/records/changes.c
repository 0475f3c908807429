/* Changes: built item by item, committed as one. */
#include <string.h>

#include "records/internal.h"
#include "records/row.h"

void changes_begin(struct changes *changes, struct records *records)
{
	error_clear(&changes->error);
	changes->records = records;
	changes->batch = batch_new(records->store);
}

void changes_use_reserve(struct changes *changes)
{
	batch_use_reserve(changes->batch);
}

void changes_drop(struct changes *changes)
{
	batch_free(changes->batch);
	changes->batch = NULL;
}

static int take_batch(struct changes *changes, struct batch **ret_batch, struct error *error)
{
	if (changes->error.code != 0) {
		changes_drop(changes);
		return error_set(error, changes->error.code, "%s", changes->error.text);
	}
	*ret_batch = changes->batch;
	changes->batch = NULL;
	return 0;
}

int changes_commit(struct changes *changes, batch_done *on_done, void *arg, struct error *error)
{
	struct batch *batch = NULL;
	int rc = take_batch(changes, &batch, error);

	if (rc == 0)
		batch_commit(batch, on_done, arg);
	return rc;
}

int changes_commit_now(struct changes *changes, struct error *error)
{
	struct batch *batch = NULL;
	int rc = take_batch(changes, &batch, error);

	return rc != 0 ? rc : batch_commit_now(batch, error);
}

static void put(struct changes *changes, enum keyspace keyspace, const void *about, const void *record, uint64_t base)
{
	struct text key, value;

	if (changes->error.code != 0)
		return;
	row_key(keyspace, about, &key);
	if (row_encode(keyspace, record, &value, &changes->error) == 0 && key.failed)
		error_no_memory(&changes->error);
	if (changes->error.code == 0)
		batch_put(changes->batch, keyspace, text_string(&key), key.length, text_string(&value), value.length,
		          base);
	text_release(&key);
	text_release(&value);
}

static void delete (struct changes *changes, enum keyspace keyspace, const void *about, uint64_t base)
{
	struct text key;

	if (changes->error.code != 0)
		return;
	row_key(keyspace, about, &key);
	if (key.failed)
		error_no_memory(&changes->error);
	else
		batch_delete(changes->batch, keyspace, text_string(&key), key.length, base);
	text_release(&key);
}

void changes_put_instance(struct changes *changes, enum keyspace keyspace, const struct instance *instance,
                          uint64_t base)
{
	put(changes, keyspace, instance, instance, base);
}

void changes_delete_instance(struct changes *changes, enum keyspace keyspace, const struct instance *instance,
                             uint64_t base)
{
	delete (changes, keyspace, instance, base);
}

void changes_check_instance(struct changes *changes, const struct held_instance *held)
{
	const char *key = held->record.incarnation;

	if (changes->error.code == 0)
		batch_check(changes->batch, KEYSPACE_INSTANCES, key, strlen(key), held->revision);
}

/* An instance that never had a plan was never made: its create failed, or a removal came before its end. */
void changes_put_tombstone(struct changes *changes, const struct instance *instance, int64_t wall)
{
	struct tombstone tombstone = {
	    .incarnation = instance->incarnation,
	    .removed_at = wall,
	    .made_by = instance->made_by,
	    .ended_by = instance->ended_by,
	};

	if (instance->made_by != NULL && instance->plan == NULL && instance->failure != NULL) {
		tombstone.failure = instance->failure;
		tombstone.failure_code = instance->failure_code;
	} else if (instance->made_by != NULL && instance->plan == NULL) {
		tombstone.failure = "the instance was removed before it was made";
		tombstone.failure_code = -ERR_CANCELED;
	}
	put(changes, KEYSPACE_TOMBSTONES, instance, &tombstone, REVISION_ANY);
}

void changes_put_bind(struct changes *changes, enum keyspace keyspace, const struct bind *bind, uint64_t base)
{
	put(changes, keyspace, bind, bind, base);
}

void changes_delete_bind(struct changes *changes, enum keyspace keyspace, const struct bind *bind, uint64_t base)
{
	delete (changes, keyspace, bind, base);
}

void changes_put_operation(struct changes *changes, const struct operation *operation, uint64_t base)
{
	put(changes, KEYSPACE_OPERATIONS, operation, operation, base);
	if (operation_finished(operation->state))
		delete (changes, KEYSPACE_PENDING, operation, REVISION_ANY);
	else
		put(changes, KEYSPACE_PENDING, operation, operation, REVISION_ANY);
}

void changes_delete_operation(struct changes *changes, const struct operation *operation)
{
	delete (changes, KEYSPACE_OPERATIONS, operation, REVISION_ANY);
	delete (changes, KEYSPACE_PENDING, operation, REVISION_ANY);
}

void changes_put_audit(struct changes *changes, const struct audit *audit)
{
	char id[OPERATION_ID_LENGTH + 1];

	records_next_id(changes->records, id);
	put(changes, KEYSPACE_AUDIT, id, audit, REVISION_ABSENT);
	if (changes->error.code == 0)
		batch_add(changes->batch, AUDIT_COUNTER, 1);
}

void changes_put_ending(struct changes *changes, const struct operation *operation, const struct instance *instance,
                        const char *outcome, int64_t wall)
{
	const struct audit audit = {
	    .action = operation_kind_name(operation->kind),
	    .outcome = outcome != NULL ? outcome : operation_state_name(operation->state),
	    .user = operation->user,
	    .event = operation->event,
	    .request = operation->request,
	    .service = instance->service,
	    .instance = instance->name,
	    .incarnation = instance->incarnation,
	    .bind = operation->bind_name != NULL ? operation->bind_name : operation->unit,
	    .text = operation->error,
	    .at = wall,
	    .asked_at = operation->created_at,
	};

	changes_put_audit(changes, &audit);
}

/* ---- counters ---- */

/* Without printf, which took half of a create's counting. */
static void add_path(struct text *path, const char *first, const char *second, const char *third)
{
	text_add(path, first);
	text_add(path, "/");
	text_add(path, second);
	text_add(path, "/");
	text_add(path, third);
}

void records_counter_name(struct text *ret_name, enum counter counter, const struct instance *instance)
{
	const char *service = instance->service, *plan = instance->wanted_plan;
	const char *team = instance->team != NULL ? instance->team : "";

	switch (counter) {
	case COUNTER_SERVER:
		if (instance->server != NULL)
			add_path(ret_name, "instances", service, instance->server);
		return;
	case COUNTER_TEAM:
		add_path(ret_name, "teams", service, team);
		return;
	case COUNTER_PLAN:
		add_path(ret_name, "plans", service, plan);
		return;
	case COUNTER_PLAN_TEAM:
		add_path(ret_name, "plan-teams", service, plan);
		text_add(ret_name, "/");
		text_add(ret_name, team);
		return;
	case COUNTER_COUNT:
		break;
	}
}

static void count(struct changes *changes, enum counter counter, const struct instance *instance, int64_t delta)
{
	struct text name;

	text_init(&name, STORE_KEY_MAX);
	records_counter_name(&name, counter, instance);
	if (changes->error.code == 0 && name.failed)
		error_no_memory(&changes->error);
	if (changes->error.code == 0 && name.length > 0)
		batch_add(changes->batch, text_string(&name), delta);
	text_release(&name);
}

void changes_count_placed(struct changes *changes, const struct instance *instance, int64_t delta)
{
	count(changes, COUNTER_SERVER, instance, delta);
}

void changes_count_owned(struct changes *changes, const struct instance *instance, int64_t delta)
{
	for (enum counter counter = COUNTER_TEAM; counter < COUNTER_COUNT; counter++)
		count(changes, counter, instance, delta);
}
