/* A group of batches onto the disk: checked and written in one transaction, so that one sync serves them all.
 * When the group does not fit, each batch is tried alone, so that what fits is kept. Runs on the helper thread. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/timer.h"
#include "follow.h"
#include "group.h"
#include "point.h"
#include "store_internal.h"

/* ---- one item ---- */

/* Compares the item's base with what is there; a difference is put down in the batch's error. */
static int check_item(const struct store *store, MDB_txn *txn, struct batch *batch, struct item *item)
{
	struct store_value value = {.revision = REVISION_ABSENT};
	int code;

	if (item->base == REVISION_ANY)
		return 0;
	code = value_find(store, txn, item->keyspace, &item->key, &value);
	if (code != 0 && code != MDB_NOTFOUND)
		return code;
	if (value.revision != item->base)
		error_set(&batch->error, ERR_STALE, "a record in \"%s\" has changed since it was read",
		          keyspace_names[item->keyspace]);
	return 0;
}

static int delete_item(const struct store *store, MDB_txn *txn, const struct item *item)
{
	MDB_val key = item->key;
	const int code = mdb_del(txn, store->keyspaces[item->keyspace], &key, NULL);

	return code == MDB_NOTFOUND ? 0 : code;
}

static int counter_add(const struct store *store, MDB_txn *txn, struct item *item, uint64_t revision)
{
	struct store_value value;
	uint64_t delta, sum = 0;
	unsigned char bytes[sizeof(sum)];
	int code = value_find(store, txn, item->keyspace, &item->key, &value);

	if (code != 0 && code != MDB_NOTFOUND)
		return code;
	if (code == 0 && value.length != sizeof(sum))
		return MDB_CORRUPTED;
	if (code == 0)
		sum = number_decode(value.bytes);
	memcpy(&delta, item->value.mv_data, sizeof(delta));
	sum += delta;
	if (sum == 0)
		return delete_item(store, txn, item);
	number_encode(sum, bytes);
	return value_write(store, txn, item->keyspace, &item->key, &(MDB_val){sizeof(bytes), bytes}, revision);
}

static int write_item(const struct store *store, MDB_txn *txn, struct item *item, uint64_t revision)
{
	switch (item->kind) {
	case ITEM_PUT:
		return value_write(store, txn, item->keyspace, &item->key, &item->value, revision);
	case ITEM_DELETE:
		return delete_item(store, txn, item);
	case ITEM_ADD:
		return counter_add(store, txn, item, revision);
	case ITEM_CHECK:
		break;
	}
	return 0;
}

/* ---- one batch ---- */

/* All items are checked before the first is written: a stale batch leaves no trace in the group's transaction. */
static int write_batch(const struct store *store, MDB_txn *txn, struct batch *batch, uint64_t *revision)
{
	struct item item;
	int code;

	if (batch->refused)
		return 0;
	error_clear(&batch->error);
	for (size_t position = 0; batch_next(batch, &position, &item);) {
		code = check_item(store, txn, batch, &item);
		if (code != 0 || batch->error.code != 0)
			return code;
	}
	for (size_t position = 0; batch_next(batch, &position, &item);) {
		code = write_item(store, txn, &item, *revision + 1);
		if (code != 0)
			return code;
	}
	batch->revision = ++*revision;
	return 0;
}

/* ---- one transaction ---- */

/* Commits. The last write, of the page that makes the transaction the newest, decides. A failure before it leaves the
 * old state. After a failure in it nobody knows which state is on the disk, and LMDB begins no transaction any more:
 * MDB_PANIC. */
static int finish(struct store *store, MDB_txn *txn)
{
	const int code = mdb_txn_commit(txn);

	if (code == 0)
		return 0;
	if (mdb_txn_begin(store->env, NULL, 0, &txn) != 0)
		return MDB_PANIC;
	mdb_txn_abort(txn);
	return code;
}

/* Puts the batches from first up to, not including, end into txn. */
static int write_batches(const struct store *store, MDB_txn *txn, struct batch *first, const struct batch *end,
                         uint64_t *ret_written)
{
	uint64_t before = 0, revision;
	int code = revision_read(store, txn, &before);

	revision = before;
	for (struct batch *batch = first; code == 0 && batch != end; batch = STAILQ_NEXT(batch, entry))
		code = write_batch(store, txn, batch, &revision);
	if (code == 0 && revision != before)
		code = revision_write(store, txn, revision);
	if (code == 0)
		*ret_written = revision - before;
	return code;
}

/* The bucket of a histogram: the place of the first of 1, 2, 4, ... that is at least count. */
static size_t bucket_of(uint64_t count)
{
	size_t bucket = 0;

	while (bucket < STORE_BUCKETS - 1 && count > (uint64_t)1 << bucket)
		bucket++;
	return bucket;
}

static void count_commit(struct store_statistics *sum, int64_t began, uint64_t written)
{
	sum->commits++;
	sum->batches += written;
	sum->sync_us_last = (uint64_t)(timers_clock() - began);
	if (sum->sync_us_last > sum->sync_us_max)
		sum->sync_us_max = sum->sync_us_last;
	sum->sync_us_sum += sum->sync_us_last;
	sum->sync_counts[bucket_of((sum->sync_us_last + 999) / 1000)]++;
	sum->batch_counts[bucket_of(written)]++;
}

/* Everything that txn needs is written when the journal gets what it changed: what follows can fail only in the view.
 */
