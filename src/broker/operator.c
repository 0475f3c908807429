/* What operators do that is no operation of an instance. */
#include "broker/operator.h"

#include <string.h>

#include "broker/internal.h"
#include "broker/logins.h"
#include "catalog/host.h"
#include "queue/queue.h"
#include "records/records.h"
#include "records/show.h"
#include "upkeep/drift.h"
#include "upkeep/inspect.h"
#include "upkeep/rekey.h"
#include "watch/watch.h"

const struct service *broker_service(struct broker *broker, const char *name)
{
	struct offering *offering = catalog_offering(&broker->catalog, name);

	return offering != NULL ? offering->service : NULL;
}

int broker_find_service(struct broker *broker, const char *incarnation, const struct service **ret_service,
                        struct error *error)
{
	struct held_instance held;
	struct offering *offering;
	struct arena arena;
	int rc;

	arena_init(&arena);
	rc = records_read_instance(broker->records, &arena, incarnation, &held, error);
	if (rc == ERR_NOT_FOUND)
		error_set(error, rc, "there is no instance \"%.100s\"", incarnation);
	if (rc == 0) {
		offering = catalog_offering(&broker->catalog, held.record.service);
		*ret_service = offering != NULL ? offering->service : NULL;
	}
	arena_release(&arena);
	return rc;
}

static void on_noted(void *arg, int code, const struct error *error, uint64_t revision)
{
	struct broker *broker = arg;
	struct log_line line;

	(void)revision;
	if (code == 0 || broker->catalog.closing)
		return;
	log_begin(&line, broker->log, LOG_ERROR, "audit-not-written");
	log_text(&line, "reason", error->text);
	log_end(&line);
}

static void commit_noted(struct broker *broker, struct changes *changes)
{
	struct error error;

	if (changes_commit(changes, on_noted, broker, &error) != 0)
		on_noted(broker, error.code, &error, 0);
}

static void put_note(struct broker *broker, struct changes *changes, const struct caller *caller, struct audit *audit)
{
	audit->user = caller->user;
	audit->event = caller->event;
	audit->request = caller->request;
	audit->at = timers_wall(broker->timers);
	changes_put_audit(changes, audit);
}

void broker_note(struct broker *broker, const struct caller *caller, const char *action, const char *outcome,
                 const char *text)
{
	struct audit audit = {.action = action, .outcome = outcome, .text = text};
	struct changes changes;

	changes_begin(&changes, broker->records);
	changes_use_reserve(&changes);
	put_note(broker, &changes, caller, &audit);
	commit_noted(broker, &changes);
}

/* ---- operations ---- */

/* NULL, with the error ERR_NOT_FOUND, when no operation of this id is pending. */
static struct job *find_pending(struct broker *broker, const char *operation, struct error *error)
{
	char incarnation[INCARNATION_LENGTH + 1] = "";
	struct store_value value;
	struct job *job = NULL;

	if (store_get(broker->store, KEYSPACE_PENDING, operation, strlen(operation), &value) == 0 &&
	    value.length == INCARNATION_LENGTH) {
		memcpy(incarnation, value.bytes, value.length);
		job = queue_find(&broker->queue, incarnation, operation, 0);
	}
	if (job == NULL)
		(void)error_set(error, ERR_NOT_FOUND, "no operation \"%.100s\" is pending", operation);
	return job;
}

/* So that it stays canceled over a restart. One that has ended meanwhile has changed, and nothing is written. */
static void put_given_up(struct broker *broker, struct changes *changes, const struct job *job)
{
	struct held_operation held;
	struct arena arena;

	arena_init(&arena);
	if (records_read_operation(broker->records, &arena, job->incarnation, job->id, &held, NULL) == 0) {
		held.record.given_up = true;
		changes_put_operation(changes, &held.record, held.revision);
	}
	arena_release(&arena);
}

