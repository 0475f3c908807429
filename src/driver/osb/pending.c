/* What is under way at the upstream, as a list: it holds only what waits at this moment. */
#include "pending.h"

#include <stdlib.h>
#include <string.h>

static void drop_pending(struct pending *pending)
{
	LIST_REMOVE(pending, entry);
	free(pending->operation);
	free(pending);
}

void pendings_release(struct pendings *pendings)
{
	struct pending *pending;

	while ((pending = LIST_FIRST(pendings)) != NULL)
		drop_pending(pending);
}

struct pending *pending_find(const struct pendings *pendings, const char *id)
{
	struct pending *pending;

	LIST_FOREACH(pending, pendings, entry)
	{
		if (strcmp(pending->id, id) == 0)
			return pending;
	}
	return NULL;
}

static struct pending *find_or_add(struct pendings *pendings, const char *id)
{
	struct pending *pending = pending_find(pendings, id);

	if (pending != NULL || (pending = calloc(1, sizeof(*pending))) == NULL)
		return pending;
	memcpy(pending->id, id, sizeof(pending->id));
	LIST_INSERT_HEAD(pendings, pending, entry);
	return pending;
}

static void clear_operation(struct pending *pending)
{
	free(pending->operation);
	pending->operation = NULL;
	pending->polled = false;
}

void pending_note_orphan(struct pendings *pendings, const char *id)
{
	struct pending *pending = find_or_add(pendings, id);

	if (pending == NULL)
		return;
	clear_operation(pending);
	pending->orphan = true;
}

struct pending *pending_note_operation(struct pendings *pendings, const char *id, enum osb_verb verb,
                                       const char *operation, int64_t now)
{
	char *copy = operation != NULL ? strdup(operation) : NULL;
	struct pending *pending = operation == NULL || copy != NULL ? find_or_add(pendings, id) : NULL;

	if (pending == NULL) {
		free(copy);
		return NULL;
	}
	clear_operation(pending);
	pending->polled = true;
	pending->verb = verb;
	pending->operation = copy;
	pending->since = now;
	return pending;
}

void pending_end_operation(struct pendings *pendings, const char *id)
{
	struct pending *pending = pending_find(pendings, id);

	if (pending == NULL)
		return;
	if (pending->orphan)
		clear_operation(pending);
	else
		drop_pending(pending);
}

void pending_forget(struct pendings *pendings, const char *id)
{
	struct pending *pending = pending_find(pendings, id);

	if (pending != NULL)
		drop_pending(pending);
}
