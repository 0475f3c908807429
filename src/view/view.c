/* What can be seen of an instance: status, info, binds and operations. */
#include "view/view.h"

#include <stdio.h>
#include <string.h>

#include "catalog/host.h"
#include "queue/queue.h"
#include "records/records.h"
#include "records/show.h"
#include "upkeep/inspect.h"
#include "view/children.h"
#include "view/old.h"

#define TIME_SIZE     32
#define SECOND        ((int64_t)1000)
#define MINUTE        (60 * SECOND)
#define FIGURES_FRESH MINUTE /* ms: younger ones of a server that is up are as good as new */
#define OLD_MAX       20     /* binds with old parameters that are listed by name */
#define OLD_NAMES_MAX 200    /* bytes of their parameters' names */
#define OLD_TEXT_MAX  (OLD_MAX * (APP_NAME_MAX + OLD_NAMES_MAX + 32))

/* An instance as it is shown. */
struct seen {
	const struct view *view;
	struct arena arena;
	struct held_instance instance;
	struct host *host;        /* NULL: not configured now */
	const char *bind_failure; /* in the arena: of an unbind or a rotation; NULL: none, or not looked for */
};

static int seen_open(struct seen *seen, const struct view *view, const struct service *service, const char *instance,
                     struct error *error)
{
	struct offering *offering = catalog_offering(view->catalog, service->name);
	int rc;

	seen->view = view;
	seen->bind_failure = NULL;
	arena_init(&seen->arena);
	rc = records_find_instance(view->catalog->records, &seen->arena, service->name, instance, &seen->instance, NULL,
	                           error);
	if (rc == ERR_NOT_FOUND)
		error_set(error, rc, "the service \"%s\" has no instance \"%s\"", service->name, instance);
	if (rc != 0) {
		arena_release(&seen->arena);
		return rc;
	}
	seen->host = offering != NULL ? offering_host(offering, seen->instance.record.server) : NULL;
	return 0;
}

/* Whether work of these kinds has not ended. Where another broker does it, this one's queue is empty, and the store
 * tells. */
static bool is_at_work(const struct seen *seen, unsigned kinds)
{
	const enum store_role role = store_standing(seen->view->catalog->store)->role;
	const char *incarnation = seen->instance.record.incarnation;
	struct held_operation *operations = NULL;
	struct arena arena;
	size_t count = 0;
	bool found = false;

	if (role == STORE_ALONE || role == STORE_ACTIVE)
		return queue_has(seen->view->queue, incarnation, kinds);
	arena_init(&arena);
	if (records_read_operations(seen->view->catalog->records, &arena, incarnation, &operations, &count, NULL) != 0)
		count = 0;
	for (size_t i = 0; i < count; i++)
		found |=
		    (kinds & 1U << operations[i].record.kind) != 0 && operations[i].record.state == OPERATION_PENDING;
	arena_release(&arena);
	return found;
}

/* ---- status ---- */

static void set_status(struct status *status, enum status_kind kind, const char *before, const char *text)
{
	status->kind = kind;
	status->text[0] = '\0';
	if (text[0] != '\0' || before[0] != '\0')
		snprintf(status->text, sizeof(status->text), "%s%s", before, text);
}

static void status_of_ready(const struct seen *seen, struct status *status)
{
	const unsigned updates = 1U << OPERATION_UPDATE | 1U << OPERATION_CREATE | 1U << OPERATION_RESTORE;
	const struct instance *instance = &seen->instance.record;
	const struct observation *observation = watch_observe(seen->view->watch, instance);

	if (seen->host == NULL)
		set_status(status, STATUS_DOWN, "its server is not in the broker's configuration: ",
		           instance->server != NULL ? instance->server : instance->service);
	else if (seen->host->health == HOST_DOWN)
		set_status(status, STATUS_DOWN, "", seen->host->reason);
	else if (observation != NULL && observation->outcome.code != 0)
		set_status(status, STATUS_DOWN, "", observation->outcome.text);
	else if (is_at_work(seen, updates))
		set_status(status, STATUS_PENDING, "", "");
	else if (instance->update_failed)
		set_status(status, STATUS_TEXT, "up, but the last update failed: ",
		           instance->failure != NULL ? instance->failure : "no reason is known");
	else
		set_status(status, STATUS_UP, "", "");
}

static void status_of_removing(const struct seen *seen, struct status *status)
{
	const struct instance *instance = &seen->instance.record;

	if (is_at_work(seen, 1U << OPERATION_REMOVE))
		set_status(status, STATUS_PENDING, "", "");
	else
		set_status(status, STATUS_DOWN,
		           "its removal failed or was canceled, and can be asked for again or taken back: ",
		           instance->failure != NULL ? instance->failure : "no reason is known");
}

int view_status(const struct view *view, const struct service *service, const char *instance, struct status *ret_status,
                struct error *error)
{
	struct seen seen;
	int rc = seen_open(&seen, view, service, instance, error);

