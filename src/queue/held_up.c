/* The table stands in order of time, as all are remembered for equally long: those whose time is over are at its front,
 * and are dropped whenever one is added or asked for. */
#include "queue/held_up.h"

#include <stdlib.h>
#include <string.h>

#define REMEMBERED 60000 /* ms */

struct suspect {
	char incarnation[INCARNATION_LENGTH + 1];
	int64_t until; /* monotonic ms */
	UT_hash_handle hh;
};

static void forget(struct queue *queue, struct suspect *suspect)
{
	HASH_DEL(queue->held_up, suspect);
	free(suspect);
}

static void forget_old(struct queue *queue)
{
	const int64_t now = timers_now(queue->catalog->timers);

	while (queue->held_up != NULL && queue->held_up->until <= now)
		forget(queue, queue->held_up);
}

static struct suspect *find(struct queue *queue, const char *incarnation)
{
	struct suspect *suspect = NULL;

	HASH_FIND_STR(queue->held_up, incarnation, suspect);
	return suspect;
}

void held_up_remember(struct queue *queue, const char *incarnation)
{
	struct suspect *suspect = find(queue, incarnation);

	if (suspect != NULL)
		forget(queue, suspect);
	forget_old(queue);
	suspect = calloc(1, sizeof(*suspect));
	if (suspect == NULL)
		return;
	strcpy(suspect->incarnation, incarnation);
	suspect->until = timers_now(queue->catalog->timers) + REMEMBERED;
	HASH_ADD_STR(queue->held_up, incarnation, suspect);
	if (suspect->hh.tbl == NULL)
		free(suspect);
}

bool held_up_is_remembered(struct queue *queue, const char *incarnation)
{
	forget_old(queue);
	return find(queue, incarnation) != NULL;
}

void held_up_forget_all(struct queue *queue)
{
	while (queue->held_up != NULL)
		forget(queue, queue->held_up);
}
