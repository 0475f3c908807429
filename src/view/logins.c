/* Logins that should be dead and may live, found in one walk over the lanes with work that ends logins, and over the
 * notes of work that failed to. */
#include "view/logins.h"

#include <string.h>

#include "queue/queue.h"
#include "records/show.h"
#include "upkeep/drift.h"
#include "view/list.h"

#define ENDING (1U << OPERATION_UNBIND | 1U << OPERATION_REMOVE) /* kinds of operations */
#define MOMENT (30 * 1000)                                       /* ms */

struct walk {
	const struct view *view;
	lingering_visit *visit;
	void *arg;
	size_t seen;
};

static void walk_instance(struct walk *walk, const char *incarnation)
{
	struct held_instance held;
	struct arena arena;

	if (walk->seen++ >= LINGERING_MAX)
		return;
	arena_init(&arena);
	if (records_read_instance(walk->view->catalog->records, &arena, incarnation, &held, NULL) == 0)
		lingering_visit_binds(walk->view->catalog->records, &arena, &held.record, walk->visit, walk->arg);
	arena_release(&arena);
}

static bool on_note(void *arg, const void *key, size_t key_length, const struct store_value *value)
{
	char incarnation[INCARNATION_LENGTH + 1];
	struct walk *walk = arg;

	(void)value;
	lingering_read_note(key, key_length, incarnation);
	if (incarnation[0] != '\0' && !queue_has(walk->view->queue, incarnation, ENDING))
		walk_instance(walk, incarnation);
	return walk->seen < LINGERING_MAX;
}

void lingering_walk(const struct view *view, lingering_visit *visit, void *arg)
{
	struct walk walk = {.view = view, .visit = visit, .arg = arg};
	struct lane *lane, *next;

	HASH_ITER (hh, view->queue->lanes, lane, next) {
		if (queue_has(view->queue, lane->incarnation, ENDING))
			walk_instance(&walk, lane->incarnation);
	}
	(void)store_scan(view->catalog->store, KEYSPACE_META, TO_END, strlen(TO_END), NULL, 0, on_note, &walk);
}

static void count_one(void *arg, const struct instance *instance, const struct bind *bind)
{
	(void)instance;
	(void)bind;
	++*(size_t *)arg;
}

size_t view_count_lingering(const struct view *view)
{
	size_t count = 0;

	lingering_walk(view, count_one, &count);
	return count;
}

/* ---- for people ---- */

struct list {
	struct text *json;
	int64_t before; /* wall ms */
	size_t count;
};

/* Each further try writes the records anew: their last change says nothing. */
static int64_t ended_since(const struct instance *instance, const struct bind *bind)
{
	if (bind->state == BIND_UNBINDING)
		return bind->ended_at != 0 ? bind->ended_at : bind->updated_at;
	if (instance->state == INSTANCE_REMOVING || instance->state == INSTANCE_REMOVAL_FAILED)
		return instance->removed_at != 0 ? instance->removed_at : instance->updated_at;
	return bind->updated_at; /* it was left behind */
}

static void show_one(void *arg, const struct instance *instance, const struct bind *bind)
{
	struct list *list = arg;
	const int64_t since = ended_since(instance, bind);

	if (list->count >= LIST_LIMIT_MAX || since > list->before)
		return;
	list->count++;
	show_comma(list->json);
	text_add(list->json, "{");
	show_text(list->json, "service", instance->service);
	show_text(list->json, "instance", instance->name);
	show_text(list->json, "instance_id", instance->incarnation);
	show_text(list->json, "server", instance->server);
	show_text(list->json, "kind", bind_kind_name(bind->kind));
	show_text(list->json, "name", bind->name);
	show_text(list->json, "login", bind->login);
	show_time(list->json, "since", since);
	show_text(list->json, "reason", bind->failure != NULL ? bind->failure : instance->failure);
	text_add(list->json, "}");
}

/* The member "logins": those that have been so for more than a moment. */
static void show_logins(const struct view *view, struct text *json)
{
	struct list list = {.json = json, .before = timers_wall(view->catalog->timers) - MOMENT};

	show_name(json, "logins");
	text_add(json, "[");
	lingering_walk(view, show_one, &list);
	text_add(json, "]");
}

int view_list_drift(const struct view *view, struct text *ret_json, struct error *error)
{
	int rc;

	text_add(ret_json, "{");
	rc = drift_show(view->upkeep, ret_json, error);
	show_logins(view, ret_json);
	text_add(ret_json, "}");
	return rc == 0 && ret_json->failed ? error_no_memory(error) : rc;
}
