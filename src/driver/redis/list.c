/* list: the broker's users on all nodes of a server, each told once. */
#include <stdlib.h>
#include <string.h>

#include "work.h"

#define NAMES_FIRST 64

static void tell_name(struct redis_work *work, const char *name)
{
	if (strncmp(name, ACL_RETIRED, strlen(ACL_RETIRED)) == 0)
		call_result(work->call, LIST_RETIRED, name + strlen(ACL_RETIRED));
	else if (strncmp(name, ACL_INSTANCE, strlen(ACL_INSTANCE)) == 0)
		call_result(work->call, LIST_INSTANCE, name + strlen(ACL_INSTANCE));
	else if (name_is_ours(name))
		call_result(work->call, LIST_LOGIN, name);
}

static int add_name(struct redis_work *work, const char *name, struct error *error)
{
	struct names *names = &work->users;

	if (names->count == names->capacity) {
		const size_t capacity = names->capacity > 0 ? 2 * names->capacity : NAMES_FIRST;
		const char **items = arena_alloc(&work->arena, capacity * sizeof(*items));

		if (items == NULL)
			return error_no_memory(error);
		if (names->count > 0)
			memcpy(items, names->items, names->count * sizeof(*items));
		names->items = items;
		names->capacity = capacity;
	}
	names->items[names->count] = arena_text(&work->arena, name);
	return names->items[names->count++] != NULL ? 0 : error_no_memory(error);
}

/* Users are on each node by themselves: one that was away when a login was dropped has it still. */
static int take_list(struct redis_work *work, redisReply *const *replies, size_t count, struct error *error)
{
	int rc = redis_work_check(work, replies, count, error);

	for (size_t i = 0; rc == 0 && i < replies[0]->elements; i++) {
		const char *name = reply_text(replies[0]->element[i]);

		if (name == NULL || strncmp(name, PROBE, strlen(PROBE)) == 0)
			continue;
		rc = add_name(work, name, error);
	}
	return rc;
}

static int compare_names(const void *one, const void *other)
{
	return strcmp(*(const char *const *)one, *(const char *const *)other);
}

static void step_tell(void *arg)
{
	struct redis_work *work = arg;

	if (work->users.count > 0)
		qsort(work->users.items, work->users.count, sizeof(*work->users.items), compare_names);
	for (size_t i = 0; i < work->users.count; i++)
		if (i == 0 || strcmp(work->users.items[i], work->users.items[i - 1]) != 0)
			tell_name(work, work->users.items[i]);
	call_next(work->call);
}

static void step_list(void *arg)
{
	struct redis_work *work = arg;

	batch_reset(&work->batch);
	batch_command(&work->batch, "ACL", "USERS", NULL);
	redis_work_each(work, false, take_list);
}

const struct step redis_list_steps[] = {
    WORK_BEGINS,
    {"list_its_users", step_list},
    {"tell_of_its_users", step_tell},
    {NULL, NULL},
};
