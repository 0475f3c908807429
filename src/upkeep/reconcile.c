/* Reconciling: what tsuru forgets without a word.
 *
 * The problem. An app is removed while the broker is away, an unbind is forced, an answer is lost, a job is deleted
 * (tsuru never unbinds those): tsuru's row is gone, it will never mention it again, and the login lives on. Only tsuru
 * knows what it still has, and its list of instances says so. But a list that is wrong is worse than none: a token that
 * sees less than it should, a proxy's page, an answer that was cut off, a tsuru that was put back from a backup would
 * each end the logins of apps that run.
 *
 * The idea. The list counts only as a whole and only when it is just what tsuru makes (src/tsuru); it has to know every
 * service that has instances here. Then all records are held against it, some at a time, and the result replaces the
 * last one (comparison.c). A bind that tsuru does not know is ended when comparisons have found it so for `grace`, when
 * nobody has changed it for as long, when nothing is under way for it, and only one of `limit` at a time. What is ended
 * is looked at again in the same turn and by the decision itself (ask_end_bind), so a bind that tsuru asks for again
 * meanwhile stays. It is an ordinary operation: durable, tried again, and in the audit.
 *
 * Binds of an instance that tsuru does not list are left alone, since a token of one team does not see what another
 * team has. Nor are instances ever removed: somebody's data is in them. Both are shown.
 *
 * What is remembered is in memory: after a start every bind has its whole grace again. */
#include "upkeep/reconcile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "records/show.h"
#include "tsuru/tsuru.h"
#include "upkeep/comparison.h"
#include "upkeep/orphans.h"

#define PART      200   /* records that are looked at at once */
#define FIRST_IN  60000 /* ms after the start */
#define ENDER     "reconcile"
#define ENDER_MAX 256

enum reconcile_state {
	RECONCILE_RESTING,
	RECONCILE_ASKING,    /* tsuru's list is awaited, or has just come */
	RECONCILE_COMPARING, /* record by record */
	RECONCILE_LOOKING,   /* the list's entries that no record took */
};

struct reconcile {
	struct upkeep *upkeep;
	enum reconcile_state state;
	struct timer timer;
	struct config *config;       /* held: whose tsuru it is; NULL: nothing is compared */
	struct tsuru_client *client; /* while it is asked */
	struct comparison *next;     /* under way */
	struct comparison *last;     /* whole; NULL: none yet */
	char position[INCARNATION_LENGTH + 1];
	uint64_t looked_at;
	struct error error; /* why the last one came to nothing */
	bool ends;          /* what is due when it is whole */
	char ender[ENDER_MAX];
	int64_t opened_at, compared_at;    /* monotonic ms */
	int64_t began_wall, compared_wall; /* 0: never */
	size_t ended;                      /* by the last one */
};

static void on_tick(void *arg);

static void tick_in(struct reconcile *reconcile, int64_t delay)
{
	timer_init(&reconcile->timer, on_tick, reconcile);
	(void)timer_start(reconcile->upkeep->catalog->timers, &reconcile->timer,
	                  delay); /* without memory: until somebody asks */
}

static const struct tsuru *tsuru_of(const struct reconcile *reconcile)
{
	return reconcile->config->tsuru;
}

/* ---- its end ---- */

static void plan(struct reconcile *reconcile, int64_t most)
{
	const int64_t interval = tsuru_of(reconcile)->interval;

	if (interval > 0)
		tick_in(reconcile, interval < most ? interval : most);
}

static void drop_work(struct reconcile *reconcile)
{
	timer_stop(reconcile->upkeep->catalog->timers, &reconcile->timer);
	tsuru_close(reconcile->client);
	comparison_free(reconcile->next);
	reconcile->client = NULL;
	reconcile->next = NULL;
	reconcile->state = RECONCILE_RESTING;
}

static void rest(struct reconcile *reconcile)
{
	drop_work(reconcile);
	reconcile->ends = false;
	plan(reconcile, INT64_MAX);
}

