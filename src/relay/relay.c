/* The life of what is passed on, as a machine of three states: it is held, it is on its way to a connection, it is
 * sent.
 *
 * The problem. The active broker may die, be replaced, or be cut off at any moment, also with a request that it has
 * taken; who stands by learns of the next one by the store, a lease later. Clients must not see that.
 *
 * The idea. A request stays here until there is an answer, whatever becomes of those that it is sent to: it is sent
 * again with the same id, by which the next active one finds what the former one had accepted. What was sent to one who
 * is the active one no more gets GRACE for its answer, which may be on the way, and is taken back then. One who is the
 * active one still, and takes longer than it may, is not asked again. What has no id to be found by, and is to be done
 * once, ends where nobody knows whether it was done.
 *
 * Nothing is sent to an active one that has not shown to be who the store says, since then: proof.h.
 *
 * After an attempt without an answer the rest waits: one is sent each PAUSE to find out, then two, four and so on, as
 * long as none fails. With thousands of requests held, a broker that refuses them is not asked thousands of times at
 * once.
 *
 * The limits. A request is here whole, as the listener holds it, and so is its answer. */
#include "relay/relay.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/item.h"
#include "relay/voucher.h"

#define GRACE 1000 /* ms */
#define PAUSE 100  /* ms */
#define KEPT  256  /* idle connections */

/* ---- sending ---- */

static void send_all(struct relay *relay);
static void ask_for_proof(struct relay *relay);

static void start_pause(struct relay *relay)
{
	relay->burst = 1;
	if (!timer_running(&relay->pause))
		(void)timer_start(relay->options.timers, &relay->pause, PAUSE);
}

/* An attempt brought no answer. One to whom is the active one no more tells nothing about the one who is, as its answer
 * does not. */
static void hold_again(struct relay_item *item)
{
	struct relay *relay = item->relay;

	item_hold(item);
	if (item->generation == relay->generation)
		start_pause(relay);
	send_all(relay);
}

static void take_answer(struct relay_item *item)
{
	struct relay *relay = item->relay;
	struct http_passed answer;
	struct arena arena;
	bool stands_by;

	arena_init(&arena);
	if (!attempt_answer(&item->attempt, &arena, &answer, &stands_by)) {
		error_no_memory(&item->error);
		item_end(item, RELAY_FAILED, NULL);
	} else if (stands_by) {
		error_set(&item->error, ERR_UNAVAILABLE, "it stands by");
		item_refused(item);
		hold_again(item);
	} else {
		if (item->generation == relay->generation)
			timer_stop(relay->options.timers, &relay->pause);
		item_end(item, RELAY_ANSWERED, &answer);
		send_all(relay);
	}
	arena_wipe(&arena);
}

/* The active one has had its time for an answer, in one attempt or in several that it has broken off. */
static bool is_overdue(const struct relay_item *item)
{
	const struct relay *relay = item->relay;

	return item->was_sent && item->generation == relay->generation &&
	       timers_now(relay->options.timers) >= item->answer_by;
}

static void on_end(struct multi_run *run, CURLcode result)
{
	struct relay_item *item = (struct relay_item *)run; /* its first member's first */

	item->attempt.is_run = false;
	switch (attempt_judge(&item->attempt, result, &item->error)) {
	case ATTEMPT_ANSWERED:
		take_answer(item);
		break;
	case ATTEMPT_USELESS:
		item_end(item, RELAY_FAILED, NULL);
		break;
	case ATTEMPT_FAILED:
		if (is_overdue(item))
			item_end(item, RELAY_LATE, NULL);
		else if (item_is_doubtful(item))
			item_end(item, RELAY_BROKEN, NULL);
		else
			hold_again(item);
		break;
	}
}

/* libcurl says so again when it repeats a request on a new connection. */
static void on_sent(struct attempt *attempt)
{
	struct relay_item *item = (struct relay_item *)attempt;

	item->was_sent = true;
	if (item->state == RELAY_LEAVING)
		item_move(item, RELAY_SENT);
}

static int begin(struct relay_item *item)
{
	struct relay *relay = item->relay;
	struct http_request *http = item->request.http;
	const struct http_forwarded forwarded = {
	    .by = relay->options.name, .id = item->request.id, .peer = http_request_peer(http)};
	const int64_t left = item->answer_by - timers_now(relay->options.timers);
	struct attempt_target target = {
	    .address = relay->address, .timeout = left > 0 ? left : 1, .is_once = item->request.is_once};
	const struct voucher_scope scope = {.keyring = relay->options.keyring,
	                                    .listener = relay->options.listener,
	                                    .method = http_request_method(http),
	                                    .target = http_request_target(http)};
	struct text voucher;
	int rc;

	text_init(&voucher, VOUCHER_TEXT_MAX);
	voucher_write(&scope, &forwarded, &voucher);
	target.voucher = text_string(&voucher);
	rc = voucher.failed ? ERR_NO_MEMORY : attempt_begin(&item->attempt, http, &target);
	text_release(&voucher);
	if (rc == 0 && multi_start(relay->multi, &item->attempt.run) != 0) {
		attempt_end(&item->attempt);
		rc = ERR_NO_MEMORY;
	}
	item->attempt.is_run = rc == 0;
	return rc;
}

