/* Retained instances: one timer waits for the one whose time ends first. */
#include "upkeep/retention.h"

#include <stdlib.h>
#include <string.h>

#include "records/records.h"
#include "upkeep/errand.h"

#define DUE_MAX 64            /* dropped in one turn */
#define LOOK_AT 1000          /* entries of one look */
#define AGAIN   10000         /* ms until what is due and could not be dropped is met again */
#define LONGEST (3600 * 1000) /* ms between two looks */

struct look {
	int64_t now;
	int64_t next; /* when the first that is not due is; 0: none */
	size_t seen, count;
	char due[DUE_MAX][INCARNATION_LENGTH + 1];
};

/* The keys are in order of time. What is due is asked for after the scan, in which nothing may be committed. */
static bool on_entry(void *arg, const void *key, size_t key_length, const struct store_value *value)
{
	struct look *look = arg;
	char time[KEY_RETAINED_TIME + 1] = "";
	int64_t until;

	(void)value;
	if (key_length != KEY_RETAINED_TIME + 1 + INCARNATION_LENGTH)
		return true;
	memcpy(time, key, KEY_RETAINED_TIME);
	until = strtoll(time, NULL, 16);
	if (until > look->now) {
		look->next = until;
		return false;
	}
	memcpy(look->due[look->count++], (const char *)key + KEY_RETAINED_TIME + 1, INCARNATION_LENGTH);
	return look->count < DUE_MAX && ++look->seen < LOOK_AT;
}

/* An instance whose purge is under way has left the list already. */
static void purge(struct upkeep *upkeep, const char *incarnation)
{
	struct held_instance held;
	struct arena arena;

	arena_init(&arena);
	if (records_read_instance(upkeep->catalog->records, &arena, incarnation, &held, NULL) == 0 &&
	    held.record.retained_until <= timers_wall(upkeep->catalog->timers))
		errand_run(upkeep, &ask_purge, &held.record, "retention", NULL);
	arena_release(&arena);
}

static int64_t next_look(const struct look *look)
{
	int64_t delay = look->next > 0 ? look->next - look->now : LONGEST;

	if (look->count > 0 && delay > AGAIN)
		delay = AGAIN;
	return delay < LONGEST ? delay : LONGEST;
}

static void on_timer(void *arg)
{
	struct upkeep *upkeep = arg;
	struct look look = {.now = timers_wall(upkeep->catalog->timers)};

	(void)store_scan(upkeep->catalog->store, KEYSPACE_RETAINED, "", 0, NULL, 0, on_entry, &look);
	for (size_t i = 0; i < look.count; i++)
		purge(upkeep, look.due[i]);
	timer_init(&upkeep->retention, on_timer, upkeep);
	(void)timer_start(upkeep->catalog->timers, &upkeep->retention,
	                  next_look(&look)); /* without memory: until the next start */
}

void retention_open(struct upkeep *upkeep)
{
	on_timer(upkeep);
}

void retention_close(struct upkeep *upkeep)
{
	timer_stop(upkeep->catalog->timers, &upkeep->retention);
}

void retention_changed(struct upkeep *upkeep)
{
	timer_stop(upkeep->catalog->timers, &upkeep->retention);
	timer_init(&upkeep->retention, on_timer, upkeep);
	(void)timer_start(upkeep->catalog->timers, &upkeep->retention, 0);
}
