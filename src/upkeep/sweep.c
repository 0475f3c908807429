/* The sweep: every few minutes it looks, in small parts, at what has its time: tombstones, ended binds, notes on
 * logins that were to end, and the audit. */
#include "upkeep/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "records/lingering.h"

#define SWEEP_INTERVAL (5 * 60 * 1000) /* ms between two passes */
#define SWEEP_PAUSE    50              /* ms between two parts of a pass */
#define SWEEP_PART     500             /* records looked at in one part */

/* One part of a pass over one keyspace. */
struct sweep_part {
	struct upkeep *upkeep;
	const struct chore *chore;
	struct batch *batch;
	int64_t now, kept;
	size_t seen, deleted;
	bool over; /* nothing behind it is due */
	char last[STORE_KEY_MAX];
	size_t last_length;
};

/* What is looked for in a keyspace. visit deletes what is due, or asks for what has to happen. */
struct chore {
	enum keyspace keyspace;
	int64_t (*kept)(const struct config *config); /* ms */
	void (*visit)(struct sweep_part *part, const void *key, size_t key_length, const struct store_value *value);
};

static void on_sweep(void *arg);

static void sweep_later(struct upkeep *upkeep, int64_t delay)
{
	timer_init(&upkeep->sweep, on_sweep, upkeep);
	(void)timer_start(upkeep->catalog->timers, &upkeep->sweep,
	                  delay); /* without memory the sweep ends until the next start */
}

static void drop(struct sweep_part *part, const void *key, size_t key_length, const struct store_value *value)
{
	batch_delete(part->batch, part->chore->keyspace, key, key_length, value->revision);
	part->deleted++;
}

/* ---- memories ---- */

static int64_t tombstones_kept(const struct config *config)
{
	return config->limits.tombstones;
}

static int64_t unbound_kept(const struct config *config)
{
	return config->limits.tombstones < UNBOUND_KEPT ? config->limits.tombstones : UNBOUND_KEPT;
}

/* A record that cannot be read began long ago. */
static void visit_tombstone(struct sweep_part *part, const void *key, size_t key_length,
                            const struct store_value *value)
{
	struct tombstone tombstone = {0};

	(void)tombstone_decode(value->bytes, value->length, &tombstone, NULL);
	if (part->now - tombstone.removed_at > part->kept)
		drop(part, key, key_length, value);
}

static void visit_unbound(struct sweep_part *part, const void *key, size_t key_length, const struct store_value *value)
{
	struct bind bind = {0};

	(void)bind_decode(value->bytes, value->length, &bind, NULL);
	if (part->now - bind.updated_at > part->kept)
		drop(part, key, key_length, value);
}

/* ---- notes on logins that were to end ---- */

static int64_t notes_kept(const struct config *config)
{
	(void)config;
	return 0;
}

static void visit_note(struct sweep_part *part, const void *key, size_t key_length, const struct store_value *value)
{
	if (lingering_is_over(part->upkeep->catalog->records, key, key_length))
		drop(part, key, key_length, value);
}

/* ---- the audit ---- */

static int64_t audit_kept(const struct config *config)
{
	return config->limits.audit;
}

/* The keys are in order of time: the first that is neither too old nor too many ends the pass. */
static void visit_audit(struct sweep_part *part, const void *key, size_t key_length, const struct store_value *value)
{
	const int64_t most = catalog_config(part->upkeep->catalog)->limits.audit_entries;
	const int64_t left = store_counter(part->upkeep->catalog->store, AUDIT_COUNTER) - (int64_t)part->deleted;
	struct audit audit = {0};

	(void)audit_decode(value->bytes, value->length, &audit, NULL);
	part->over = left <= most && part->now - audit.at <= part->kept;
	if (part->over)
		return;
	drop(part, key, key_length, value);
	batch_add(part->batch, AUDIT_COUNTER, -1);
}

/* ---- the pass ---- */

static const struct chore chores[] = {
    {KEYSPACE_TOMBSTONES, tombstones_kept, visit_tombstone},
    {KEYSPACE_UNBOUND, unbound_kept, visit_unbound},
    {KEYSPACE_META, notes_kept, visit_note},
    {KEYSPACE_AUDIT, audit_kept, visit_audit},
};

#define CHORE_COUNT (sizeof(chores) / sizeof(*chores))

static bool on_record(void *arg, const void *key, size_t key_length, const struct store_value *value)
{
	struct sweep_part *part = arg;

	memcpy(part->last, key, key_length);
	part->last_length = key_length;
	part->seen++;
	part->chore->visit(part, key, key_length, value);
	return !part->over && part->seen < SWEEP_PART;
}

static int64_t pause_of(const struct upkeep *upkeep)
{
	return upkeep->chore > 0 || upkeep->swept != NULL ? SWEEP_PAUSE : SWEEP_INTERVAL;
}

/* The next part counts what this one has deleted. A record that changed meanwhile, or a full disk: the next pass comes
 * by again. */
static void on_swept(void *arg, int code, const struct error *error, uint64_t revision)
{
	struct upkeep *upkeep = arg;

	(void)code;
	(void)error;
	(void)revision;
	if (!upkeep->catalog->closing)
		sweep_later(upkeep, pause_of(upkeep));
}

/* The position within the pass, kept between parts. */
static void remember(struct upkeep *upkeep, const struct sweep_part *part)
{
	free(upkeep->swept);
	upkeep->swept = malloc(part->last_length);
	upkeep->swept_length = part->last_length;
	if (upkeep->swept != NULL)
		memcpy(upkeep->swept, part->last, part->last_length);
}

static void forget_position(struct upkeep *upkeep)
{
	free(upkeep->swept);
	upkeep->swept = NULL;
	upkeep->swept_length = 0;
}

static void on_sweep(void *arg)
{
	struct upkeep *upkeep = arg;
	struct sweep_part part = {
	    .upkeep = upkeep, .chore = &chores[upkeep->chore], .now = timers_wall(upkeep->catalog->timers)};

	part.kept = part.chore->kept(catalog_config(upkeep->catalog));
	part.batch = batch_new(upkeep->catalog->store);
	batch_use_reserve(part.batch);
	(void)store_scan(upkeep->catalog->store, part.chore->keyspace, "", 0, upkeep->swept, upkeep->swept_length,
	                 on_record, &part);
	if (part.seen == SWEEP_PART && !part.over) {
		remember(upkeep, &part);
	} else {
		forget_position(upkeep);
		upkeep->chore = (upkeep->chore + 1) % CHORE_COUNT;
	}
	if (part.deleted > 0) {
		batch_commit(part.batch, on_swept, upkeep);
		return;
	}
	batch_free(part.batch);
	sweep_later(upkeep, pause_of(upkeep));
}

void sweep_open(struct upkeep *upkeep)
{
	sweep_later(upkeep, SWEEP_INTERVAL);
}

void sweep_close(struct upkeep *upkeep)
{
	timer_stop(upkeep->catalog->timers, &upkeep->sweep);
	forget_position(upkeep);
}
