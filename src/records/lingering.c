/* Logins that may linger are found by the records alone: the queue is not asked. What a visitor is shown is borrowed
 * until it returns. */
#include "records/lingering.h"

#include <string.h>

#include "records/internal.h"

/* By the store alone: what it says may be ahead of the queue. */
bool bind_is_left(struct records *records, const struct bind *bind)
{
	struct store_value value;

	return bind->state != BIND_BOUND &&
	       (bind->operation == NULL || store_get(records->store, KEYSPACE_PENDING, bind->operation,
	                                             strlen(bind->operation), &value) == ERR_NOT_FOUND);
}

/* What is locked away has no login that works; what is being removed should have none at all. */
static bool lingers(struct records *records, const struct instance *instance, const struct bind *bind)
{
	if (instance->state == INSTANCE_RETAINED)
		return false;
	if (instance->state == INSTANCE_REMOVING || instance->state == INSTANCE_REMOVAL_FAILED)
		return instance->retained_until == 0;
	return bind->state == BIND_UNBINDING || bind_is_left(records, bind);
}

void lingering_visit_binds(struct records *records, struct arena *arena, const struct instance *instance,
                           lingering_visit *visit, void *arg)
{
	struct held_bind *binds = NULL;
	size_t count = 0;

	if (records_read_binds(records, arena, instance->incarnation, &binds, &count, NULL) != 0)
		return;
	for (size_t i = 0; i < count; i++) {
		if (lingers(records, instance, &binds[i].record))
			visit(arg, instance, &binds[i].record);
	}
}

static void count_one(void *arg, const struct instance *instance, const struct bind *bind)
{
	(void)instance;
	(void)bind;
	++*(size_t *)arg;
}

size_t lingering_of(struct records *records, const struct instance *instance)
{
	size_t count = 0;
	struct arena arena;

	arena_init(&arena);
	lingering_visit_binds(records, &arena, instance, count_one, &count);
	arena_release(&arena);
	return count;
}

void lingering_read_note(const void *key, size_t key_length, char *ret_incarnation)
{
	const size_t before = strlen(TO_END);

	ret_incarnation[0] = '\0';
	if (key_length != before + INCARNATION_LENGTH || memcmp(key, TO_END, before) != 0)
		return;
	memcpy(ret_incarnation, (const char *)key + before, INCARNATION_LENGTH);
	ret_incarnation[INCARNATION_LENGTH] = '\0';
}

bool lingering_is_over(struct records *records, const void *key, size_t key_length)
{
	char incarnation[INCARNATION_LENGTH + 1];
	struct held_instance held;
	struct arena arena;
	bool over = false;
	int rc;

	lingering_read_note(key, key_length, incarnation);
	if (incarnation[0] == '\0')
		return false;
	arena_init(&arena);
	rc = records_read_instance(records, &arena, incarnation, &held, NULL);
	over = rc == ERR_NOT_FOUND || (rc == 0 && lingering_of(records, &held.record) == 0);
	arena_release(&arena);
	return over;
}
