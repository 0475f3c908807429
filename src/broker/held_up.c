/* A table in order of time: what is over stands first, and goes when the next one comes. */
#include "broker/held_up.h"

#include <stdlib.h>
#include <string.h>

#define REMEMBERED 60000 /* ms */

struct suspect {
	char incarnation[INCARNATION_LENGTH + 1];
	int64_t until; /* monotonic ms */
	UT_hash_handle hh;
};

static void forget(struct broker *broker, struct suspect *suspect)
{
	HASH_DEL(broker->held_up, suspect);
	free(suspect);
}

static void forget_old(struct broker *broker)
{
	const int64_t now = timers_now(broker->timers);

	while (broker->held_up != NULL && broker->held_up->until <= now)
		forget(broker, broker->held_up);
}

static struct suspect *find(struct broker *broker, const char *incarnation)
{
	struct suspect *suspect = NULL;

	HASH_FIND_STR(broker->held_up, incarnation, suspect);
	return suspect;
}

void held_up_remember(struct broker *broker, const char *incarnation)
{
	struct suspect *suspect = find(broker, incarnation);

	if (suspect != NULL)
		forget(broker, suspect);
	forget_old(broker);
	suspect = calloc(1, sizeof(*suspect));
	if (suspect == NULL)
		return;
	strcpy(suspect->incarnation, incarnation);
	suspect->until = timers_now(broker->timers) + REMEMBERED;
	HASH_ADD_STR(broker->held_up, incarnation, suspect);
	if (suspect->hh.tbl == NULL)
		free(suspect);
}

bool held_up_is_remembered(struct broker *broker, const char *incarnation)
{
	forget_old(broker);
	return find(broker, incarnation) != NULL;
}

void held_up_forget_all(struct broker *broker)
{
	while (broker->held_up != NULL)
		forget(broker, broker->held_up);
}
