/* Pages over everything that is kept. A page looks at a bounded number of records and says where it ended. */
#include "view/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/generation.h"
#include "catalog/host.h"
#include "queue/places.h"
#include "records/missing.h"
#include "records/reserve.h"
#include "records/show.h"
#include "upkeep/reconcile.h"
#include "view/children.h"

/* A page in the making. */
struct page {
	const struct view *view;
	const struct list_filter *filter;
	enum keyspace keyspace;
	struct text *json;
	size_t seen, count;
	char last[2 * STORE_KEY_MAX + 1]; /* the last key that was looked at, as hex */
	bool full;
	struct error error;
};

static bool fits(const char *wanted, const char *value)
{
	return wanted == NULL || (value != NULL && strcmp(wanted, value) == 0);
}

/* ---- positions: keys hold NULs, so they travel as hex ---- */

static void note_position(struct page *page, const void *key, size_t key_length)
{
	const unsigned char *bytes = key;
	char *at = page->last;

	for (size_t i = 0; i < key_length; i++)
		at += sprintf(at, "%02x", bytes[i]);
}

static int read_position(const char *after, unsigned char *ret_key, size_t *ret_length, struct error *error)
{
	const size_t length = after != NULL ? strlen(after) : 0;

	if (length % 2 != 0 || length > 2 * STORE_KEY_MAX ||
	    strspn(after != NULL ? after : "", "0123456789abcdef") != length)
		return error_set(error, ERR_INVALID, "\"after\" is no \"next\" of a page");
	for (size_t i = 0; i < length / 2; i++) {
		const char digits[] = {after[2 * i], after[2 * i + 1], '\0'};

		ret_key[i] = (unsigned char)strtoul(digits, NULL, 16);
	}
	*ret_length = length / 2;
	return 0;
}

/* A state that there is not would give an empty list, as if there were none in it. */
static int check_state(const struct list_filter *filter, const char *const *known, struct error *error)
{
	struct text all;

	for (size_t i = 0; filter->state != NULL && known[i] != NULL; i++) {
		if (strcmp(filter->state, known[i]) == 0)
			return 0;
	}
	if (filter->state == NULL)
		return 0;
	text_init(&all, ERROR_TEXT_MAX);
	for (size_t i = 0; known[i] != NULL; i++) {
		text_add(&all, i > 0 ? ", " : "");
		text_add(&all, known[i]);
	}
	error_set(error, ERR_INVALID, "\"state\" is \"%.100s\"; allowed are: %s", filter->state, text_string(&all));
	text_release(&all);
	return ERR_INVALID;
}

/* ---- what a page adds of a record; false: it does not fit the filter ---- */

static bool add_instance(struct page *page, const struct store_value *value)
{
	const struct list_filter *filter = page->filter;
	struct instance instance;

	if (instance_decode(value->bytes, value->length, &instance, &page->error) != 0)
		return false;
	if (!fits(filter->service, instance.service) || !fits(filter->name, instance.name) ||
	    !fits(filter->team, instance.team) || !fits(filter->server, instance.server) ||
	    !fits(filter->state, instance_state_name(instance.state)))
		return false;
	show_comma(page->json);
	text_add(page->json, "{");
	show_instance(page->json, &instance);
	text_add(page->json, "}");
	return true;
}

/* The operation with what says whose it is. */
static bool show_owned_operation(struct page *page, const struct operation *operation)
{
	const struct list_filter *filter = page->filter;
	struct held_instance held;
	struct arena arena;
	bool good;

	arena_init(&arena);
	good = records_read_instance(page->view->catalog->records, &arena, operation->incarnation, &held, NULL) == 0 &&
	       fits(filter->service, held.record.service) && fits(filter->name, held.record.name) &&
	       fits(filter->team, held.record.team) && fits(filter->server, held.record.server);
	if (good) {
		show_comma(page->json);
		children_show_operation(page->view, page->json, operation);
		page->json->length -= page->json->length > 0; /* the object goes on */
		show_text(page->json, "service", held.record.service);
		show_text(page->json, "instance", held.record.name);
		show_text(page->json, "instance_id", operation->incarnation);
		show_text(page->json, "server", held.record.server);
		text_add(page->json, "}");
	}
	arena_release(&arena);
	return good;
}

static bool add_operation(struct page *page, const struct store_value *value)
{
	struct operation operation;

	if (operation_decode(value->bytes, value->length, &operation, &page->error) != 0)
		return false;
	return fits(page->filter->state, operation_state_name(operation.state)) &&
	       show_owned_operation(page, &operation);
}

static bool add_pending(struct page *page, const void *key, size_t key_length, const struct store_value *value)
{
	char id[OPERATION_ID_LENGTH + 1] = "", incarnation[INCARNATION_LENGTH + 1] = "";
	struct held_operation held;
	struct arena arena;
	bool added = false;

	if (key_length != OPERATION_ID_LENGTH || value->length != INCARNATION_LENGTH)
		return false;
	memcpy(id, key, key_length);
	memcpy(incarnation, value->bytes, value->length);
	arena_init(&arena);
	if (records_read_operation(page->view->catalog->records, &arena, incarnation, id, &held, &page->error) == 0)
		added = show_owned_operation(page, &held.record);
	arena_release(&arena);
	return added;
}

