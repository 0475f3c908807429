/* Items: what they are at, and how long they may still be. */
#include "relay/item.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void count_end(const struct relay *relay, const char *outcome)
{
	const struct relay_measures *measures = relay->options.measures;

	if (measures != NULL)
		metric_add(measures->requests, 1,
		           (const char *[]){relay_listener_name(relay->options.listener), outcome});
}

static void count_failure(const struct relay *relay)
{
	const struct relay_measures *measures = relay->options.measures;

	if (measures != NULL)
		metric_add(measures->failures, 1, (const char *[]){relay_listener_name(relay->options.listener)});
}

/* ---- items ---- */

static bool is_timed(const struct relay_item *item, enum relay_state state)
{
	return state != RELAY_SENT || item->request.is_brief;
}

static void stop_time(struct relay_item *item)
{
	struct timers *timers = item->relay->options.timers;

	if (!timer_running(&item->timer))
		return;
	item->left -= timers_now(timers) - item->since;
	timer_stop(timers, &item->timer);
}

static void run_time(struct relay_item *item)
{
	struct timers *timers = item->relay->options.timers;

	if (timer_running(&item->timer))
		return;
	item->since = timers_now(timers);
	/* Without memory for a timer it is held until there is an active one. */
	(void)timer_start(timers, &item->timer, item->left > 0 ? item->left : 0);
}

static struct item_list *list_of(struct relay *relay, enum relay_state state)
{
	return state == RELAY_HELD ? &relay->held : &relay->under_way;
}

void item_move(struct relay_item *item, enum relay_state state)
{
	static const unsigned allowed[RELAY_STATES] = {
	    [RELAY_HELD] = 1U << RELAY_LEAVING,
	    [RELAY_LEAVING] = 1U << RELAY_HELD | 1U << RELAY_SENT,
	    [RELAY_SENT] = 1U << RELAY_HELD,
	};

	assert((allowed[item->state] & 1U << state) != 0);
	TAILQ_REMOVE(list_of(item->relay, item->state), item, link);
	item->state = state;
	TAILQ_INSERT_TAIL(list_of(item->relay, state), item, link);
	if (is_timed(item, state))
		run_time(item);
	else
		stop_time(item);
}

/* What it has begun comes to nothing. */
static void stop_attempt(struct relay_item *item)
{
	if (item->attempt.is_run)
		multi_stop(item->relay->multi, &item->attempt.run);
	item->attempt.is_run = false;
	attempt_end(&item->attempt);
}

static void item_free(struct relay_item *item)
{
	TAILQ_REMOVE(list_of(item->relay, item->state), item, link);
	item->relay->count--;
	timer_stop(item->relay->options.timers, &item->timer);
	attempt_end(&item->attempt);
	free(item);
}

void item_end(struct relay_item *item, enum relay_outcome outcome, const struct http_passed *answer)
{
	static const char *const names[RELAY_OUTCOMES] = {
	    [RELAY_ANSWERED] = "answered", [RELAY_OWN] = "own",       [RELAY_LATE] = "late",
	    [RELAY_FAILED] = "failed",     [RELAY_BROKEN] = "broken", [RELAY_LEFT] = "left"};
	const struct relay_end told = {.outcome = outcome,
	                               .active = item->to[0] != '\0' ? item->to : NULL,
	                               .was_sent = item->was_sent,
	                               .answer = answer,
	                               .error = &item->error};

	count_end(item->relay, names[outcome]);
	if (answer == NULL) /* which is the attempt's */
		stop_attempt(item);
	item->on_done(item->arg, &told);
	item_free(item);
}

static void on_late(void *arg)
{
	item_end(arg, RELAY_LATE, NULL);
}

void item_hold(struct relay_item *item)
{
	count_failure(item->relay);
	stop_attempt(item);
	item_move(item, RELAY_HELD);
}

void items_note_failure(struct relay *relay, const struct error *error)
{
	struct relay_item *item;

	count_failure(relay);
	TAILQ_FOREACH (item, &relay->held, link) {
		strcpy(item->to, relay->name);
		item->error = *error;
	}
}

/* One that may be sent again has another to ask, whatever became of the earlier ones. */
void item_refused(struct relay_item *item)
{
	if (item->request.is_once)
		item->was_sent = false;
}

bool item_is_doubtful(const struct relay_item *item)
{
	return item->request.is_once && item->was_sent;
}

void item_drop(struct relay_item *item)
{
	stop_attempt(item);
	item_free(item);
}

struct relay_item *item_new(struct relay *relay, const struct relay_request *request, relay_done *on_done, void *arg)
{
	struct relay_item *item = calloc(1, sizeof(*item));

	if (item == NULL)
		return NULL;
	item->relay = relay;
	item->request = *request;
	item->on_done = on_done;
	item->arg = arg;
	item->left = request->wait;
	attempt_init(&item->attempt, &relay->handles);
	timer_init(&item->timer, on_late, item);
	TAILQ_INSERT_TAIL(&relay->held, item, link);
	relay->count++;
	run_time(item);
	return item;
}
