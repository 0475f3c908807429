/* What operators do, on its way to the disk. */
#include "requests/noted.h"

#include <stdlib.h>
#include <string.h>

struct noted {
	TAILQ_ENTRY(noted) link;
	struct requests *requests;
	struct noted_told told;
	struct error error; /* why it is not durable */
};

static void noted_enter(struct noted *noted)
{
	struct requests *requests = noted->requests;

	TAILQ_INSERT_TAIL(&requests->noted, noted, link);
	if (noted->told.host != NULL)
		generation_hold(noted->told.host->offering->generation);
	requests->noted_count += noted->told.on_done != NULL;
}

static void noted_leave(struct noted *noted)
{
	struct requests *requests = noted->requests;

	TAILQ_REMOVE(&requests->noted, noted, link);
	requests->noted_count -= noted->told.on_done != NULL;
}

/* It has left. */
static void noted_free(struct noted *noted)
{
	if (noted->told.host != NULL)
		generation_drop(noted->told.host->offering->generation);
	free(noted);
}

static void noted_tell(struct noted *noted)
{
	if (noted->told.on_done != NULL)
		noted->told.on_done(noted->told.arg, noted->error.code, noted->error.text);
	noted_free(noted);
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
		noted_free(noted);
}

/* Servers are drained in memory before that is written: what failed goes back, and a configuration that was read
 * meanwhile has what was written before. What is on its way for the same server decides later. */
static void settle_server(const struct requests *requests, const struct host *host)
{
	const char *service = host->offering->service->name, *server = host_name(host);
	struct offering *offering;
	const struct noted *later;
	struct host *now;

	TAILQ_FOREACH_REVERSE(later, &requests->noted, noted_list, link)
	{
		const struct host *other = later->told.host;

		if (other != NULL && strcmp(host_name(other), server) == 0 &&
		    strcmp(other->offering->service->name, service) == 0)
			return;
	}
	offering = catalog_offering(requests->catalog, service);
	now = offering != NULL ? offering_host(offering, server) : NULL;
	if (now != NULL)
		host_read_drained(now);
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
	if (noted->told.host != NULL)
		settle_server(requests, noted->told.host);
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
                 const struct noted_told *told, struct error *error)
{
	struct noted *noted = malloc(sizeof(*noted));
	int rc;

	if (noted == NULL) {
		changes_drop(changes);
		return error_no_memory(error);
	}
	*noted = (struct noted){.requests = requests, .told = *told};
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