/* Of one that is held. false: without memory it is tried again as after any other failure. */
static bool send_item(struct relay_item *item)
{
	struct relay *relay = item->relay;

	if (item->generation != relay->generation)
		item->answer_by = timers_now(relay->options.timers) + item->request.answer_within;
	item->generation = relay->generation;
	strcpy(item->to, relay->name);
	if (begin(item) == 0) {
		item_move(item, RELAY_LEAVING);
		return true;
	}
	error_no_memory(&item->error);
	start_pause(relay);
	return false;
}

static bool has_way(const struct relay *relay)
{
	return !relay->is_self && relay->address[0] != '\0' && !timer_running(&relay->pause);
}

/* Where that hangs on a proof, it is asked for. */
static bool may_send(struct relay *relay)
{
	if (!relay->is_proven)
		ask_for_proof(relay);
	return has_way(relay) && relay->is_proven;
}

/* Nobody waits for the answer any more, and nobody has begun with it. */
static bool has_left(const struct relay_item *item)
{
	return !item->was_sent && http_request_has_ended(item->request.http);
}

static void send_some(struct relay *relay, size_t most)
{
	struct relay_item *item;

	for (size_t i = 0; i < most && (item = TAILQ_FIRST(&relay->held)) != NULL; i++) {
		if (has_left(item))
			item_end(item, RELAY_LEFT, NULL);
		else if (is_overdue(item))
			item_end(item, RELAY_LATE, NULL);
		else if (!send_item(item))
			return;
	}
}

static void send_all(struct relay *relay)
{
	if (may_send(relay))
		send_some(relay, SIZE_MAX);
}

static void on_pause(void *arg)
{
	struct relay *relay = arg;

	if (!may_send(relay))
		return;
	send_some(relay, relay->burst);
	relay->burst *= 2;
	if (!TAILQ_EMPTY(&relay->held) && !timer_running(&relay->pause))
		(void)timer_start(relay->options.timers, &relay->pause, PAUSE);
}

/* ---- whether it is the active one ---- */

static struct proof_asked asked_of(const struct relay *relay)
{
	return (struct proof_asked){.keyring = relay->options.keyring,
	                            .listener = relay->options.listener,
	                            .by = relay->options.name,
	                            .name = relay->name,
	                            .address = relay->address};
}

static void proof_failed(struct relay *relay, const struct error *error)
{
	items_note_failure(relay, error);
	start_pause(relay);
}

static void on_proof(struct multi_run *run, CURLcode result)
{
	struct relay *relay = (struct relay *)((char *)run - offsetof(struct relay, proof.run));
	const struct proof_asked asked = asked_of(relay);
	struct error error;

	relay->proof.is_run = false;
	relay->is_proven = proof_judge(&relay->proof, &relay->handles, &asked, result, &error);
	proof_end(&relay->proof, &relay->handles);
	if (relay->is_proven)
		send_all(relay);
	else
		proof_failed(relay, &error);
}

/* Once something waits for it. */
static void ask_for_proof(struct relay *relay)
{
	const struct proof_asked asked = asked_of(relay);
	struct error error;

	if (!has_way(relay) || relay->proof.is_run || TAILQ_EMPTY(&relay->held))
		return;
	relay->proof.run.on_end = on_proof;
	relay->proof.is_run = proof_begin(&relay->proof, &relay->handles, &asked) == 0 &&
	                      multi_start(relay->multi, &relay->proof.run) == 0;
	if (relay->proof.is_run)
		return;
	proof_end(&relay->proof, &relay->handles);
	error_no_memory(&error);
	proof_failed(relay, &error);
}

static void forget_proof(struct relay *relay)
{
	if (relay->proof.is_run)
		multi_stop(relay->multi, &relay->proof.run);
	relay->proof.is_run = relay->is_proven = false;
	proof_end(&relay->proof, &relay->handles);
}

/* ---- who is the active one ---- */

/* This broker. What is asked of it meanwhile, from the callbacks, waits for the next call. */
static void give_back_all(struct relay *relay)
{
	struct item_list list;
	struct relay_item *item;

	TAILQ_INIT(&list);
	TAILQ_CONCAT(&list, &relay->held, link);
	while ((item = TAILQ_FIRST(&list)) != NULL) {
		TAILQ_REMOVE(&list, item, link);
		TAILQ_INSERT_TAIL(&relay->held, item, link);
		item_end(item, has_left(item) ? RELAY_LEFT : RELAY_OWN, NULL);
	}
}

