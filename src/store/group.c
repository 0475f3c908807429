/* What a group of batches has changed, for the journal: each key once, with what stands in the transaction after the
 * last of them. Looked up there, counters are values like all others. Neighbour: commit.c, which wrote them. */
#include "group.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t count_items(struct batch *first, const struct batch *end)
{
	struct item item;
	size_t count = 0;

	for (struct batch *batch = first; batch != end; batch = STAILQ_NEXT(batch, entry))
		for (size_t position = 0; batch->error.code == 0 && batch_next(batch, &position, &item);)
			count += item.kind != ITEM_CHECK;
	return count;
}

static void list_keys(struct batch *first, const struct batch *end, struct key_change *ret_changes)
{
	struct item item;

	for (struct batch *batch = first; batch != end; batch = STAILQ_NEXT(batch, entry))
		for (size_t position = 0; batch->error.code == 0 && batch_next(batch, &position, &item);)
			if (item.kind != ITEM_CHECK)
				*ret_changes++ = (struct key_change){.keyspace = item.keyspace, .key = item.key};
}

static int compare_keys(const void *one, const void *other)
{
	const struct key_change *a = one, *b = other;

	if (a->keyspace != b->keyspace)
		return a->keyspace < b->keyspace ? -1 : 1;
	if (a->key.mv_size != b->key.mv_size)
		return a->key.mv_size < b->key.mv_size ? -1 : 1;
	return memcmp(a->key.mv_data, b->key.mv_data, a->key.mv_size);
}

static size_t drop_doubles(struct key_change *changes, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (kept == 0 || compare_keys(&changes[kept - 1], &changes[i]) != 0)
			changes[kept++] = changes[i];
	return kept;
}

int group_collect(const struct store *store, MDB_txn *txn, struct batch *first, const struct batch *end,
                  struct key_change **ret_changes, size_t *ret_count)
{
	size_t count = count_items(first, end);
	struct key_change *changes = calloc(count > 0 ? count : 1, sizeof(*changes));
	int code = 0;

	if (changes == NULL)
		return ENOMEM;
	list_keys(first, end, changes);
	qsort(changes, count, sizeof(*changes), compare_keys);
	count = drop_doubles(changes, count);
	for (size_t i = 0; code == 0 && i < count; i++) {
		code = value_find(store, txn, changes[i].keyspace, &changes[i].key, &changes[i].value);
		if (code == MDB_NOTFOUND)
			code = 0;
	}
	if (code != 0) {
		free(changes);
		return code;
	}
	*ret_changes = changes;
	*ret_count = count;
	return 0;
}
