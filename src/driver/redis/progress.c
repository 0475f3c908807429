/* How far removals have come, as a list: it holds only those that are under way. */
#include "progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESOURCE_BYTES 64
#define PLACE_BYTES    300

struct redis_progress {
	TAILQ_ENTRY(redis_progress) entry;
	char resource[RESOURCE_BYTES];
	char place[PLACE_BYTES]; /* host and port */
	char run[RUN_BYTES];
	char cursor[CURSOR_BYTES];
};

static void name_place(const struct node *node, char ret_place[PLACE_BYTES])
{
	snprintf(ret_place, PLACE_BYTES, "%s %s", node->host, node->port);
}

static void drop_progress(struct progresses *progresses, struct redis_progress *progress)
{
	TAILQ_REMOVE(&progresses->list, progress, entry);
	progresses->count--;
	free(progress);
}

static struct redis_progress *find_progress(const struct progresses *progresses, const char *resource,
                                            const struct node *node)
{
	char place[PLACE_BYTES];
	struct redis_progress *progress;

	name_place(node, place);
	TAILQ_FOREACH (progress, &progresses->list, entry) {
		if (strcmp(progress->resource, resource) == 0 && strcmp(progress->place, place) == 0)
			return progress;
	}
	return NULL;
}

void progresses_init(struct progresses *progresses)
{
	TAILQ_INIT(&progresses->list);
	progresses->count = 0;
}

void progresses_release(struct progresses *progresses)
{
	while (!TAILQ_EMPTY(&progresses->list))
		drop_progress(progresses, TAILQ_FIRST(&progresses->list));
}

const char *progress_cursor(const struct progresses *progresses, const char *resource, const struct node *node,
                            const char *run)
{
	const struct redis_progress *progress = find_progress(progresses, resource, node);

	return progress != NULL && run[0] != '\0' && strcmp(progress->run, run) == 0 ? progress->cursor : "0";
}

static struct redis_progress *add_progress(struct progresses *progresses, const char *resource, const struct node *node)
{
	struct redis_progress *progress = calloc(1, sizeof(*progress));

	if (progress == NULL)
		return NULL;
	if (progresses->count >= PROGRESS_MAX)
		drop_progress(progresses, TAILQ_FIRST(&progresses->list));
	snprintf(progress->resource, sizeof(progress->resource), "%s", resource);
	name_place(node, progress->place);
	TAILQ_INSERT_TAIL(&progresses->list, progress, entry);
	progresses->count++;
	return progress;
}

void progress_note(struct progresses *progresses, const char *resource, const struct node *node, const char *run,
                   const char *cursor)
{
	struct redis_progress *progress = find_progress(progresses, resource, node);

	if (progress == NULL)
		progress = add_progress(progresses, resource, node);
	if (progress == NULL || strlen(cursor) >= sizeof(progress->cursor) || strlen(run) >= sizeof(progress->run))
		return;
	strcpy(progress->run, run);
	strcpy(progress->cursor, cursor);
}

void progress_forget(struct progresses *progresses, const char *resource)
{
	struct redis_progress *progress, *next;

	for (progress = TAILQ_FIRST(&progresses->list); progress != NULL; progress = next) {
		next = TAILQ_NEXT(progress, entry);
		if (strcmp(progress->resource, resource) == 0)
			drop_progress(progresses, progress);
	}
}