static int append(struct store *store, MDB_txn *txn, struct batch *first, const struct batch *end,
                  const struct point *before, struct point *ret_after)
{
	struct group group = {.before = *before, .after = *before};
	struct key_change *changes = NULL;
	int code = revision_read(store, txn, &group.after.revision);

	secret_random(group.after.group, sizeof(group.after.group));
	if (code == 0)
		code = point_write(store, txn, &group.after);
	if (code == 0)
		code = group_collect(store, txn, first, end, &changes, &group.count);
	if (code != 0)
		return code;
	group.changes = changes;
	code = store->journal->kind->append(store->journal, &group, &store->committer.trouble);
	free(changes);
	*ret_after = group.after;
	return code;
}

/* The journal has it. A view that cannot be written the usual way reads it there. Where it cannot be written at all,
 * this broker may not go on as the active one, and knows no more of the group's outcome than one who was deposed. */
static int finish_view(struct store *store, MDB_txn *txn, const struct point *after)
{
	struct error *trouble = &store->committer.trouble;
	bool lost = false;
	int code;

	if (mdb_txn_commit(txn) == 0)
		return 0;
	code = follow_to(store, after, &lost, trouble);
	if (code == 0)
		return 0;
	store->journal->kind->forsake(store->journal);
	trouble->code = ERR_UNAVAILABLE;
	return ERR_UNAVAILABLE;
}

static int write_shared(struct store *store, MDB_txn *txn, struct batch *first, const struct batch *end,
                        uint64_t *ret_written)
{
	struct point before, after;
	int code = point_read(store, txn, &before);

	if (code == 0)
		code = write_batches(store, txn, first, end, ret_written);
	if (code == 0 && *ret_written > 0)
		code = append(store, txn, first, end, &before, &after);
	if (code == 0 && *ret_written > 0)
		return finish_view(store, txn, &after);
	mdb_txn_abort(txn);
	return code;
}

static int write_alone(struct store *store, MDB_txn *txn, struct batch *first, const struct batch *end,
                       uint64_t *ret_written)
{
	const int code = write_batches(store, txn, first, end, ret_written);

	if (code == 0 && *ret_written > 0)
		return finish(store, txn);
	mdb_txn_abort(txn);
	return code;
}

static int write_transaction(struct store *store, struct batch *first, const struct batch *end)
{
	const int64_t began = timers_clock();
	uint64_t written = 0;
	MDB_txn *txn;
	int code = mdb_txn_begin(store->env, NULL, 0, &txn);

	if (code != 0)
		return code;
	if (store->journal != NULL)
		code = write_shared(store, txn, first, end, &written);
	else
		code = write_alone(store, txn, first, end, &written);
	if (code == 0 && written > 0)
		count_commit(&store->committer.running_sum, began, written);
	return code;
}

static int write_growing(struct store *store, struct batch *first, const struct batch *end)
{
	for (;;) {
		int code = write_transaction(store, first, end);

		if (code != MDB_MAP_FULL)
			return code;
		code = store->committer.grow(store, store->size_max);
		if (code != 0)
			return code;
	}
}

/* ---- failures ---- */

/* The error of a transaction that failed with the LMDB code, or the journal's; ERR_INTERNAL when the disk's state is in
 * doubt. */
static void explain(const struct store *store, int code, struct error *ret_error)
{
	if (code == ERR_UNAVAILABLE || code == ERR_NO_SPACE)
		*ret_error = store->committer.trouble;
	else if (code == MDB_MAP_FULL)
		error_set(ret_error, ERR_NO_SPACE, "the store in \"%s\" has reached its limit of %zu bytes",
		          store->directory, store->size_max);
	else if (disk_is_full(store, code))
		error_set(ret_error, ERR_NO_SPACE, "the disk under \"%s\" is full", store->directory);
	else if (code == ENOMEM || code == ERR_NO_MEMORY)
		error_no_memory(ret_error);
	else
		error_set(ret_error, ERR_INTERNAL,
		          "the store in \"%s\" could not be written (%s): nothing more is accepted until the restart",
		          store->directory, mdb_strerror(code));
}

static void fail_batches(struct batch *first, const struct batch *end, const struct error *error)
{
	for (struct batch *batch = first; batch != end; batch = STAILQ_NEXT(batch, entry))
		if (!batch->refused)
			batch->error = *error;
}

/* Of a view nothing is lost: another broker does what this one can no more. */
static void give_up(struct store *store, struct error *error)
{
	store->committer.failed = true;
	if (store->journal == NULL)
		return;
	store->journal->kind->forsake(store->journal);
	error->code = ERR_UNAVAILABLE;
}

/* Writes the batches together, or one by one when that failed and a smaller transaction may not. */
static void settle(struct store *store, struct batch *first, const struct batch *end)
{
	const int code = store->committer.failed ? MDB_PANIC : write_growing(store, first, end);
	struct error error;

	if (code == 0)
		return;
	explain(store, code, &error);
	if (error.code == ERR_INTERNAL)
		give_up(store, &error);
	if (error.code == ERR_INTERNAL || error.code == ERR_UNAVAILABLE || STAILQ_NEXT(first, entry) == end) {
		fail_batches(first, end, &error);
		return;
	}
	for (struct batch *batch = first; batch != end; batch = STAILQ_NEXT(batch, entry))
		settle(store, batch, STAILQ_NEXT(batch, entry));
}

void commit_group(struct store *store, struct batch_list *group)
{
	settle(store, STAILQ_FIRST(group), NULL);
}
