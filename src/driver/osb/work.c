/* What all calls share: beginning, asking, polling, ending. */
#include "work.h"

#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define API_VERSION     "2.17"
#define REQUEST_TIMEOUT ((int64_t)60 * 1000)   /* ms for one exchange, as the specification suggests */
#define POLLING_DEFAULT ((int64_t)3600 * 1000) /* ms */
#define PATIENCE        ((int64_t)2000)        /* ms that a call may wait for an operation of the upstream's */
#define IDENTITY_MAX    ((size_t)16 * 1024)

static void poll_when_due(struct osb_work *work, struct pending *pending);
static void on_pause(void *arg);

static int64_t now_of(const struct osb_work *work)
{
	return timers_now(work->call->backend->context->timers);
}

/* ---- beginning and ending ---- */

int osb_begin(void *arg, struct error *error)
{
	struct osb_work *work = arg;
	struct driver_call *call = work->call;
	const char *user = call->bind != NULL ? call->bind->user : call->instance != NULL ? call->instance->user : NULL;

	(void)error;
	call->subject = call->instance != NULL ? call->instance->name : NULL;
	work->upstream = call_host(call);
	work->patience = now_of(work) + (call->timeout / 2 < PATIENCE ? call->timeout / 2 : PATIENCE);
	work->polled = &work->offer;
	timer_init(&work->pause, on_pause, work);
	text_init(&work->path, REQUEST_PATH_MAX);
	text_init(&work->url, REQUEST_PATH_MAX);
	text_init(&work->body, REQUEST_BODY_MAX);
	text_init(&work->identity, IDENTITY_MAX);
	if (user != NULL && user[0] != '\0')
		osb_write_identity(user, &work->identity);
	if (call->instance != NULL)
		osb_id_of_instance(work->instance_id, call->instance);
	return 0;
}

static void note_orphan_if_lost(const struct osb_work *work)
{
	if (work->verb == VERB_MAKE && !work->polling)
		pending_note_orphan(&work->upstream->pendings, work->id);
}

void osb_end(void *arg, bool given_up)
{
	struct osb_work *work = arg;

	if (given_up && work->exchange != NULL) {
		work->upstream->answered_at = 0; /* it may be silent: the next check asks it */
		note_orphan_if_lost(work);
	}
	timer_stop(work->call->backend->context->timers, &work->pause);
	client_cancel(work->exchange);
	catalog_drop(work->catalog);
	text_release(&work->path);
	text_release(&work->url);
	text_wipe(&work->body); /* users put passwords into parameters, too */
	text_release(&work->identity);
}

/* ---- exchanges ---- */

static void take_outcome(struct osb_work *work, struct outcome *outcome, int64_t retry_after);

/* Whether it lets the broker in and is not in trouble. */
static bool is_well(int status)
{
	return status < 500 && status != 401 && status != 403;
}

/* In one of its texts, which may have been written with escapes. */
static bool tells(const cJSON *answer, const char *secret)
{
	bool found = cJSON_IsString(answer) && strstr(answer->valuestring, secret) != NULL;

	for (const cJSON *child = answer != NULL ? answer->child : NULL; child != NULL && !found; child = child->next)
		found = tells(child, secret);
	return found;
}

static bool holds(const char *body, const cJSON *answer, const char *secret)
{
	return strstr(body, secret) != NULL || tells(answer, secret);
}

/* As it stands, and as Basic authentication sends it. */
static bool holds_credentials(const char *body, const cJSON *answer, const struct options *options)
{
	const char *user = options_text(options, "username"), *password = options_text(options, "password");
	const char *secret = password != NULL ? password : options_text(options, "token");
	struct text login, sent;
	bool found;

	if (secret == NULL || secret[0] == '\0')
		return false;
	text_init(&login, IDENTITY_MAX);
	text_init(&sent, 2 * IDENTITY_MAX);
	text_add_format(&login, "%s:%s", user != NULL ? user : "", secret);
	text_add_base64(&sent, text_string(&login), login.length);
	found = holds(body, answer, secret) || (!sent.failed && holds(body, answer, text_string(&sent)));
	text_wipe(&login);
	text_wipe(&sent);
	return found;
}

