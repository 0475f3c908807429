/* Another master key: one pass after the other goes over all secrets in small parts and seals them anew. A record that
 * changed meanwhile keeps its old seal and is met again by the next pass; the last pass is the one that finds nothing
 * to do. */
#include "broker/rekey.h"

#include <string.h>

#include "broker/operator.h"
#include "records/keycheck.h"
#include "records/records.h"
#include "records/show.h"

#define PART_MAX 200 /* records looked at in one part */

struct part {
	struct broker *broker;
	enum keyspace keyspace;
	struct changes changes;
	size_t seen, sealed;
};

static void on_part(void *arg);

static void part_in(struct broker *broker, int64_t delay)
{
	timer_init(&broker->rekey.timer, on_part, broker);
	if (timer_start(broker->timers, &broker->rekey.timer, delay) != 0)
		broker->rekey.running = false;
}

/* The same bytes under the present key; context is behind the bind's own. */
static int reseal(struct part *part, const struct bind *bind, const char *context, const unsigned char **bytes,
                  size_t length, struct arena *arena, struct error *error)
{
	const struct keyring *keyring = part->broker->life.keyring;
	unsigned char *sealed = arena_alloc(arena, length);
	unsigned char *plain = arena_alloc(arena, length);
	struct text whole;
	int rc;

	if (arena_failed(arena))
		return error_no_memory(error);
	text_init(&whole, STORE_KEY_MAX);
	bind_context(bind, &whole);
	text_add(&whole, context);
	rc = keyring_open(keyring, text_string(&whole), *bytes, length, plain, error);
	if (rc == 0)
		keyring_seal(keyring, text_string(&whole), plain, length - SECRET_SEAL_OVERHEAD, sealed);
	text_release(&whole);
	*bytes = sealed;
	return rc;
}

static bool is_old(const struct part *part, const unsigned char *bytes, size_t length)
{
	return length > SECRET_SEAL_OVERHEAD && !keyring_seals_like(part->broker->life.keyring, bytes, length);
}

/* 1 when something of the bind was sealed anew, 0 when there was nothing to do. */
static int reseal_bind(struct part *part, struct bind *bind, struct arena *arena, struct error *error)
{
	const bool secret = is_old(part, bind->secret, bind->secret_length);
	const bool kept = is_old(part, bind->kept, bind->kept_length);
	int rc = 0;

	if (secret)
		rc = reseal(part, bind, "", &bind->secret, bind->secret_length, arena, error);
	if (rc == 0 && kept)
		rc = reseal(part, bind, BIND_KEPT_CONTEXT, &bind->kept, bind->kept_length, arena, error);
	return rc != 0 ? rc : secret || kept;
}

static bool on_bind(void *arg, const void *key, size_t key_length, const struct store_value *value)
{
	struct part *part = arg;
	struct broker *broker = part->broker;
	struct error error;
	struct arena arena;
	struct bind bind;

	memcpy(broker->rekey.position, key, key_length);
	broker->rekey.position_length = key_length;
	part->seen++;
	arena_init(&arena);
	if (bind_decode(value->bytes, value->length, &bind, NULL) == 0) {
		const int rc = reseal_bind(part, &bind, &arena, &error);

		if (rc < 0)
			broker->rekey.failed++;
		else if (rc > 0)
			changes_put_bind(&part->changes, part->keyspace, &bind, value->revision);
		part->sealed += rc != 0;
	}
	arena_wipe(&arena);
	return part->seen < PART_MAX;
}

static void log_end_of_pass(const struct broker *broker, const char *outcome)
{
	struct log_line line;

	log_begin(&line, broker->log, LOG_INFO, "rekey");
	log_text(&line, "outcome", outcome);
	log_number(&line, "sealed", (int64_t)broker->rekey.sealed);
	log_number(&line, "failed", (int64_t)broker->rekey.failed);
	log_end(&line);
}

static void on_committed(void *arg, int code, const struct error *error, uint64_t revision)
{
	struct broker *broker = arg;

	(void)error;
	(void)revision;
	if (broker->catalog.closing)
		return;
	if (code != 0)
		broker->rekey.again = true;
	part_in(broker, 0);
}

static void end_pass(struct broker *broker)
{
	if (broker->rekey.again && broker->rekey.failed == 0) {
		broker->rekey.again = false;
		broker->rekey.unbound = false;
		part_in(broker, 0);
		return;
	}
	broker->rekey.running = false;
	log_end_of_pass(broker, broker->rekey.failed == 0 ? "done" : "failed");
}

static void next_keyspace(struct broker *broker)
{
	broker->rekey.position_length = 0;
	if (broker->rekey.unbound) {
		end_pass(broker);
		return;
	}
	broker->rekey.unbound = true;
	part_in(broker, 0);
}

static void on_part(void *arg)
{
	struct broker *broker = arg;
	struct rekey *rekey = &broker->rekey;
	struct part part = {.broker = broker, .keyspace = rekey->unbound ? KEYSPACE_UNBOUND : KEYSPACE_BINDS};
	char after[STORE_KEY_MAX];
	const size_t after_length = rekey->position_length;
	struct error error;

	memcpy(after, rekey->position, after_length);
	changes_begin(&part.changes, broker->records);
	changes_use_reserve(&part.changes);
	if (keycheck_reseal(broker->store, broker->life.keyring, part.changes.batch))
		part.sealed++;
	(void)store_scan(broker->store, part.keyspace, "", 0, after_length > 0 ? after : NULL, after_length, on_bind,
	                 &part);
	rekey->sealed += part.sealed;
	if (part.sealed > 0) {
		rekey->again = true; /* until a pass finds nothing */
		if (part.seen < PART_MAX)
			rekey->position_length = 0;
		if (changes_commit(&part.changes, on_committed, broker, &error) == 0)
			return;
		part_in(broker, 0);
		return;
	}
	changes_drop(&part.changes);
	if (part.seen < PART_MAX)
		next_keyspace(broker);
	else
		part_in(broker, 0);
}

void rekey_close(struct broker *broker)
{
	timer_stop(broker->timers, &broker->rekey.timer);
}

/* ---- for operators ---- */

void broker_rekey(struct broker *broker)
{
	if (broker->rekey.running)
		return;
	broker->rekey = (struct rekey){.running = true};
	part_in(broker, 0);
}

int broker_show_rekey(struct broker *broker, struct text *ret_json, struct error *error)
{
	text_add(ret_json, "{");
	show_text(ret_json, "state", broker->rekey.running ? "running" : "resting");
	show_number(ret_json, "sealed", (int64_t)broker->rekey.sealed);
	show_number(ret_json, "failed", (int64_t)broker->rekey.failed);
	text_add(ret_json, "}");
	return ret_json->failed ? error_no_memory(error) : 0;
}
