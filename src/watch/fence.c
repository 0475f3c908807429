/* The fence around each server. The mark is read with every check, so that a server that changes hands is noticed
 * within seconds even when its driver does not look with each call. */
#include "watch/fence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "watch/names.h"
#include "watch/watch.h"

#define CALL_TIMEOUT 4000  /* ms */
#define LIST_TIMEOUT 60000 /* ms */
#define SOON         10    /* ms until the number is looked for on the disk again */
#define PART_MAX     500   /* records compared in one turn */

#define TAKE_OVER    "to take it over"
#define RIGHT_SERVER "if it is the right server all the same"

/* A comparison of the server's list with the records. */
struct agreement {
	struct name *names;
	char position[INCARNATION_LENGTH + 1]; /* the last record looked at */
	size_t seen;                           /* in this part */
	size_t missing;
	char example[BACKEND_NAME_MAX + 1];
};

/* What a server carries. */
struct sight {
	size_t count;
	bool ours, older;
	struct mark newer;          /* of this store, and not before the present one */
	char foreign[MARK_MAX + 1]; /* "": none */
};

bool fence_has_marks(const struct host *host)
{
	return host->server != NULL && host->offering->backend->driver->marks;
}

/* ---- what the store remembers of a server: which file it was when it marked it ---- */

enum memory { NEVER_MARKED, MARKED_HERE, MARKED_ELSEWHERE };

static void memory_key(struct text *ret_key, const struct host *host)
{
	text_init(ret_key, STORE_KEY_MAX);
	text_add_format(ret_key, "marked/%s/%s", host->offering->service->name, host_name(host));
}

static enum memory recall(const struct host *host)
{
	char identity[STORE_IDENTITY_MAX + 1];
	enum memory memory = NEVER_MARKED;
	struct store_value value;
	struct text key;

	if (host->remembered)
		return MARKED_HERE;
	store_identity(watch_of(host)->catalog->store, identity);
	memory_key(&key, host);
	if (!key.failed &&
	    store_get(watch_of(host)->catalog->store, KEYSPACE_META, text_string(&key), key.length, &value) == 0)
		memory = value.length == strlen(identity) && memcmp(value.bytes, identity, value.length) == 0
		             ? MARKED_HERE
		             : MARKED_ELSEWHERE;
	text_release(&key);
	return memory;
}

/* A commit that fails is made again with the next check that finds the mark in order. */
static void on_remembered(void *arg, int code, const struct error *error, uint64_t revision)
{
	(void)arg;
	(void)code;
	(void)error;
	(void)revision;
}

static void remember(const struct host *host)
{
	char identity[STORE_IDENTITY_MAX + 1];
	struct batch *batch;
	struct text key;

	if (recall(host) == MARKED_HERE)
		return;
	batch = batch_new(watch_of(host)->catalog->store);
	batch_use_reserve(batch);
	store_identity(watch_of(host)->catalog->store, identity);
	memory_key(&key, host);
	if (!key.failed)
		batch_put(batch, KEYSPACE_META, text_string(&key), key.length, identity, strlen(identity),
		          REVISION_ANY);
	batch_commit(batch, on_remembered, NULL);
	text_release(&key);
}

/* ---- ends ---- */

void fence_close(struct host *host)
{
	if (host->agreement == NULL)
		return;
	names_free(&host->agreement->names);
	free(host->agreement);
	host->agreement = NULL;
}

static void end(struct host *host, enum fence fence, int code, const struct error *error)
{
	const enum fence before = host->fence;

	call_release(&host->check);
	fence_close(host);
	host->fence = fence;
	if (fence == FENCE_OPEN)
		host->claimed_until = 0;
	if (before != fence && before == FENCE_ASKING)
		queue_wake_host(host);
	if (before == FENCE_SHUT && fence == FENCE_OPEN)
		queue_hurry_host(watch_of(host)->queue, host);
	host->on_fenced(host, code, error);
}

/* The sentence reaches tenants: what the mark is stands in the log alone. */
static void log_shut(const struct host *host, const char *label, const char *found)
{
	struct log_line line;

	if (host->fence == FENCE_SHUT)
		return;
	log_begin(&line, watch_of(host)->log, LOG_ERROR, "server-shut");
	log_text(&line, "service", host->offering->service->name);
	log_text(&line, "server", host_name(host));
	log_text(&line, label, found);
	log_text(&line, "own_mark", watch_of(host)->mark->text);
	log_end(&line);
}

static void shut(struct host *host, const char *why, const char *claim)
{
	struct error error;

	error_set(&error, ERR_UNAVAILABLE,
	          "nothing is done on the server \"%s\": %s; %s, run tsuru-broker ctl claim %s/%s", host_name(host),
	          why, claim, host->offering->service->name, host_name(host));
	end(host, FENCE_SHUT, error.code, &error);
}