static void settle(struct relay *relay)
{
	if (relay->is_self)
		give_back_all(relay);
	else
		send_all(relay);
}

static void on_grace_over(void *arg)
{
	struct relay *relay = arg;
	struct relay_item *item, *next;

	for (item = TAILQ_FIRST(&relay->under_way); item != NULL; item = next) {
		next = TAILQ_NEXT(item, link);
		if (item->generation == relay->generation)
			continue;
		error_set(&item->error, ERR_UNAVAILABLE, "it is not the active one any more, and has not answered");
		if (item_is_doubtful(item))
			item_end(item, RELAY_BROKEN, NULL);
		else
			item_hold(item);
	}
	settle(relay);
}

static bool is_same(const struct relay *relay, const struct relay_active *active)
{
	return relay->is_self == active->is_self && relay->epoch == active->epoch &&
	       strcmp(relay->address, active->address) == 0 && strcmp(relay->name, active->name) == 0;
}

void relay_set_active(struct relay *relay, const struct relay_active *active)
{
	if (!is_same(relay, active)) {
		relay->generation++;
		relay->is_self = active->is_self;
		relay->epoch = active->epoch;
		snprintf(relay->name, sizeof(relay->name), "%s", active->name);
		snprintf(relay->address, sizeof(relay->address), "%s", active->address);
		timer_stop(relay->options.timers, &relay->pause);
		forget_proof(relay);
		if (!TAILQ_EMPTY(&relay->under_way))
			(void)timer_start(relay->options.timers, &relay->grace, GRACE);
	}
	settle(relay);
}

/* ---- requests ---- */

size_t relay_count(const struct relay *relay)
{
	return relay != NULL ? relay->count : 0;
}

int relay_pass(struct relay *relay, const struct relay_request *request, relay_done *on_done, void *arg,
               struct error *error)
{
	struct relay_item *item = item_new(relay, request, on_done, arg);

	if (item == NULL)
		return error_no_memory(error);
	item->attempt.run.on_end = on_end;
	item->attempt.on_sent = on_sent;
	if (may_send(relay))
		(void)send_item(item);
	return 0;
}

/* ---- life ---- */

static void collect(void *arg)
{
	const struct relay *relay = arg;
	struct relay_item *item;
	double held = 0;

	TAILQ_FOREACH (item, &relay->held, link)
		held++;
	metric_set(relay->options.measures->held, held, (const char *[]){relay_listener_name(relay->options.listener)});
}

int relay_open(const struct relay_options *options, struct relay_trust *trust, struct relay **ret_relay,
               struct error *error)
{
	const struct multi_options multi = {
	    .base = options->base, .timers = options->timers, .kept = KEPT, .probes = true};
	struct relay *relay = calloc(1, sizeof(*relay));
	int rc;

	if (relay == NULL) {
		relay_trust_free(trust);
		return error_no_memory(error);
	}
	relay->options = *options;
	relay->trust = trust;
	TAILQ_INIT(&relay->held);
	TAILQ_INIT(&relay->under_way);
	timer_init(&relay->pause, on_pause, relay);
	timer_init(&relay->grace, on_grace_over, relay);
	rc = multi_new(&multi, &relay->multi, error);
	if (rc != 0) {
		relay_close(relay);
		return rc;
	}
	relay->handles = (struct handles){.curl = multi_curl(relay->multi), .trust = trust};
	if (options->measures != NULL)
		metrics_on_render(options->measures->metrics, collect, relay);
	*ret_relay = relay;
	return 0;
}

void relay_use(struct relay *relay, const struct keyring *keyring, struct relay_trust *trust)
{
	if (keyring != NULL)
		relay->options.keyring = keyring;
	if (trust == NULL)
		return;
	relay_trust_free(relay->trust);
	relay->trust = trust;
	relay->handles.trust = trust;
}

static void drop_all(const struct item_list *list)
{
	while (!TAILQ_EMPTY(list))
		item_drop(TAILQ_FIRST(list));
}

void relay_close(struct relay *relay)
{
	if (relay == NULL)
		return;
	if (relay->options.measures != NULL)
		metrics_forget(relay->options.measures->metrics, relay);
	timer_stop(relay->options.timers, &relay->pause);
	timer_stop(relay->options.timers, &relay->grace);
	drop_all(&relay->under_way);
	drop_all(&relay->held);
	forget_proof(relay);
	multi_free(relay->multi);
	relay_trust_free(relay->trust);
	free(relay);
}
