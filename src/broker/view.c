/* What can be seen of an instance: status, info, binds and operations. All of it is read from the store and from
 * memory, so it is answered at once and waits for no server. */
#include <stdio.h>
#include <string.h>

#include "broker/pending.h"
#include "catalog/host.h"
#include "queue/queue.h"
#include "records/records.h"
#include "records/show.h"
#include "upkeep/inspect.h"
#include "watch/watch.h"

#define TIME_SIZE 32

/* What a view is made of. */
struct view {
	struct broker *broker;
	struct arena arena;
	struct held_instance instance;
	struct host *host;        /* NULL: not configured now */
	const char *bind_failure; /* in the arena: of an unbind or a rotation; NULL: none, or not looked for */
};

static int view_open(struct view *view, struct broker *broker, const struct service *service, const char *instance,
                     struct error *error)
{
	struct offering *offering = catalog_offering(&broker->catalog, service->name);
	int rc;

	view->broker = broker;
	view->bind_failure = NULL;
	arena_init(&view->arena);
	rc =
	    records_find_instance(broker->records, &view->arena, service->name, instance, &view->instance, NULL, error);
	if (rc == ERR_NOT_FOUND)
		error_set(error, rc, "the service \"%s\" has no instance \"%s\"", service->name, instance);
	if (rc != 0) {
		arena_release(&view->arena);
		return rc;
	}
	view->host = offering != NULL ? offering_host(offering, view->instance.record.server) : NULL;
	return 0;
}

/* ---- status ---- */

static void set_status(struct status *status, enum status_kind kind, const char *before, const char *text)
{
	status->kind = kind;
	status->text[0] = '\0';
	if (text[0] != '\0' || before[0] != '\0')
		snprintf(status->text, sizeof(status->text), "%s%s", before, text);
}

static void status_of_ready(const struct view *view, struct status *status)
{
	const unsigned updates = 1U << OPERATION_UPDATE | 1U << OPERATION_CREATE | 1U << OPERATION_RESTORE;
	const struct instance *instance = &view->instance.record;
	const struct observation *observation = watch_observe(&view->broker->watch, instance);

	if (view->host == NULL)
		set_status(status, STATUS_DOWN, "its server is not in the broker's configuration: ",
		           instance->server != NULL ? instance->server : instance->service);
	else if (view->host->health == HOST_DOWN)
		set_status(status, STATUS_DOWN, "", view->host->reason);
	else if (observation != NULL && observation->outcome.code != 0)
		set_status(status, STATUS_DOWN, "", observation->outcome.text);
	else if (queue_has(&view->broker->queue, instance->incarnation, updates))
		set_status(status, STATUS_PENDING, "", "");
	else if (instance->update_failed)
		set_status(status, STATUS_TEXT, "up, but the last update failed: ",
		           instance->failure != NULL ? instance->failure : "no reason is known");
	else
		set_status(status, STATUS_UP, "", "");
}

static void status_of_removing(const struct view *view, struct status *status)
{
	const struct instance *instance = &view->instance.record;

	if (queue_has(&view->broker->queue, instance->incarnation, 1U << OPERATION_REMOVE))
		set_status(status, STATUS_PENDING, "", "");
	else
		set_status(status, STATUS_DOWN,
		           "its removal failed or was canceled, and can be asked for again or taken back: ",
		           instance->failure != NULL ? instance->failure : "no reason is known");
}

int broker_status(struct broker *broker, const struct service *service, const char *instance, struct status *ret_status,
                  struct error *error)
{
	struct view view;
	int rc = view_open(&view, broker, service, instance, error);

	if (rc != 0)
		return rc;
	switch (view.instance.record.state) {
	case INSTANCE_READY:
		status_of_ready(&view, ret_status);
		break;
	case INSTANCE_FAILED:
		set_status(ret_status, STATUS_DOWN, "it could not be created: ",
		           view.instance.record.failure != NULL ? view.instance.record.failure : "no reason is known");
		break;
	case INSTANCE_REMOVING:
	case INSTANCE_REMOVAL_FAILED:
		status_of_removing(&view, ret_status);
		break;
	case INSTANCE_RETAINED:
		set_status(ret_status, STATUS_DOWN, "it is removed", "");
		break;
	case INSTANCE_CREATING:
		set_status(ret_status, STATUS_PENDING, "", "");
		break;
	}
	arena_release(&view.arena);
	return 0;
}

/* ---- info ---- */

static void add_item(struct text *json, const char *label, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	text_add(json, json->bytes[json->length - 1] == '[' ? "" : ",");
	text_add(json, "{\"label\":");
	text_add_json(json, label);
	text_add(json, ",\"value\":");
	text_add_json(json, value);
	text_add(json, "}");
}

/* The first bind that has a failure tells it, with whose it is. */
static void note_failure(struct view *view, const struct bind *bind)
{
	const char *what = bind->state == BIND_BOUND ? "have a new password" : "be unbound";

	if (bind->failure != NULL && view->bind_failure == NULL)
		view->bind_failure = arena_format(&view->arena, "the %s \"%s\" could not %s: %s",
		                                  bind_kind_name(bind->kind), bind->name, what, bind->failure);
}

static int add_bind_items(struct view *view, struct text *json, struct error *error)
{
	struct held_bind *binds;
	char number[24];
	size_t count;
	int rc = records_read_binds(view->broker->records, &view->arena, view->instance.record.incarnation, &binds,
	                            &count, error);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < count; i++)
		note_failure(view, &binds[i].record);
	snprintf(number, sizeof(number), "%zu", count);
	add_item(json, "Binds", number);
	return 0;
}

