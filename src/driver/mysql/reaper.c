/* The reaper: asks the server which of the sessions that were given up are still there, ends those, and asks again
 * after a pause, until none is left or its time is up. A server that cannot be reached, or does not answer, ends them
 * by itself when their statements' limits pass. */
#include "reaper.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/text.h"
#include "driver/sql.h"
#include "session.h"

#define PAUSE      100   /* ms between two looks */
#define LIMIT      15000 /* ms from the first to the last */
#define LIMIT_EACH 5000  /* ms of one statement */

struct victim {
	unsigned long id;
	char badge[BADGE_SIZE];
	STAILQ_ENTRY(victim) entry;
	bool asked_for; /* by the query under way */
};

STAILQ_HEAD(victim_list, victim);

struct reaper {
	const struct driver_context *context;
	const struct mysql_target *target;
	struct mysql_session *session; /* NULL: none */
	struct victim_list victims;
	struct timer limit, pause;
	struct text text;
};

static void give_up(void *arg)
{
	struct reaper *reaper = arg;
	struct victim *victim;

	timer_stop(reaper->context->timers, &reaper->limit);
	timer_stop(reaper->context->timers, &reaper->pause);
	if (reaper->session != NULL)
		maria_session_kind.close(reaper->session);
	reaper->session = NULL;
	while ((victim = STAILQ_FIRST(&reaper->victims)) != NULL) {
		STAILQ_REMOVE_HEAD(&reaper->victims, entry);
		free(victim);
	}
}

static void send_text(struct reaper *reaper, session_answered *on_answered)
{
	const char *text = text_string(&reaper->text);

	if (reaper->text.failed || !maria_session_is_usable(reaper->session) ||
	    maria_session_query(reaper->session, text, LIMIT_EACH, on_answered, reaper, NULL) != 0)
		give_up(reaper);
}

static void look_for_victims(void *arg);

/* Also of one that ended by itself meanwhile. */
static void on_killed(void *arg, int code, const struct error *error, MYSQL_RES *rows)
{
	struct reaper *reaper = arg;

	(void)code;
	(void)error;
	(void)rows;
	if (timer_start(reaper->context->timers, &reaper->pause, PAUSE) != 0)
		give_up(reaper);
}

/* Those that were asked for are gone; others may have come since, behind them. */
static void forget_asked(struct reaper *reaper)
{
	struct victim *victim;

	while ((victim = STAILQ_FIRST(&reaper->victims)) != NULL && victim->asked_for) {
		STAILQ_REMOVE_HEAD(&reaper->victims, entry);
		free(victim);
	}
}

static void on_found(void *arg, int code, const struct error *error, MYSQL_RES *rows)
{
	struct reaper *reaper = arg;
	MYSQL_ROW row;

	(void)error;
	if (code != 0) {
		give_up(reaper);
		return;
	}
	if (mysql_num_rows(rows) == 0) {
		forget_asked(reaper);
		look_for_victims(reaper);
		return;
	}
	text_reset(&reaper->text);
	while ((row = mysql_fetch_row(rows)) != NULL)
		text_add_format(&reaper->text, "KILL %s;\n", row[0]);
	send_text(reaper, on_killed);
}

static void look_for_victims(void *arg)
{
	struct reaper *reaper = arg;
	const char *word = "";
	struct victim *victim;

	if (STAILQ_EMPTY(&reaper->victims)) {
		give_up(reaper);
		return;
	}
	text_reset(&reaper->text);
	text_add(&reaper->text, "SELECT p.ID FROM (");
	STAILQ_FOREACH(victim, &reaper->victims, entry)
	{
		victim->asked_for = true;
		text_add_format(&reaper->text, "%sSELECT %lu AS id, IS_USED_LOCK('%s') AS holder", word, victim->id,
		                victim->badge);
		word = " UNION ALL ";
	}
	text_add(&reaper->text, ") v JOIN information_schema.PROCESSLIST p ON p.ID = v.id AND p.ID = v.holder");
	send_text(reaper, on_found);
}

static void on_opened(void *arg, int code, const struct error *error)
{
	struct reaper *reaper = arg;

	(void)error;
	if (code == 0)
		look_for_victims(reaper);
	else
		give_up(reaper);
}

static void begin_looking(struct reaper *reaper)
{
	if (timer_start(reaper->context->timers, &reaper->limit, LIMIT) == 0)
		reaper->session = maria_session_kind.open(reaper->context, reaper->target, on_opened, reaper);
	if (reaper->session == NULL)
		give_up(reaper);
}

void reaper_add(struct reaper *reaper, unsigned long id, const char *badge)
{
	struct victim *victim;

	if (id == 0 || badge[0] == '\0' || strlen(badge) >= sizeof(victim->badge))
		return;
	victim = calloc(1, sizeof(*victim));
	if (victim == NULL)
		return;
	victim->id = id;
	strcpy(victim->badge, badge);
	STAILQ_INSERT_TAIL(&reaper->victims, victim, entry);
	if (reaper->session == NULL)
		begin_looking(reaper);
}

bool reaper_is_busy(const struct reaper *reaper)
{
	return reaper->session != NULL;
}

struct reaper *reaper_new(const struct driver_context *context, const struct mysql_target *target)
{
	struct reaper *reaper = calloc(1, sizeof(*reaper));

	if (reaper == NULL)
		return NULL;
	reaper->context = context;
	reaper->target = target;
	STAILQ_INIT(&reaper->victims);
	timer_init(&reaper->limit, give_up, reaper);
	timer_init(&reaper->pause, look_for_victims, reaper);
	text_init(&reaper->text, SQL_MAX);
	return reaper;
}

void reaper_free(struct reaper *reaper)
{
	if (reaper == NULL)
		return;
	give_up(reaper);
	text_release(&reaper->text);
	free(reaper);
}