static bool add_audit(struct page *page, const struct store_value *value)
{
	const struct list_filter *filter = page->filter;
	struct text *json = page->json;
	struct audit audit;

	if (audit_decode(value->bytes, value->length, &audit, &page->error) != 0)
		return false;
	if (!fits(filter->service, audit.service) || !fits(filter->name, audit.instance) ||
	    !fits(filter->state, audit.outcome))
		return false;
	show_comma(json);
	text_add(json, "{");
	show_time(json, "time", audit.at);
	show_text(json, "action", audit.action);
	show_text(json, "outcome", audit.outcome);
	show_text(json, "user", audit.user);
	show_text(json, "service", audit.service);
	show_text(json, "instance", audit.instance);
	show_text(json, "instance_id", audit.incarnation);
	show_text(json, "bind", audit.bind);
	show_text(json, "event", audit.event);
	show_text(json, "request", audit.request);
	show_time(json, "asked", audit.asked_at);
	show_text(json, "text", audit.text);
	text_add(json, "}");
	return true;
}

/* ---- pages ---- */

static bool on_record(void *arg, const void *key, size_t key_length, const struct store_value *value)
{
	struct page *page = arg;
	bool added;

	note_position(page, key, key_length);
	page->seen++;
	if (page->keyspace == KEYSPACE_INSTANCES)
		added = add_instance(page, value);
	else if (page->keyspace == KEYSPACE_PENDING)
		added = add_pending(page, key, key_length, value);
	else if (page->keyspace == KEYSPACE_AUDIT)
		added = add_audit(page, value);
	else
		added = add_operation(page, value);
	page->count += added;
	page->full = page->count >= page->filter->limit || page->seen >= LIST_SCAN_MAX;
	return !page->full && page->error.code == 0;
}

static int make_page(struct page *page, const char *name, struct error *error)
{
	unsigned char after[STORE_KEY_MAX];
	size_t length = 0;
	int rc = read_position(page->filter->after, after, &length, error);

	if (rc != 0)
		return rc;
	text_add(page->json, "{");
	show_name(page->json, name);
	text_add(page->json, "[");
	if (page->keyspace == KEYSPACE_AUDIT)
		rc = store_scan_back(page->view->catalog->store, page->keyspace, after, length, on_record, page);
	else
		rc = store_scan(page->view->catalog->store, page->keyspace, "", 0, length > 0 ? after : NULL, length,
		                on_record, page);
	text_add(page->json, "]");
	if (page->full)
		show_text(page->json, "next", page->last);
	text_add(page->json, "}");
	if (rc != 0)
		return error_set(error, rc, "the store cannot be read");
	if (page->error.code != 0)
		return error_set(error, page->error.code, "%s", page->error.text);
	return page->json->failed ? error_no_memory(error) : 0;
}

int view_list_instances(const struct view *view, const struct list_filter *filter, struct text *ret_json,
                        struct error *error)
{
	static const char *const states[] = {"creating",       "ready",    "failed", "removing",
	                                     "removal-failed", "retained", NULL};
	struct page page = {.view = view, .filter = filter, .keyspace = KEYSPACE_INSTANCES, .json = ret_json};
	int rc = check_state(filter, states, error);

	return rc != 0 ? rc : make_page(&page, "instances", error);
}

int view_list_all_operations(const struct view *view, const struct list_filter *filter, struct text *ret_json,
                             struct error *error)
{
	static const char *const states[] = {"pending", "cleaning", "done", "failed", "canceled", NULL};
	struct list_filter pending = *filter;
	struct page page = {.view = view, .filter = filter, .keyspace = KEYSPACE_OPERATIONS, .json = ret_json};
	int rc = check_state(filter, states, error);

	if (rc != 0)
		return rc;
	if (filter->state != NULL && strcmp(filter->state, "pending") == 0) {
		pending.state = NULL;
		page.filter = &pending;
		page.keyspace = KEYSPACE_PENDING;
	}
	return make_page(&page, "operations", error);
}

int view_list_audit(const struct view *view, const struct list_filter *filter, struct text *ret_json,
                    struct error *error)
{
	static const char *const outcomes[] = {"done", "failed", "canceled", NULL};
	struct page page = {.view = view, .filter = filter, .keyspace = KEYSPACE_AUDIT, .json = ret_json};
	int rc = check_state(filter, outcomes, error);

	return rc != 0 ? rc : make_page(&page, "audit", error);
}

/* ---- the whole ---- */

static void show_server(struct text *json, const struct host *host)
{
	static const char *const health[] = {[HOST_UNKNOWN] = "unknown", [HOST_UP] = "up", [HOST_DOWN] = "down"};

	show_text(json, "service", host->offering->service->name);
	show_text(json, "server", host->server != NULL ? host->server->name : NULL);
	show_text(json, "state", health[host->health]);
	show_text(json, "reason", host->health == HOST_DOWN ? host->reason : NULL);
	show_text(json, "warning", host->warning[0] != '\0' ? host->warning : NULL);
}

