/* What is pending in the store becomes jobs again. Neighbours: queue.c, whose lanes they stand in. */
#include <string.h>

#include "queue/queue.h"
#include "records/records.h"

struct recovery {
	struct queue *queue;
	struct error error;
};

static int recover_one(struct queue *queue, const char *incarnation, const char *id, struct error *error)
{
	struct held_instance instance;
	struct held_operation operation;
	struct arena arena;
	struct job *job;
	int64_t age;
	int rc;

	arena_init(&arena);
	rc = records_read_operation(queue->catalog->records, &arena, incarnation, id, &operation, error);
	if (rc == 0)
		rc = records_read_instance(queue->catalog->records, &arena, incarnation, &instance, error);
	if (rc == ERR_NOT_FOUND) {
		rc = ERR_CORRUPT;
		error_set(error, rc, "the store lists the operation \"%s\" as pending, but has no record of it", id);
	}
	if (rc != 0)
		goto cleanup;
	job = job_make(queue, &instance.record, operation.record.kind);
	if (job == NULL) {
		rc = error_no_memory(error);
		goto cleanup;
	}
	strcpy(job->id, operation.record.id);
	job->created_at = operation.record.created_at;
	age = timers_wall(queue->catalog->timers) - job->created_at;
	job->accepted = timers_now(queue->catalog->timers) - (age > 0 ? age : 0);
	if (operation.record.state == OPERATION_CLEANING)
		job->aim = JOB_CLEANS;
	else if (operation.record.given_up)
		job->aim = JOB_GIVES_UP;
	records_go_behind(queue->catalog->records, job->created_at);
	if (queue_push(queue, job) != 0)
		rc = error_no_memory(error);
cleanup:
	arena_release(&arena);
	return rc;
}

static bool on_pending(void *arg, const void *key, size_t key_length, const struct store_value *value)
{
	struct recovery *recovery = arg;
	char id[OPERATION_ID_LENGTH + 1] = "", incarnation[INCARNATION_LENGTH + 1] = "";

	if (key_length != OPERATION_ID_LENGTH || value->length != INCARNATION_LENGTH) {
		error_set(&recovery->error, ERR_CORRUPT, "the store's list of pending operations is damaged");
		return false;
	}
	memcpy(id, key, key_length);
	memcpy(incarnation, value->bytes, value->length);
	return recover_one(recovery->queue, incarnation, id, &recovery->error) == 0;
}

int queue_recover(struct queue *queue, struct error *error)
{
	struct recovery recovery = {.queue = queue};
	int rc = store_scan(queue->catalog->store, KEYSPACE_PENDING, "", 0, NULL, 0, on_pending, &recovery);

	if (rc != 0)
		return error_set(error, rc, "the store cannot be read");
	if (recovery.error.code != 0)
		return error_set(error, recovery.error.code, "%s", recovery.error.text);
	return 0;
}
