/* Another master key: one pass after the other goes over all secrets in small parts and seals them anew. A record that
 * changed meanwhile keeps its old seal and is met again by the next pass; the last pass is the one that finds nothing
 * to do. */
#include "upkeep/rekey.h"

#include <string.h>

#include "records/keycheck.h"
#include "records/records.h"

#define PART_MAX 200 /* records looked at in one part */

struct rekey_part {
	struct upkeep *upkeep;
	enum keyspace keyspace;
	struct changes changes;
	size_t seen, sealed;
};

static void on_part(void *arg);

static void part_in(struct upkeep *upkeep, int64_t delay)
{
	timer_init(&upkeep->rekey.timer, on_part, upkeep);
	if (timer_start(upkeep->catalog->timers, &upkeep->rekey.timer, delay) != 0)
		upkeep->rekey.running = false;
}

/* The same bytes under the present key; context is behind the bind's own. */
static int reseal(struct rekey_part *part, const struct bind *bind, const char *context, const unsigned char **bytes,
                  size_t length, struct arena *arena, struct error *error)
{
	const struct keyring *keyring = part->upkeep->life->keyring;
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

static bool is_old(const struct rekey_part *part, const unsigned char *bytes, size_t length)
{
	return length > SECRET_SEAL_OVERHEAD && !keyring_seals_like(part->upkeep->life->keyring, bytes, length);
}

/* 1 when something of the bind was sealed anew, 0 when there was nothing to do. */
static int reseal_bind(struct rekey_part *part, struct bind *bind, struct arena *arena, struct error *error)
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
	struct rekey_part *part = arg;
	struct upkeep *upkeep = part->upkeep;
	struct error error;
	struct arena arena;
	struct bind bind;

	memcpy(upkeep->rekey.position, key, key_length);
	upkeep->rekey.position_length = key_length;
	part->seen++;
	arena_init(&arena);
	if (bind_decode(value->bytes, value->length, &bind, NULL) == 0) {
		const int rc = reseal_bind(part, &bind, &arena, &error);

		if (rc < 0)
			upkeep->rekey.failed++;
		else if (rc > 0)
			changes_put_bind(&part->changes, part->keyspace, &bind, value->revision);
		part->sealed += rc != 0;
	}
	arena_wipe(&arena);
	return part->seen < PART_MAX;
}

static void log_end_of_pass(const struct upkeep *upkeep, const char *outcome)
{
	struct log_line line;

	log_begin(&line, upkeep->life->log, LOG_INFO, "rekey");
	log_text(&line, "outcome", outcome);
	log_number(&line, "sealed", (int64_t)upkeep->rekey.sealed);
	log_number(&line, "failed", (int64_t)upkeep->rekey.failed);
	log_end(&line);
}

static void on_committed(void *arg, int code, const struct error *error, uint64_t revision)
{
	struct upkeep *upkeep = arg;

	(void)error;
	(void)revision;
	if (upkeep->catalog->closing)
		return;
	if (code != 0)
		upkeep->rekey.again = true;
	part_in(upkeep, 0);
}

static void end_pass(struct upkeep *upkeep)
{
	if (upkeep->rekey.again && upkeep->rekey.failed == 0) {
		upkeep->rekey.again = false;
		upkeep->rekey.unbound = false;
		part_in(upkeep, 0);
		return;
	}
	upkeep->rekey.running = false;
	log_end_of_pass(upkeep, upkeep->rekey.failed == 0 ? "done" : "failed");
}

static void next_keyspace(struct upkeep *upkeep)
{
	upkeep->rekey.position_length = 0;
	if (upkeep->rekey.unbound) {
		end_pass(upkeep);
		return;
	}
	upkeep->rekey.unbound = true;
	part_in(upkeep, 0);
}

static void on_part(void *arg)
{
	struct upkeep *upkeep = arg;
	struct rekey *rekey = &upkeep->rekey;
	struct rekey_part part = {.upkeep = upkeep, .keyspace = rekey->unbound ? KEYSPACE_UNBOUND : KEYSPACE_BINDS};
	char after[STORE_KEY_MAX];
	const size_t after_length = rekey->position_length;
	struct error error;

	memcpy(after, rekey->position, after_length);
	changes_begin(&part.changes, upkeep->catalog->records);
	changes_use_reserve(&part.changes);
	if (keycheck_reseal(upkeep->catalog->store, upkeep->life->keyring, part.changes.batch))
		part.sealed++;
	(void)store_scan(upkeep->catalog->store, part.keyspace, "", 0, after_length > 0 ? after : NULL, after_length,
	                 on_bind, &part);
	rekey->sealed += part.sealed;
	if (part.sealed > 0) {
		rekey->again = true; /* until a pass finds nothing */
		if (part.seen < PART_MAX)
			rekey->position_length = 0;
		if (changes_commit(&part.changes, on_committed, upkeep, &error) == 0)
			return;
		part_in(upkeep, 0);
		return;
	}
	changes_drop(&part.changes);
	if (part.seen < PART_MAX)
		next_keyspace(upkeep);
	else
		part_in(upkeep, 0);
}

void rekey_close(struct upkeep *upkeep)
{
	timer_stop(upkeep->catalog->timers, &upkeep->rekey.timer);
}

void rekey_start(struct upkeep *upkeep)
{
	if (upkeep->rekey.running)
		return;
	upkeep->rekey = (struct rekey){.running = true, .began_wall = timers_wall(upkeep->catalog->timers)};
	part_in(upkeep, 0);
}