	if (rc != 0)
		return rc;
	switch (seen.instance.record.state) {
	case INSTANCE_READY:
		status_of_ready(&seen, ret_status);
		break;
	case INSTANCE_FAILED:
		set_status(ret_status, STATUS_DOWN, "it could not be created: ",
		           seen.instance.record.failure != NULL ? seen.instance.record.failure : "no reason is known");
		break;
	case INSTANCE_REMOVING:
	case INSTANCE_REMOVAL_FAILED:
		status_of_removing(&seen, ret_status);
		break;
	case INSTANCE_RETAINED:
		set_status(ret_status, STATUS_DOWN, "it is removed", "");
		break;
	case INSTANCE_CREATING:
		set_status(ret_status, STATUS_PENDING, "", "");
		break;
	}
	arena_release(&seen.arena);
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
static void note_failure(struct seen *seen, const struct bind *bind)
{
	const char *what = bind->state == BIND_BOUND ? "have a new password" : "be unbound";

	if (bind->failure != NULL && seen->bind_failure == NULL)
		seen->bind_failure = arena_format(&seen->arena, "the %s \"%s\" could not %s: %s",
		                                  bind_kind_name(bind->kind), bind->name, what, bind->failure);
}

static void list_old(struct text *list, const struct bind *bind, const char *names)
{
	text_add_format(list, "%sthe %s \"%s\" (%s)", list->length > 0 ? ", " : "", bind_kind_name(bind->kind),
	                bind->name, strlen(names) <= OLD_NAMES_MAX ? names : "many");
}

/* Those whose next bind gives them other parameters: a login may still do what its instance's parameters deny it. */
static int find_old(struct seen *seen, const struct present *present, const struct held_bind *binds, size_t count,
                    struct text *list, struct error *error)
{
	const char *names = NULL;
	size_t found = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < count; i++) {
		rc = present_compare(present, &binds[i].record, &seen->arena, &names, error);
		if (rc == 0 && names != NULL && ++found <= OLD_MAX)
			list_old(list, &binds[i].record, names);
	}
	if (found > OLD_MAX)
		text_add_format(list, " and %zu more", found - OLD_MAX);
	return rc;
}

static int add_old_item(struct seen *seen, const struct held_bind *binds, size_t count, struct text *json,
                        struct error *error)
{
	struct present present;
	struct text list;
	int rc = present_open(&present, seen->view->catalog, &seen->instance.record, error);

	text_init(&list, OLD_TEXT_MAX);
	if (rc == 0)
		rc = find_old(seen, &present, binds, count, &list, error);
	if (rc == 0 && list.failed)
		rc = error_no_memory(error);
	if (rc == 0 && list.length > 0)
		add_item(json, "Old parameters until bound again", text_string(&list));
	text_release(&list);
	present_close(&present);
	return rc;
}

static int add_bind_items(struct seen *seen, struct text *json, struct error *error)
{
	struct held_bind *binds;
	char number[24];
	size_t count;
	int rc = records_read_binds(seen->view->catalog->records, &seen->arena, seen->instance.record.incarnation,
	                            &binds, &count, error);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < count; i++)
		note_failure(seen, &binds[i].record);
	snprintf(number, sizeof(number), "%zu", count);
	add_item(json, "Binds", number);
	return add_old_item(seen, binds, count, json, error);
}

/* The failure that matters now: a running operation's last attempt, or the last one that failed for good. */
static const char *last_failure(const struct seen *seen)
{
	static const enum operation_kind kinds[] = {OPERATION_CREATE, OPERATION_UPDATE, OPERATION_REMOVE,
	                                            OPERATION_BIND,   OPERATION_UNBIND, OPERATION_ROTATE};
	const struct instance *instance = &seen->instance.record;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		const struct job *job = queue_find(seen->view->queue, instance->incarnation, NULL, kinds[i]);

		if (job != NULL && job->error.code != 0)
			return job->error.text;
	}
	return instance->failure != NULL ? instance->failure : seen->bind_failure;
}

static const char *state_text(const struct seen *seen)
{
	const struct instance *instance = &seen->instance.record;
	bool updating = is_at_work(seen, 1U << OPERATION_UPDATE);

	return instance->state == INSTANCE_READY && updating ? "updating" : instance_state_name(instance->state);
}

static void add_server_items(const struct seen *seen, struct text *json)
{
	static const char *const health[] = {
	    [HOST_UNKNOWN] = "not checked yet", [HOST_UP] = "up", [HOST_DOWN] = "down: "};
	char text[ERROR_TEXT_MAX + 16];

	if (seen->host == NULL) {
		add_item(json, "Server state", "not in the configuration");
		return;
	}
	if (seen->host->server == NULL)
		return;
	snprintf(text, sizeof(text), "%s%s", health[seen->host->health], seen->host->reason);
	add_item(json, "Server state", text);
}