int broker_cancel(struct broker *broker, const struct caller *caller, const char *operation, struct error *error)
{
	struct audit audit = {.action = "cancel", .outcome = "done", .text = operation};
	struct changes changes;
	struct job *job = find_pending(broker, operation, error);

	if (job == NULL)
		return ERR_NOT_FOUND;
	if (!queue_give_up(job))
		return error_set(error, ERR_INVALID,
		                 "the operation \"%s\" cannot be canceled: what it left on the server has to go",
		                 operation);
	audit.service = job->service;
	audit.incarnation = job->incarnation;
	changes_begin(&changes, broker->records);
	changes_use_reserve(&changes);
	put_given_up(broker, &changes, job);
	put_note(broker, &changes, caller, &audit);
	commit_noted(broker, &changes);
	return 0;
}

int broker_hurry(struct broker *broker, const char *operation, struct error *error)
{
	const struct job *job = find_pending(broker, operation, error);

	if (job == NULL)
		return ERR_NOT_FOUND;
	queue_hurry(&broker->queue, job->incarnation);
	return 0;
}

/* ---- servers ---- */

static struct host *find_host(struct broker *broker, const char *service, const char *server, struct error *error)
{
	struct offering *offering = catalog_offering(&broker->catalog, service);
	struct host *host = offering != NULL ? offering_host(offering, server) : NULL;

	if (host == NULL)
		(void)error_set(error, ERR_NOT_FOUND, "the service \"%.100s\" has no server \"%.100s\"", service,
		                server);
	return host;
}

int broker_drain(struct broker *broker, const struct caller *caller, const char *service, const char *server,
                 bool drained, struct error *error)
{
	struct host *host = find_host(broker, service, server, error);
	struct audit audit = {
	    .action = drained ? "drain" : "undrain", .outcome = "done", .service = service, .text = server};
	struct changes changes;

	if (host == NULL)
		return ERR_NOT_FOUND;
	host->drained = drained;
	changes_begin(&changes, broker->records);
	host_put_drained(host, drained, changes.batch);
	put_note(broker, &changes, caller, &audit);
	commit_noted(broker, &changes);
	return 0;
}

int broker_claim(struct broker *broker, const struct caller *caller, const char *service, const char *server,
                 struct error *error)
{
	struct host *host = find_host(broker, service, server, error);
	struct audit audit = {.action = "claim", .outcome = "done", .service = service, .text = server};
	struct changes changes;
	int rc = host != NULL ? watch_claim(host, error) : ERR_NOT_FOUND;

	if (rc != 0)
		return rc;
	changes_begin(&changes, broker->records);
	changes_use_reserve(&changes);
	put_note(broker, &changes, caller, &audit);
	commit_noted(broker, &changes);
	return 0;
}

/* ---- the upkeep ---- */

int broker_verify(struct broker *broker, const char *incarnation, broker_verified *on_done, void *arg,
                  struct error *error)
{
	return inspect_start(&broker->upkeep, incarnation, on_done, arg, error);
}

int broker_verify_all(struct broker *broker, struct error *error)
{
	return drift_start(&broker->upkeep, error);
}

int broker_list_drift(struct broker *broker, struct text *ret_json, struct error *error)
{
	int rc;

	text_add(ret_json, "{");
	rc = drift_show(&broker->upkeep, ret_json, error);
	lingering_show(broker, ret_json);
	text_add(ret_json, "}");
	return rc == 0 && ret_json->failed ? error_no_memory(error) : rc;
}

void broker_rekey(struct broker *broker)
{
	rekey_start(&broker->upkeep);
}

int broker_show_rekey(struct broker *broker, struct text *ret_json, struct error *error)
{
	const struct rekey *rekey = &broker->upkeep.rekey;

	text_add(ret_json, "{");
	show_text(ret_json, "state", rekey->running ? "running" : "resting");
	show_number(ret_json, "sealed", (int64_t)rekey->sealed);
	show_number(ret_json, "failed", (int64_t)rekey->failed);
	text_add(ret_json, "}");
	return ret_json->failed ? error_no_memory(error) : 0;
}
