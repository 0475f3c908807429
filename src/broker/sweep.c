/* The sweep: every few minutes it looks at a bounded number of tombstones and deletes those that are too old. */
#include "broker/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "broker/records.h"

#define SWEEP_INTERVAL (5 * 60 * 1000) /* ms between two passes */
#define SWEEP_PAUSE    50              /* ms between two parts of a pass */
#define SWEEP_PART     500             /* records looked at in one part */

/* One part of a pass over one keyspace. */
struct part {
	struct broker *broker;
	enum keyspace keyspace;
	struct batch *batch;
	int64_t now, kept;
	size_t seen, deleted;
	char last[STORE_KEY_MAX];
	size_t last_length;
};

static void on_sweep(void *arg);

static void sweep_later(struct broker *broker, int64_t delay)
{
	timer_init(&broker->sweep, on_sweep, broker);
	(void)timer_start(broker->timers, &broker->sweep,
	                  delay); /* without memory the sweep ends until the next start */
}

/* When the record began to be a memory; 0 (long ago) for one that cannot be read. */
static int64_t record_time(enum keyspace keyspace, const struct store_value *value)
{
	struct tombstone tombstone;
	struct bind bind;

	if (keyspace == KEYSPACE_TOMBSTONES)
		return tombstone_decode(value->bytes, value->length, &tombstone, NULL) == 0 ? tombstone.removed_at : 0;
	return bind_decode(value->bytes, value->length, &bind, NULL) == 0 ? bind.updated_at : 0;
}

static bool on_record(void *arg, const void *key, size_t key_length, const struct store_value *value)
{
	struct part *part = arg;

	memcpy(part->last, key, key_length);
	part->last_length = key_length;
	if (part->now - record_time(part->keyspace, value) > part->kept) {
		batch_delete(part->batch, part->keyspace, key, key_length, value->revision);
		part->deleted++;
	}
	return ++part->seen < SWEEP_PART;
}

static void on_swept(void *arg, int code, const struct error *error, uint64_t revision)
{
	/* A record that changed meanwhile, or a full disk: the next pass comes by again. */
	(void)arg;
	(void)code;
	(void)error;
	(void)revision;
}

/* The position within the pass, kept between parts. */
static void remember(struct broker *broker, const struct part *part)
{
	free(broker->swept);
	broker->swept = malloc(part->last_length);
	broker->swept_length = part->last_length;
	if (broker->swept != NULL)
		memcpy(broker->swept, part->last, part->last_length);
}

static void forget_position(struct broker *broker)
{
	free(broker->swept);
	broker->swept = NULL;
	broker->swept_length = 0;
}

static void on_sweep(void *arg)
{
	static const enum keyspace keyspaces[] = {KEYSPACE_TOMBSTONES, KEYSPACE_UNBOUND};
	struct broker *broker = arg;
	int64_t kept = broker->config->limits.tombstones;
	struct part part = {.broker = broker, .keyspace = keyspaces[broker->sweep_unbound], .kept = kept};

	if (part.keyspace == KEYSPACE_UNBOUND && kept > UNBOUND_KEPT)
		part.kept = UNBOUND_KEPT;
	part.now = timers_wall(broker->timers);
	part.batch = batch_new(broker->store);
	batch_use_reserve(part.batch);
	(void)store_scan(broker->store, part.keyspace, "", 0, broker->swept, broker->swept_length, on_record, &part);
	if (part.deleted > 0)
		batch_commit(part.batch, on_swept, NULL);
	else
		batch_free(part.batch);
	if (part.seen == SWEEP_PART) {
		remember(broker, &part);
		sweep_later(broker, SWEEP_PAUSE);
		return;
	}
	forget_position(broker);
	broker->sweep_unbound = !broker->sweep_unbound; /* the other keyspace is next */
	sweep_later(broker, broker->sweep_unbound ? SWEEP_PAUSE : SWEEP_INTERVAL);
}

void sweep_open(struct broker *broker)
{
	sweep_later(broker, SWEEP_INTERVAL);
}

void sweep_close(struct broker *broker)
{
	timer_stop(broker->timers, &broker->sweep);
	forget_position(broker);
}
