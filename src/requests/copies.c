/* The lists are short: only what is on its way to the disk stands in one, and in the other hardly ever anything. */
#include "requests/copies.h"

#include <string.h>

static struct copy *find(const struct copy_list *list, const char *id)
{
	struct copy *copy;

	TAILQ_FOREACH (copy, list, entry) {
		if (strcmp(copy->id, id) == 0)
			return copy;
	}
	return NULL;
}

static void stand_in(struct copy *copy, struct copy_list *list)
{
	TAILQ_INSERT_TAIL(list, copy, entry);
	copy->list = list;
}

static void step_out(struct copy *copy)
{
	TAILQ_REMOVE(copy->list, copy, entry);
	copy->list = NULL;
}

bool copies_wait(struct requests *requests, struct copy *copy)
{
	if (copy->id == NULL || find(&requests->committing, copy->id) == NULL)
		return false;
	stand_in(copy, &requests->copies);
	return true;
}

void copies_enter(struct requests *requests, struct copy *copy)
{
	if (copy->id != NULL)
		stand_in(copy, &requests->committing);
}

void copies_leave(struct requests *requests, struct copy *copy)
{
	const bool known = copy->list == &requests->committing;
	struct copy *other;

	if (copy->list != NULL)
		step_out(copy);
	while (known && (other = find(&requests->copies, copy->id)) != NULL) {
		step_out(other);
		other->on_known(other);
	}
}