/* The server could not be asked: what it carries is as unknown as before. */
static void fail(struct host *host, const struct error *error)
{
	end(host, host->fence == FENCE_OPEN ? FENCE_OPEN : FENCE_SHUT, error->code, error);
}

void fence_fail(struct host *host, const struct error *error)
{
	if (!fence_has_marks(host) || host->fence != FENCE_ASKING)
		return;
	host->fence = FENCE_SHUT;
	strcpy(host->reason, error->text);
	queue_wake_host(host);
}

/* ---- calls ---- */

static void start(struct host *host, enum call_kind kind, int64_t timeout,
                  void (*on_settled)(struct driver_call *call, int code, const struct error *error))
{
	struct error error;

	call_release(&host->check);
	host_prepare_call(host, &host->check, kind, timeout, on_settled, host);
	host->check.store = watch_of(host)->mark->store;
	host->check.seal = watch_of(host)->mark->seal;
	host->check.mark = kind == CALL_WRITE_MARK ? host->mark : NULL;
	if (call_start(&host->check) == 0)
		return;
	error_no_memory(&error);
	fail(host, &error);
}

/* ---- writing ---- */

static void open_fence(struct host *host)
{
	struct error none = {0};

	remember(host);
	host->remembered = true;
	end(host, FENCE_OPEN, 0, &none);
}

static void on_written(struct driver_call *call, int code, const struct error *error)
{
	struct host *host = call->arg;

	if (code != 0)
		fail(host, error);
	else if (strcmp(host->mark, watch_of(host)->mark->text) == 0)
		open_fence(host);
	else
		fence_ask(host, host->on_fenced); /* it was raised meanwhile */
}

static void on_soon(void *arg);

static void write_mark(struct host *host)
{
	struct watch *watch = watch_of(host);
	struct error error;

	if (!mark_is_durable(watch->mark)) {
		timer_init(&host->next_check, on_soon, host);
		if (timer_start(watch->catalog->timers, &host->next_check, SOON) == 0)
			return;
		error_no_memory(&error);
		fail(host, &error);
		return;
	}
	strcpy(host->mark, watch->mark->text);
	start(host, CALL_WRITE_MARK, CALL_TIMEOUT, on_written);
}

static void on_soon(void *arg)
{
	write_mark(arg);
}

/* ---- a server that was never marked and holds something: today's first start on servers of an earlier version ---- */

struct fence_part {
	const struct host *host;
	struct agreement *agreement;
};

static void expect(struct agreement *agreement, bool found, const char *name)
{
	if (!found && agreement->missing++ == 0)
		snprintf(agreement->example, sizeof(agreement->example), "%s", name);
}

static bool on_bind(void *arg, const void *key, size_t key_length, const struct store_value *value)
{
	struct agreement *agreement = arg;
	struct bind bind;

	(void)key;
	(void)key_length;
	if (bind_decode(value->bytes, value->length, &bind, NULL) == 0 && bind.state == BIND_BOUND)
		expect(agreement, names_find(&agreement->names, LIST_LOGIN, bind.login) != NULL, bind.login);
	return true;
}

static void compare_instance(const struct fence_part *part, const struct instance *instance)
{
	struct agreement *agreement = part->agreement;
	const char *name = instance->resource;
	struct text prefix;

	if (instance->state != INSTANCE_READY && instance->state != INSTANCE_RETAINED)
		return;
	if (!part->host->offering->backend->driver->empty_unseen && name_is_ours(name))
		expect(agreement,
		       names_find(&agreement->names, LIST_INSTANCE, name) != NULL ||
		           names_find(&agreement->names, LIST_RETIRED, name) != NULL,
		       name);
	if (instance->state != INSTANCE_READY)
		return;
	text_init(&prefix, STORE_KEY_MAX);
	key_incarnation_prefix(&prefix, instance->incarnation);
	if (!prefix.failed)
		(void)store_scan(watch_of(part->host)->catalog->store, KEYSPACE_BINDS, text_string(&prefix),
		                 prefix.length, NULL, 0, on_bind, agreement);
	text_release(&prefix);
}

static bool is_on(const struct host *host, const struct instance *instance)
{
	return strcmp(instance->service, host->offering->service->name) == 0 && instance->server != NULL &&
	       strcmp(instance->server, host->server->name) == 0;
}

static bool on_record(void *arg, const void *key, size_t key_length, const struct store_value *value)
{
	const struct fence_part *part = arg;
	struct instance instance;

	if (key_length == INCARNATION_LENGTH)
		memcpy(part->agreement->position, key, key_length);
	if (instance_decode(value->bytes, value->length, &instance, NULL) == 0 && is_on(part->host, &instance))
		compare_instance(part, &instance);
	return ++part->agreement->seen < PART_MAX;
}