static void log_failure(const struct reconcile *reconcile)
{
	struct log_line line;

	log_begin(&line, reconcile->upkeep->life->log, LOG_WARNING, "reconcile");
	log_text(&line, "reason", reconcile->error.text);
	log_text(&line, "action", "none");
	log_end(&line);
}

static void fail(struct reconcile *reconcile)
{
	log_failure(reconcile);
	rest(reconcile);
}

static void log_comparison(const struct reconcile *reconcile)
{
	struct log_line line;

	log_begin(&line, reconcile->upkeep->life->log, LOG_INFO, "reconcile");
	log_number(&line, "instances", (int64_t)reconcile->looked_at);
	log_number(&line, "differences", (int64_t)comparison_total(reconcile->last));
	log_number(&line, "ended", (int64_t)reconcile->ended);
	log_end(&line);
}

static void settle(struct reconcile *reconcile)
{
	const struct timers *timers = reconcile->upkeep->catalog->timers;

	comparison_settle(reconcile->next, reconcile->last);
	comparison_free(reconcile->last);
	reconcile->last = reconcile->next;
	reconcile->next = NULL;
	reconcile->compared_at = timers_now(timers);
	reconcile->compared_wall = timers_wall(timers);
	reconcile->ended = reconcile->ends || tsuru_of(reconcile)->end_orphans
	                       ? orphans_end(reconcile->upkeep, reconcile->last, reconcile->ender)
	                       : 0;
	log_comparison(reconcile);
	rest(reconcile);
}

/* ---- the comparison ---- */

struct part {
	struct reconcile *reconcile;
	size_t seen;
	bool good;
};

static bool on_record(void *arg, const void *key, size_t key_length, const struct store_value *value)
{
	struct part *part = arg;
	struct reconcile *reconcile = part->reconcile;
	struct instance instance;

	if (key_length == INCARNATION_LENGTH)
		memcpy(reconcile->position, key, key_length);
	part->seen++;
	reconcile->looked_at++;
	part->good = instance_decode(value->bytes, value->length, &instance, &reconcile->error) == 0 &&
	             comparison_add(reconcile->next, &instance, &reconcile->error);
	return part->good && part->seen < PART;
}

static void compare_some(struct reconcile *reconcile)
{
	struct part part = {.reconcile = reconcile, .good = true};
	const int rc = store_scan(reconcile->upkeep->catalog->store, KEYSPACE_INSTANCES, "", 0,
	                          reconcile->position[0] != '\0' ? reconcile->position : NULL,
	                          strlen(reconcile->position), on_record, &part);

	if (rc != 0)
		error_set(&reconcile->error, rc, "the store cannot be read");
	if (rc != 0 || !part.good) {
		fail(reconcile);
		return;
	}
	if (part.seen < PART)
		reconcile->state = RECONCILE_LOOKING;
	tick_in(reconcile, 0);
}

/* Goes on from the next turn: the client cannot be closed in its own answer. */
static void on_listed(void *arg, const struct error *error, struct listing *listing)
{
	struct reconcile *reconcile = arg;

	reconcile->error = *error;
	if (listing != NULL) {
		reconcile->next = comparison_new(reconcile->upkeep->catalog, listing);
		if (reconcile->next == NULL)
			error_no_memory(&reconcile->error);
	}
	tick_in(reconcile, 0);
}

static void take_list(struct reconcile *reconcile)
{
	tsuru_close(reconcile->client);
	reconcile->client = NULL;
	if (reconcile->next == NULL) {
		fail(reconcile);
		return;
	}
	reconcile->state = RECONCILE_COMPARING;
	compare_some(reconcile);
}

static void begin(struct reconcile *reconcile)
{
	const struct driver_context *context = &reconcile->upkeep->catalog->context;

	timer_stop(reconcile->upkeep->catalog->timers, &reconcile->timer);
	error_clear(&reconcile->error);
	reconcile->state = RECONCILE_ASKING;
	reconcile->position[0] = '\0';
	reconcile->looked_at = 0;
	reconcile->began_wall = timers_wall(reconcile->upkeep->catalog->timers);
	if (tsuru_open(context, reconcile->config, &reconcile->client, &reconcile->error) != 0 ||
	    tsuru_ask(reconcile->client, on_listed, reconcile, &reconcile->error) != 0)
		fail(reconcile);
}