/* "2027-01-15T08:00:00.000Z, 5 min ago" */
static void format_age(const struct timers *timers, int64_t at, char *ret_text, size_t size)
{
	static const struct {
		int64_t ms, up_to;
		const char *name;
	} units[] = {{SECOND, 120 * SECOND, "s"}, {MINUTE, 120 * MINUTE, "min"}, {60 * MINUTE, INT64_MAX, "h"}};
	const int64_t age = timers_now(timers) - at;
	char time[TIME_SIZE];
	size_t unit = 0;

	while (age >= units[unit].up_to)
		unit++;
	text_format_time(timers_wall(timers) - age, time, sizeof(time));
	snprintf(ret_text, size, "%s, %lld %s ago", time, (long long)(age / units[unit].ms), units[unit].name);
}

/* Figures are asked for in the background, so they stay as they were while their server does not answer, and the first
 * look after a while shows old ones: whoever reads them has to know. */
static void add_age(const struct seen *seen, const struct observation *observation, struct text *json)
{
	const struct timers *timers = seen->view->catalog->timers;
	const bool up = seen->host != NULL && seen->host->health == HOST_UP;
	char text[TIME_SIZE + 32];

	if (observation->result_count == 0 || (up && timers_now(timers) - observation->results_at < FIGURES_FRESH))
		return;
	format_age(timers, observation->results_at, text, sizeof(text));
	add_item(json, "Figures from", text);
}

static void add_observed_items(const struct seen *seen, struct text *json)
{
	const struct observation *observation = watch_observe(seen->view->watch, &seen->instance.record);

	for (size_t i = 0; observation != NULL && i < observation->result_count; i++)
		add_item(json, observation->results[i].name, observation->results[i].value);
	if (observation != NULL)
		add_age(seen, observation, json);
	/* What status says, too. A server that is down has told why. */
	if (observation != NULL && observation->outcome.code != 0 && seen->host != NULL &&
	    seen->host->health == HOST_UP)
		add_item(json, "Problem", observation->outcome.text);
}

/* What only an operator can put right names others' roles and the server's own: it is for operators. */
static void add_drift_items(const struct seen *seen, struct text *json)
{
	const struct finding *finding = inspect_finding(seen->view->upkeep, seen->instance.record.incarnation);

	for (size_t i = 0; finding != NULL && i < finding->count; i++) {
		if (strcmp(finding->drifts[i].name, DRIFT_TOLD) == 0)
			continue;
		add_item(json, strcmp(finding->drifts[i].name, DRIFT_BIND) == 0 ? "Drift (login)" : "Drift",
		         finding->drifts[i].value);
	}
}

int view_describe(const struct view *view, const struct service *service, const char *instance, struct text *ret_json,
                  struct error *error)
{
	struct seen seen;
	const struct instance *record = &seen.instance.record;
	const char *wanted;
	char created[TIME_SIZE];
	int rc = seen_open(&seen, view, service, instance, error);

	if (rc != 0)
		return rc;
	text_format_time(record->created_at, created, sizeof(created));
	wanted = record->plan == NULL || strcmp(record->plan, record->wanted_plan) != 0 ? record->wanted_plan : NULL;
	text_add(ret_json, "[");
	if (!ret_json->failed) {
		add_item(ret_json, "State", state_text(&seen));
		add_item(ret_json, "Plan in force", record->plan); /* "Plan" is tsuru's own, of its own row */
		add_item(ret_json, "Wanted plan", wanted);
		add_item(ret_json, "Last refusal", record->refusal);
		add_item(ret_json, "Server", record->server);
		add_server_items(&seen, ret_json);
		add_item(ret_json, "Name on the server", record->resource);
		if (record->state == INSTANCE_READY)
			add_observed_items(&seen, ret_json);
		add_drift_items(&seen, ret_json);
		rc = add_bind_items(&seen, ret_json, error);
		add_item(ret_json, "Created", created);
		add_item(ret_json, "Last failure", last_failure(&seen));
	}
	text_add(ret_json, "]");
	arena_release(&seen.arena);
	if (rc == 0 && ret_json->failed)
		rc = error_no_memory(error);
	return rc;
}

/* ---- lists for the service's own commands ---- */

typedef int show(const struct view *view, struct arena *arena, const struct instance *instance, struct text *json,
                 struct error *error);

static int show_list(const struct view *view, const struct service *service, const char *instance, show *list,
                     struct text *ret_json, struct error *error)
{
	struct seen seen;
	int rc = seen_open(&seen, view, service, instance, error);

	if (rc != 0)
		return rc;
	rc = list(view, &seen.arena, &seen.instance.record, ret_json, error);
	arena_release(&seen.arena);
	return rc;
}

int view_list_binds(const struct view *view, const struct service *service, const char *instance, struct text *ret_json,
                    struct error *error)
{
	return show_list(view, service, instance, children_show_binds, ret_json, error);
}

int view_list_operations(const struct view *view, const struct service *service, const char *instance,
                         struct text *ret_json, struct error *error)
{
	return show_list(view, service, instance, children_show_operations, ret_json, error);
}