static void refuse_agreement(struct host *host)
{
	log_shut(host, "missing", host->agreement->example);
	shut(host, "it has no mark yet, and does not have all that the records say", RIGHT_SERVER);
}

static void on_part(void *arg)
{
	struct host *host = arg;
	struct agreement *agreement = host->agreement;
	struct fence_part part = {.host = host, .agreement = agreement};
	struct error error;
	int rc;

	agreement->seen = 0;
	rc = store_scan(watch_of(host)->catalog->store, KEYSPACE_INSTANCES, "", 0,
	                agreement->position[0] != '\0' ? agreement->position : NULL, strlen(agreement->position),
	                on_record, &part);
	timer_init(&host->next_check, on_part, host);
	if (rc == 0 && agreement->seen == PART_MAX)
		rc = timer_start(watch_of(host)->catalog->timers, &host->next_check, 0);
	if (rc != 0) {
		error_set(&error, ERR_UNAVAILABLE, "what it has cannot be compared with the records");
		fail(host, &error); /* half a comparison says nothing */
	} else if (agreement->seen == PART_MAX) {
		return;
	} else if (agreement->missing == 0) {
		write_mark(host);
	} else {
		refuse_agreement(host);
	}
}

static void on_listed(struct driver_call *call, int code, const struct error *error)
{
	struct host *host = call->arg;
	struct error memory;

	if (code != 0) {
		fail(host, error);
		return;
	}
	if (host->agreement == NULL)
		host->agreement = calloc(1, sizeof(*host->agreement));
	if (host->agreement == NULL || !names_add_all(&host->agreement->names, call)) {
		error_no_memory(&memory);
		fail(host, &memory);
		return;
	}
	on_part(host);
}

/* ---- deciding ---- */

static void see(const struct host *host, struct sight *ret_sight)
{
	const struct mark *own = watch_of(host)->mark;

	*ret_sight = (struct sight){0};
	for (size_t i = 0; i < host->check.result_count; i++) {
		const struct pair *result = &host->check.results[i];
		struct mark mark;

		if (strcmp(result->name, MARK_RESULT) != 0)
			continue;
		ret_sight->count++;
		if (!mark_parse(result->value, &mark) || strcmp(mark.store, own->store) != 0)
			snprintf(ret_sight->foreign, sizeof(ret_sight->foreign), "%s", result->value);
		else if (strcmp(mark.text, own->text) == 0)
			ret_sight->ours = true;
		else if (mark.number < own->number)
			ret_sight->older = true;
		else if (mark.number >= ret_sight->newer.number)
			ret_sight->newer = mark;
	}
}

static void claim(struct host *host, const struct sight *sight)
{
	/* Another service, whose admin may write the mark, has claimed it already. */
	if (sight->ours && sight->count == 1) {
		open_fence(host);
		return;
	}
	if (sight->newer.text[0] != '\0')
		mark_raise(watch_of(host)->mark, sight->newer.number);
	write_mark(host);
}

static void decide_unmarked(struct host *host, enum memory memory)
{
	if (memory == MARKED_HERE)
		shut(host, "it has lost the broker's mark, so it is another one, or was made anew", RIGHT_SERVER);
	else
		start(host, CALL_LIST, LIST_TIMEOUT, on_listed);
}

static void refuse_mark(struct host *host, const char *why, const char *mark)
{
	log_shut(host, "mark", mark);
	shut(host, why, TAKE_OVER);
}

static void decide(struct host *host)
{
	const bool used = host_placed(host) > 0;
	const enum memory memory = recall(host);
	struct sight sight;

	see(host, &sight);
	if (timers_now(watch_of(host)->catalog->timers) < host->claimed_until)
		claim(host, &sight);
	else if (sight.foreign[0] != '\0')
		refuse_mark(host, "it belongs to another broker's store", sight.foreign);
	else if (sight.newer.text[0] != '\0')
		refuse_mark(host, "a later start of this store, or of a copy of it, has marked it", sight.newer.text);
	else if (used && memory == MARKED_ELSEWHERE)
		shut(host, "the store is a copy or a restored backup, so what happened since is not in it",
		     "to go on with it");
	else if (sight.ours && sight.count == 1)
		open_fence(host);
	else if (sight.count == 0 && used)
		decide_unmarked(host, memory);
	else
		write_mark(host);
}

static void on_read(struct driver_call *call, int code, const struct error *error)
{
	if (code == 0)
		decide(call->arg);
	else
		fail(call->arg, error);
}

void fence_ask(struct host *host, fence_done *on_done)
{
	host->on_fenced = on_done;
	fence_close(host);
	start(host, CALL_READ_MARK, CALL_TIMEOUT, on_read);
}