/* The failure that matters now: a running operation's last attempt, or the last one that failed for good. */
static const char *last_failure(const struct view *view)
{
	static const enum operation_kind kinds[] = {OPERATION_CREATE, OPERATION_UPDATE, OPERATION_REMOVE,
	                                            OPERATION_BIND,   OPERATION_UNBIND, OPERATION_ROTATE};
	const struct instance *instance = &view->instance.record;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		const struct job *job = queue_find(&view->broker->queue, instance->incarnation, NULL, kinds[i]);

		if (job != NULL && job->error.code != 0)
			return job->error.text;
	}
	return instance->failure != NULL ? instance->failure : view->bind_failure;
}

static const char *state_text(const struct view *view)
{
	const struct instance *instance = &view->instance.record;
	bool updating = queue_has(&view->broker->queue, instance->incarnation, 1U << OPERATION_UPDATE);

	return instance->state == INSTANCE_READY && updating ? "updating" : instance_state_name(instance->state);
}

static void add_server_items(const struct view *view, struct text *json)
{
	static const char *const health[] = {
	    [HOST_UNKNOWN] = "not checked yet", [HOST_UP] = "up", [HOST_DOWN] = "down: "};
	char text[ERROR_TEXT_MAX + 16];

	if (view->host == NULL) {
		add_item(json, "Server state", "not in the configuration");
		return;
	}
	if (view->host->server == NULL)
		return;
	snprintf(text, sizeof(text), "%s%s", health[view->host->health], view->host->reason);
	add_item(json, "Server state", text);
}

static void add_observed_items(const struct view *view, struct text *json)
{
	const struct observation *observation = watch_observe(&view->broker->watch, &view->instance.record);

	for (size_t i = 0; observation != NULL && i < observation->result_count; i++)
		add_item(json, observation->results[i].name, observation->results[i].value);
	/* What status says, too. A server that is down has told why. */
	if (observation != NULL && observation->outcome.code != 0 && view->host != NULL &&
	    view->host->health == HOST_UP)
		add_item(json, "Problem", observation->outcome.text);
}

/* What only an operator can put right names others' roles and the server's own: it is for operators. */
static void add_drift_items(const struct view *view, struct text *json)
{
	const struct finding *finding = inspect_finding(&view->broker->upkeep, view->instance.record.incarnation);

	for (size_t i = 0; finding != NULL && i < finding->count; i++) {
		if (strcmp(finding->drifts[i].name, DRIFT_TOLD) == 0)
			continue;
		add_item(json, strcmp(finding->drifts[i].name, DRIFT_BIND) == 0 ? "Drift (login)" : "Drift",
		         finding->drifts[i].value);
	}
}

int broker_describe(struct broker *broker, const struct service *service, const char *instance, struct text *ret_json,
                    struct error *error)
{
	struct view view;
	const struct instance *record = &view.instance.record;
	const char *wanted;
	char created[TIME_SIZE];
	int rc = view_open(&view, broker, service, instance, error);

	if (rc != 0)
		return rc;
	text_format_time(record->created_at, created, sizeof(created));
	wanted = record->plan == NULL || strcmp(record->plan, record->wanted_plan) != 0 ? record->wanted_plan : NULL;
	text_add(ret_json, "[");
	if (!ret_json->failed) {
		add_item(ret_json, "State", state_text(&view));
		add_item(ret_json, "Plan", record->plan);
		add_item(ret_json, "Wanted plan", wanted);
		add_item(ret_json, "Server", record->server);
		add_server_items(&view, ret_json);
		add_item(ret_json, "Name on the server", record->resource);
		if (record->state == INSTANCE_READY)
			add_observed_items(&view, ret_json);
		add_drift_items(&view, ret_json);
		rc = add_bind_items(&view, ret_json, error);
		add_item(ret_json, "Created", created);
		add_item(ret_json, "Last failure", last_failure(&view));
	}
	text_add(ret_json, "]");
	arena_release(&view.arena);
	if (rc == 0 && ret_json->failed)
		rc = error_no_memory(error);
	return rc;
}

/* ---- lists for the service's own commands ---- */

int broker_list_binds(struct broker *broker, const struct service *service, const char *instance, struct text *ret_json,
                      struct error *error)
{
	struct view view;
	struct held_bind *binds;
	size_t count = 0;
	int rc = view_open(&view, broker, service, instance, error);

	if (rc != 0)
		return rc;
	rc = records_read_binds(broker->records, &view.arena, view.instance.record.incarnation, &binds, &count, error);
	text_add(ret_json, "[");
	for (size_t i = 0; rc == 0 && i < count; i++) {
		text_add(ret_json, i > 0 ? "," : "");
		show_bind(ret_json, &binds[i].record);
	}
	text_add(ret_json, "]");
	arena_release(&view.arena);
	if (rc == 0 && ret_json->failed)
		rc = error_no_memory(error);
	return rc;
}

int broker_list_operations(struct broker *broker, const struct service *service, const char *instance,
                           struct text *ret_json, struct error *error)
{
	struct view view;
	struct held_operation *operations;
	size_t count = 0;
	int rc = view_open(&view, broker, service, instance, error);

	if (rc != 0)
		return rc;
	rc = records_read_operations(broker->records, &view.arena, view.instance.record.incarnation, &operations,
	                             &count, error);
	text_add(ret_json, "[");
	for (size_t i = count; rc == 0 && i > 0; i--) {
		text_add(ret_json, i < count ? "," : "");
		pending_show(broker, ret_json, &operations[i - 1].record);
	}
	text_add(ret_json, "]");
	arena_release(&view.arena);
	if (rc == 0 && ret_json->failed)
		rc = error_no_memory(error);
	return rc;
}