static void on_tick(void *arg)
{
	struct reconcile *reconcile = arg;

	switch (reconcile->state) {
	case RECONCILE_RESTING:
		snprintf(reconcile->ender, sizeof(reconcile->ender), "%s", ENDER);
		begin(reconcile);
		return;
	case RECONCILE_ASKING:
		take_list(reconcile);
		return;
	case RECONCILE_COMPARING:
		compare_some(reconcile);
		return;
	case RECONCILE_LOOKING:
		if (comparison_look_back(reconcile->next))
			settle(reconcile);
		else
			tick_in(reconcile, 0);
		return;
	}
}

/* ---- the configuration ---- */

static void take_config(struct reconcile *reconcile)
{
	struct config *config = reconcile->upkeep->catalog->present->config;

	if (config->tsuru != NULL)
		reconcile->config = config_hold(config);
}

void reconcile_open(struct upkeep *upkeep)
{
	struct reconcile *reconcile = calloc(1, sizeof(*reconcile));

	upkeep->reconcile = reconcile;
	if (reconcile == NULL)
		return; /* nothing is compared */
	reconcile->upkeep = upkeep;
	reconcile->opened_at = reconcile->compared_at = timers_now(upkeep->catalog->timers);
	take_config(reconcile);
	if (reconcile->config != NULL)
		plan(reconcile, FIRST_IN);
}

void reconcile_close(struct upkeep *upkeep)
{
	struct reconcile *reconcile = upkeep->reconcile;

	if (reconcile == NULL)
		return;
	drop_work(reconcile);
	comparison_free(reconcile->last);
	config_free(reconcile->config);
	free(reconcile);
	upkeep->reconcile = NULL;
}

/* What another tsuru did not know says nothing of this one. */
static void forget(struct reconcile *reconcile)
{
	comparison_free(reconcile->last);
	reconcile->last = NULL;
	reconcile->compared_at = timers_now(reconcile->upkeep->catalog->timers);
	reconcile->compared_wall = reconcile->began_wall = 0;
	reconcile->ended = 0;
	error_clear(&reconcile->error);
}

static bool is_same(const struct config *before, const struct config *now)
{
	return before != NULL && now != NULL && strcmp(before->tsuru->url, now->tsuru->url) == 0;
}

void reconcile_reload(struct upkeep *upkeep)
{
	struct reconcile *reconcile = upkeep->reconcile;
	struct config *before = reconcile != NULL ? reconcile->config : NULL;
	bool working;

	if (reconcile == NULL)
		return;
	working = reconcile->state != RECONCILE_RESTING;
	reconcile->config = NULL;
	take_config(reconcile);
	if (working || reconcile->config == NULL)
		drop_work(reconcile);
	if (!is_same(before, reconcile->config))
		forget(reconcile);
	if (reconcile->config == NULL)
		reconcile->ends = false;
	else if (working)
		begin(reconcile);
	else if (before == NULL || before->tsuru->interval != tsuru_of(reconcile)->interval) {
		timer_stop(upkeep->catalog->timers, &reconcile->timer);
		plan(reconcile, reconcile->last == NULL ? FIRST_IN : INT64_MAX);
	}
	config_free(before);
}

/* ---- for operators ---- */

static int check_configured(const struct upkeep *upkeep, struct error *error)
{
	if (upkeep->reconcile == NULL)
		return error_no_memory(error);
	if (upkeep->reconcile->config == NULL)
		return error_set(error, ERR_INVALID, "the configuration has no \"tsuru\" to compare the records with");
	return 0;
}