void view_list_servers(const struct view *view, struct text *ret_json)
{
	const struct generation *generation = view->catalog->present;

	text_add(ret_json, "[");
	for (size_t i = 0; i < generation->offering_count; i++) {
		for (size_t j = 0; j < generation->offerings[i].host_count; j++) {
			show_comma(ret_json);
			text_add(ret_json, "{");
			show_server(ret_json, &generation->offerings[i].hosts[j]);
			text_add(ret_json, "}");
		}
	}
	text_add(ret_json, "]");
}

void view_list_missing(const struct view *view, struct text *ret_json)
{
	missing_show(view->catalog->store, catalog_config(view->catalog), ret_json);
}

static void show_servers(struct text *json, const struct offering *offering)
{
	show_name(json, "servers");
	text_add(json, "[");
	for (size_t i = 0; i < offering->host_count; i++) {
		const struct host *host = &offering->hosts[i];

		if (host->server == NULL)
			continue;
		show_comma(json);
		text_add(json, "{");
		show_server(json, host);
		show_number(json, "instances", host_placed(host));
		if (host->server->capacity > 0)
			show_number(json, "capacity", host->server->capacity);
		show_number(json, "running", (int64_t)host->places.running);
		show_number(json, "waiting", (int64_t)places_waiting(&host->places));
		show_flag(json, "drained", host->drained);
		text_add(json, "}");
	}
	text_add(json, "]");
}

static void show_plans(struct text *json, const struct offering *offering)
{
	const struct service *service = offering->service;

	show_name(json, "plans");
	text_add(json, "[");
	for (size_t i = 0; i < service->plan_count; i++) {
		const struct plan *plan = &service->plans[i];
		const struct instance like = {.service = service->name, .wanted_plan = plan->name};

		show_comma(json);
		text_add(json, "{");
		show_text(json, "name", plan->name);
		show_text(json, "description", plan->description);
		show_number(json, "instances",
		            reserve_count(offering->generation->catalog->records, COUNTER_PLAN, &like, NULL));
		if (plan->instances > 0)
			show_number(json, "limit", plan->instances);
		text_add(json, "}");
	}
	text_add(json, "]");
}

int view_list_services(const struct view *view, struct text *ret_json, struct error *error)
{
	const struct generation *generation = view->catalog->present;

	text_add(ret_json, "{\"services\":[");
	for (size_t i = 0; i < generation->offering_count; i++) {
		const struct offering *offering = &generation->offerings[i];

		show_comma(ret_json);
		text_add(ret_json, "{");
		show_text(ret_json, "name", offering->service->name);
		show_text(ret_json, "driver", offering->service->driver);
		show_text(ret_json, "path", offering->service->path);
		show_servers(ret_json, offering);
		show_plans(ret_json, offering);
		text_add(ret_json, "}");
	}
	text_add(ret_json, "]}");
	return ret_json->failed ? error_no_memory(error) : 0;
}

int view_list_reconcile(const struct view *view, struct text *ret_json, struct error *error)
{
	int rc;

	text_add(ret_json, "{");
	rc = reconcile_show(view->upkeep, ret_json, error);
	text_add(ret_json, "}");
	return rc == 0 && ret_json->failed ? error_no_memory(error) : rc;
}

void view_show_tsuru(const struct view *view, struct text *ret_json)
{
	reconcile_show_health(view->upkeep, ret_json);
}

int view_show_rekey(const struct view *view, struct text *ret_json, struct error *error)
{
	const struct rekey *rekey = &view->upkeep->rekey;

	text_add(ret_json, "{");
	show_text(ret_json, "state", rekey->running ? "running" : "resting");
	show_number(ret_json, "sealed", (int64_t)rekey->sealed);
	show_number(ret_json, "failed", (int64_t)rekey->failed);
	show_time(ret_json, "began", rekey->began_wall);
	text_add(ret_json, "}");
	return ret_json->failed ? error_no_memory(error) : 0;
}

/* ---- one ---- */

int view_show_instance(const struct view *view, const char *incarnation, struct text *ret_json, struct error *error)
{
	struct held_instance held;
	struct arena arena;
	int rc;

	arena_init(&arena);
	rc = records_read_instance(view->catalog->records, &arena, incarnation, &held, error);
	if (rc == ERR_NOT_FOUND)
		error_set(error, rc, "there is no instance \"%.100s\"", incarnation);
	if (rc == 0) {
		text_add(ret_json, "{");
		show_instance(ret_json, &held.record);
		show_name(ret_json, "binds");
		rc = children_show_binds(view, &arena, &held.record, ret_json, error);
		show_name(ret_json, "operations");
		if (rc == 0)
			rc = children_show_operations(view, &arena, &held.record, ret_json, error);
		text_add(ret_json, "}");
	}
	arena_release(&arena);
	return rc;
}