/* An upstream that is careless with what it was sent would have users read the broker's own credentials. */
static void hide_credentials(const struct osb_work *work, const struct client_answer *answer, struct outcome *outcome)
{
	if (outcome->error.code != 0 && holds_credentials(answer->body, outcome->answer, &work->call->server->options))
		error_set(&outcome->error, outcome->error.code,
		          "it answered %d in words that hold the broker's own credentials there and are not shown",
		          answer->status);
}

static void on_answer(void *arg, int code, const struct error *error, const struct client_answer *answer)
{
	struct osb_work *work = arg;
	struct outcome outcome;

	work->exchange = NULL;
	work->upstream->answered_at = code == 0 && is_well(answer->status) ? now_of(work) : 0;
	if (code != 0) {
		note_orphan_if_lost(work);
		call_fail_because(work->call, error);
		return;
	}
	if (work->polling) {
		outcome_read_progress(work->verb, answer->status, answer->body, &outcome);
	} else {
		work->status = answer->status;
		outcome_read(work->verb, answer->status, answer->body, &outcome);
	}
	hide_credentials(work, answer, &outcome);
	take_outcome(work, &outcome, answer->retry_after);
}

void osb_send(struct osb_work *work, const char *method, client_done *on_answered)
{
	char request_id[ID_SIZE];
	const struct pair headers[] = {
	    {"X-Broker-API-Version", API_VERSION},
	    {"X-Broker-API-Request-Identity", request_id},
	    {"X-Broker-API-Originating-Identity", text_string(&work->identity)},
	};
	const struct client_request request = {
	    .method = method,
	    .path = text_string(&work->url),
	    .body = work->body.length > 0 ? text_string(&work->body) : NULL,
	    .headers = headers,
	    .header_count = work->identity.length > 0 ? 3 : 2,
	    .timeout = REQUEST_TIMEOUT,
	};

	osb_id_random(request_id);
	if (!work->path.failed && !work->url.failed && !work->body.failed && !work->identity.failed)
		work->exchange = client_start(work->upstream->client, &request, on_answered, work);
	text_reset(&work->body);
	if (work->exchange == NULL)
		call_fail(work->call, ERR_NO_MEMORY, "out of memory");
}

static void send_request(struct osb_work *work)
{
	work->polling = false;
	text_reset(&work->url);
	text_add(&work->url, text_string(&work->path));
	if (work->verb != VERB_FETCH)
		text_add(&work->url, "?accepts_incomplete=true");
	if (work->verb == VERB_REMOVE || work->verb == VERB_FETCH)
		osb_add_ids(&work->url, work->verb == VERB_FETCH ? '?' : '&', &work->offer);
	osb_send(work, verb_method(work->verb), on_answer);
}

void osb_choose(struct osb_work *work, const struct bind *bind, int64_t version)
{
	memcpy(work->id, work->instance_id, sizeof(work->id));
	if (bind != NULL)
		osb_id_of_binding(work->id, bind, version);
	text_reset(&work->path);
	osb_add_object(&work->path, work->instance_id, bind != NULL ? work->id : NULL);
}

void osb_ask(struct osb_work *work, enum osb_verb verb, osb_done *on_done)
{
	struct pending *pending = pending_find(&work->upstream->pendings, work->id);

	work->verb = verb;
	work->finds = false;
	work->on_done = on_done;
	if (verb != VERB_FETCH && pending != NULL && pending->polled && pending->verb == verb)
		poll_when_due(work, pending);
	else
		send_request(work);
}

void osb_go_on(struct osb_work *work, const struct cJSON *answer)
{
	(void)answer;
	call_next(work->call);
}

void osb_find(struct osb_work *work, osb_done *on_done)
{
	work->verb = VERB_FETCH;
	work->finds = true;
	work->on_done = on_done;
	send_request(work);
}

bool osb_is_orphan(const struct osb_work *work)
{
	const struct pending *pending = pending_find(&work->upstream->pendings, work->id);

	return pending != NULL && pending->orphan;
}

/* ---- outcomes ---- */