int reconcile_start(struct upkeep *upkeep, const char *ender, struct error *error)
{
	struct reconcile *reconcile = upkeep->reconcile;
	int rc = check_configured(upkeep, error);

	if (rc != 0)
		return rc;
	if (ender != NULL || reconcile->state == RECONCILE_RESTING)
		snprintf(reconcile->ender, sizeof(reconcile->ender), "%s", ender != NULL ? ender : ENDER);
	reconcile->ends |= ender != NULL;
	if (reconcile->state == RECONCILE_RESTING)
		begin(reconcile);
	return 0;
}

static void show_difference(const struct reconcile *reconcile, const struct difference *difference, struct text *json)
{
	const bool orphan = difference->kind == DIFFERENCE_ORPHAN;

	show_comma(json);
	text_add(json, "{");
	show_text(json, "kind", difference_name(difference->kind));
	show_text(json, "service", difference->service);
	show_text(json, "instance", difference->instance);
	show_text(json, "instance_id", difference->incarnation[0] != '\0' ? difference->incarnation : NULL);
	show_text(json, "bind_kind", difference->bind_kind != 0 ? bind_kind_name(difference->bind_kind) : NULL);
	show_text(json, "bind", difference->bind[0] != '\0' ? difference->bind : NULL);
	show_time(json, "since", difference->since_wall);
	if (orphan)
		show_flag(json, "due", comparison_is_due(reconcile->last, difference, tsuru_of(reconcile)->grace));
	text_add(json, "}");
}

int reconcile_show(const struct upkeep *upkeep, struct text *json, struct error *error)
{
	static const char *const states[] = {[RECONCILE_RESTING] = "resting",
	                                     [RECONCILE_ASKING] = "asking tsuru",
	                                     [RECONCILE_COMPARING] = "comparing records",
	                                     [RECONCILE_LOOKING] = "comparing records"};
	const struct reconcile *reconcile = upkeep->reconcile;
	const struct difference *difference;
	int rc = check_configured(upkeep, error);

	if (rc != 0)
		return rc;
	difference = reconcile->last != NULL ? comparison_first(reconcile->last) : NULL;
	show_text(json, "state", states[reconcile->state]);
	show_number(json, "looked_at", (int64_t)reconcile->looked_at);
	show_time(json, "began", reconcile->began_wall);
	show_time(json, "compared", reconcile->compared_wall);
	show_text(json, "failure", reconcile->error.code != 0 ? reconcile->error.text : NULL);
	show_number(json, "ended", (int64_t)reconcile->ended);
	show_number(json, "differ", reconcile->last != NULL ? (int64_t)comparison_total(reconcile->last) : 0);
	show_name(json, "differences");
	text_add(json, "[");
	for (; difference != NULL; difference = difference->hh.next)
		show_difference(reconcile, difference, json);
	text_add(json, "]");
	return 0;
}

void reconcile_show_health(const struct upkeep *upkeep, struct text *json)
{
	const struct reconcile *reconcile = upkeep->reconcile;

	if (reconcile == NULL || reconcile->config == NULL)
		return;
	show_text(json, "tsuru",
	          reconcile->error.code != 0 ? "the last comparison failed; see ctl reconcile"
	          : reconcile->last == NULL  ? "not compared yet"
	                                     : "compared");
	show_time(json, "tsuru_compared", reconcile->compared_wall);
	if (reconcile->last != NULL)
		show_number(json, "tsuru_differences", (int64_t)comparison_total(reconcile->last));
}

void reconcile_count(const struct upkeep *upkeep, const char *service,
                     void (*measure)(void *arg, const char *service, const char *kind, size_t count), void *arg)
{
	const struct reconcile *reconcile = upkeep->reconcile;

	if (reconcile == NULL || reconcile->last == NULL)
		return;
	for (enum difference_kind kind = 0; kind < DIFFERENCE_COUNT; kind++)
		measure(arg, service, difference_name(kind), comparison_count(reconcile->last, service, kind));
}

int64_t reconcile_age(const struct upkeep *upkeep)
{
	const struct reconcile *reconcile = upkeep->reconcile;

	if (reconcile == NULL || reconcile->config == NULL)
		return -1;
	return timers_now(reconcile->upkeep->catalog->timers) - reconcile->compared_at;
}
