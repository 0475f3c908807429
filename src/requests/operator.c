/* What operators do that is no operation of an instance. */
#include "requests/operator.h"

#include <string.h>

#include "queue/queue.h"
#include "requests/noted.h"

const struct service *operator_service(struct requests *requests, const char *name)
{
	struct offering *offering = catalog_offering(requests->catalog, name);

	return offering != NULL ? offering->service : NULL;
}

int operator_find_service(struct requests *requests, const char *incarnation, const struct service **ret_service,
                          struct error *error)
{
	struct held_instance held;
	struct arena arena;
	int rc;

	arena_init(&arena);
	rc = records_read_instance(requests->catalog->records, &arena, incarnation, &held, error);
	if (rc == ERR_NOT_FOUND)
		error_set(error, rc, "there is no instance \"%.100s\"", incarnation);
	if (rc == 0)
		*ret_service = operator_service(requests, held.record.service);
	arena_release(&arena);
	return rc;
}

static void note(struct requests *requests, const struct caller *caller, struct audit *audit)
{
	struct changes changes;
	struct error error;

	changes_begin(&changes, requests->catalog->records);
	changes_use_reserve(&changes);
	if (noted_commit(requests, &changes, caller, audit, &(struct noted_told){.on_done = NULL}, &error) != 0)
		log_event(requests->life->log, LOG_ERROR, "audit-not-written", "reason", error.text);
}

void operator_note(struct requests *requests, const struct caller *caller, const char *action, const char *outcome,
                   const char *text)
{
	note(requests, caller, &(struct audit){.action = action, .outcome = outcome, .text = text});
}

/* ---- operations ---- */

/* NULL, with the error ERR_NOT_FOUND, when no operation of this id is pending. */
static struct job *find_pending(struct requests *requests, const char *operation, struct error *error)
{
	char incarnation[INCARNATION_LENGTH + 1] = "";
	struct store_value value;
	struct job *job = NULL;

	if (store_get(requests->catalog->store, KEYSPACE_PENDING, operation, strlen(operation), &value) == 0 &&
	    value.length == INCARNATION_LENGTH) {
		memcpy(incarnation, value.bytes, value.length);
		job = queue_find(requests->queue, incarnation, operation, 0);
	}
	if (job == NULL)
		(void)error_set(error, ERR_NOT_FOUND, "no operation \"%.100s\" is pending", operation);
	return job;
}

/* So that it stays canceled over a restart. One that has ended meanwhile has changed, and nothing is written. */
static void put_given_up(struct requests *requests, struct changes *changes, const struct job *job)
{
	struct held_operation held;
	struct arena arena;

	arena_init(&arena);
	if (records_read_operation(requests->catalog->records, &arena, job->incarnation, job->id, &held, NULL) == 0) {
		held.record.given_up = true;
		changes_put_operation(changes, &held.record, held.revision);
	}
	arena_release(&arena);
}

int operator_cancel(struct requests *requests, const struct caller *caller, const char *operation,
                    operator_done *on_done, void *arg, struct error *error)
{
	struct audit audit = {.action = "cancel", .outcome = "done", .text = operation};
	struct changes changes;
	struct job *job = find_pending(requests, operation, error);

	if (job == NULL)
		return ERR_NOT_FOUND;
	if (noted_find_room(requests, error) != 0)
		return ERR_UNAVAILABLE;
	if (!queue_give_up(job))
		return error_set(error, ERR_INVALID,
		                 "the operation \"%s\" cannot be canceled: what it left on the server has to go",
		                 operation);
	audit.service = job->service;
	audit.incarnation = job->incarnation;
	changes_begin(&changes, requests->catalog->records);
	changes_use_reserve(&changes);
	put_given_up(requests, &changes, job);
	return noted_commit(requests, &changes, caller, &audit, &(struct noted_told){.on_done = on_done, .arg = arg},
	                    error);
}

int operator_hurry(struct requests *requests, const char *operation, struct error *error)
{
	const struct job *job = find_pending(requests, operation, error);

	if (job == NULL)
		return ERR_NOT_FOUND;
	queue_hurry(requests->queue, job->incarnation);
	return 0;
}

/* ---- servers ---- */

static struct host *find_host(struct requests *requests, const char *service, const char *server, struct error *error)
{
	struct offering *offering = catalog_offering(requests->catalog, service);
	struct host *host = offering != NULL ? offering_host(offering, server) : NULL;

	if (host == NULL)
		(void)error_set(error, ERR_NOT_FOUND, "the service \"%.100s\" has no server \"%.100s\"", service,
		                server);
	return host;
}

int operator_drain(struct requests *requests, const struct caller *caller, const char *service, const char *server,
                   bool drained, operator_done *on_done, void *arg, struct error *error)
{
	struct host *host = find_host(requests, service, server, error);
	struct audit audit = {
	    .action = drained ? "drain" : "undrain", .outcome = "done", .service = service, .text = server};
	struct changes changes;
	int rc = host != NULL ? noted_find_room(requests, error) : ERR_NOT_FOUND;

	if (rc != 0)
		return rc;
	changes_begin(&changes, requests->catalog->records);
	changes_use_reserve(&changes); /* what is wanted where much goes wrong works in a full store, too */
	host_put_drained(host, drained, changes.batch);
	rc = noted_commit(requests, &changes, caller, &audit,
	                  &(struct noted_told){.on_done = on_done, .arg = arg, .host = host}, error);
	if (rc == 0)
		host->drained = drained;
	return rc;
}

int operator_claim(struct requests *requests, const struct caller *caller, const char *service, const char *server,
                   struct error *error)
{
	struct host *host = find_host(requests, service, server, error);
	struct audit audit = {.action = "claim", .outcome = "done", .service = service, .text = server};
	int rc = host != NULL ? watch_claim(host, error) : ERR_NOT_FOUND;

	if (rc == 0)
		note(requests, caller, &audit);
	return rc;
}