static void note_end(const struct osb_work *work, const struct outcome *outcome)
{
	struct pendings *pendings = &work->upstream->pendings;

	if (work->verb == VERB_FETCH)
		return;
	if (outcome->orphan)
		pending_note_orphan(pendings, work->id);
	else if (outcome->kind == OUTCOME_DONE && work->verb == VERB_REMOVE)
		pending_forget(pendings, work->id);
	else
		pending_end_operation(pendings, work->id);
}

static void take_failure(struct osb_work *work, struct outcome *outcome, int64_t retry_after)
{
	if (outcome->error.code == ERR_NOT_FOUND && work->finds) {
		work->on_done(work, NULL);
		return;
	}
	/* tsuru takes "not found" for success at times, and what is lacking here is not what the user named. */
	if (outcome->error.code == ERR_NOT_FOUND)
		outcome->error.code = ERR_UNAVAILABLE;
	if (work->polling) /* what it had asked for time for has ended */
		work->call->until = now_of(work);
	else if (retry_after > 0)
		work->call->until = now_of(work) + retry_after;
	call_fail_because(work->call, &outcome->error);
}

static int64_t polling_limit(const struct osb_work *work)
{
	if (work->upstream->maximum_polling > 0)
		return work->upstream->maximum_polling;
	return work->offer.maximum_polling > 0 ? work->offer.maximum_polling : POLLING_DEFAULT;
}

static void give_up_polling(struct osb_work *work)
{
	const struct outcome expired = {.kind = OUTCOME_FAILED, .orphan = work->verb == VERB_MAKE};
	char limit[32];

	text_format_duration(polling_limit(work), limit, sizeof(limit));
	note_end(work, &expired);
	call_fail(work->call, work->verb == VERB_REMOVE ? ERR_UNAVAILABLE : ERR_REFUSED, "it did not finish within %s",
	          limit);
}

/* The upstream goes on: it is asked again after a while. */
static void poll_later(struct osb_work *work, const struct outcome *outcome, int64_t retry_after)
{
	struct pendings *pendings = &work->upstream->pendings;
	const int64_t now = now_of(work);
	struct pending *pending = work->polling
	                              ? pending_find(pendings, work->id)
	                              : pending_note_operation(pendings, work->id, work->verb, outcome->operation, now);
	int64_t left;

	if (pending == NULL) {
		call_fail(work->call, ERR_NO_MEMORY, "out of memory");
		return;
	}
	left = pending->since + polling_limit(work) - now;
	if (left <= 0) {
		give_up_polling(work);
		return;
	}
	pending->due = now + (retry_after > 0 ? retry_after : work->upstream->polling_interval);
	if (pending->due > now + left)
		pending->due = now + left;
	poll_when_due(work, pending);
}

/* Such an operation may take an hour, and a few of them would keep all others from the server: the call ends, and the
 * next attempt goes on from here. */
static void poll_when_due(struct osb_work *work, struct pending *pending)
{
	int64_t delay = pending->due - now_of(work);

	if (delay > 0 && pending->due > work->patience) {
		work->call->until = pending->since + polling_limit(work);
		call_fail(work->call, ERR_LOCKED, "it is still at work");
	} else if (timer_start(work->call->backend->context->timers, &work->pause, delay > 0 ? delay : 0) != 0)
		call_fail(work->call, ERR_NO_MEMORY, "out of memory");
}

static void on_pause(void *arg)
{
	struct osb_work *work = arg;
	const struct pending *pending = pending_find(&work->upstream->pendings, work->id);

	work->polling = true;
	text_reset(&work->body);
	text_reset(&work->url);
	text_add_format(&work->url, "%s/last_operation", text_string(&work->path));
	osb_add_ids(&work->url, '?', work->polled);
	if (pending != NULL && pending->operation != NULL) {
		text_add(&work->url, "&operation=");
		text_add_percent(&work->url, pending->operation);
	}
	osb_send(work, verb_method(VERB_FETCH), on_answer);
}

static void take_outcome(struct osb_work *work, struct outcome *outcome, int64_t retry_after)
{
	if (outcome->kind == OUTCOME_ACCEPTED) {
		poll_later(work, outcome, retry_after);
	} else {
		note_end(work, outcome);
		if (outcome->kind == OUTCOME_FAILED)
			take_failure(work, outcome, retry_after);
		else
			work->on_done(work, work->polling ? NULL : outcome->answer);
	}
	outcome_release(outcome);
}
