/* What operators do, on its way to the disk. */
#include "requests/noted.h"

#include <stdlib.h>

struct noted {
	TAILQ_ENTRY(noted) link;
	struct requests *requests;
	operator_done *on_done; /* NULL: nobody waits */
	void *arg;
	struct error error; /* why it is not durable */
};

static void noted_enter(struct noted *noted)
{
	struct requests *requests = noted->requests;

	TAILQ_INSERT_TAIL(&requests->noted, noted, link);
	requests->noted_count += noted->on_done != NULL;
}

static void noted_leave(struct noted *noted)
{
	struct requests *requests = noted->requests;

	TAILQ_REMOVE(&requests->noted, noted, link);
	requests->noted_count -= noted->on_done != NULL;
}

/* It has left. */
static void noted_tell(struct noted *noted)
{
	if (noted->on_done != NULL)
		noted->on_done(noted->arg, noted->error.code, noted->error.text);
	free(noted);
}

static struct noted *take_first(struct requests *requests)
{
	struct noted *noted = TAILQ_FIRST(&requests->noted);

	if (noted != NULL)
		noted_leave(noted);
	return noted;
}

void noted_tell_all(struct requests *requests)
{
	struct noted *noted;

	while ((noted = take_first(requests)) != NULL)
		noted_tell(noted);
}

void noted_drop_all(struct requests *requests)
{
	struct noted *noted;

	while ((noted = take_first(requests)) != NULL)
		free(noted);
}

/* Servers are drained in memory before that is written: what failed goes back, and a configuration that was read
 * meanwhile has what was written before. While more is on its way, what is written is not all yet. */
static void go_by_what_is_written(const struct requests *requests)
{
	if (TAILQ_EMPTY(&requests->noted))
		generation_read_drained(requests->catalog->present);
}

/* While the broker closes or resigns, whoever waits is told or dropped once all is known. */
static void on_commit(void *arg, int code, const struct error *error, uint64_t revision)
{
	struct noted *noted = arg;
	struct requests *requests = noted->requests;

	(void)revision;
	if (code != 0)
		noted->error = *error;
	if (requests->catalog->closing)
		return;
	if (code != 0)
		log_event(requests->life->log, LOG_ERROR, "audit-not-written", "reason", error->text);
	noted_leave(noted);
	go_by_what_is_written(requests);
	noted_tell(noted);
}

int noted_find_room(const struct requests *requests, struct error *error)
{
	if (requests->noted_count < NOTED_MAX)
		return 0;
	return error_set(error, ERR_UNAVAILABLE,
	                 "%d calls of operators wait for the store already; nothing was done: repeat this in a moment",
	                 NOTED_MAX);
}

int noted_commit(struct requests *requests, struct changes *changes, const struct caller *caller, struct audit *audit,
                 operator_done *on_done, void *arg, struct error *error)
{
	struct noted *noted = malloc(sizeof(*noted));
	int rc;

	if (noted == NULL) {
		changes_drop(changes);
		return error_no_memory(error);
	}
	*noted = (struct noted){.requests = requests, .on_done = on_done, .arg = arg};
	audit->user = caller->user;
	audit->event = caller->event;
	audit->request = caller->request;
	audit->at = timers_wall(requests->catalog->timers);
	changes_put_audit(changes, audit);
	rc = changes_commit(changes, on_commit, noted, error);
	if (rc == 0)
		noted_enter(noted);
	else
		free(noted);
	return rc;
}
