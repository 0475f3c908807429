/* Building a batch: its items stand one behind the other in one block of bytes, which the thread only reads. A batch
 * that could not be built keeps its error and is handed over all the same, so that completions run in the order of the
 * hand-over. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store_internal.h"

/* Stands in front of each item's key and value. */
struct item_header {
	uint8_t kind;
	uint8_t keyspace;
	uint16_t key_length;
	uint32_t value_length;
	uint64_t base;
};

static struct batch *take_spare(struct store *store)
{
	struct batch *batch = STAILQ_FIRST(&store->free_spares);

	/* No memory is left to keep an outcome in. Only by stopping is it not lost: after a restart the broker goes on
	 * from what is on the disk. */
	if (batch == NULL)
		abort();
	STAILQ_REMOVE_HEAD(&store->free_spares, entry);
	memset(batch, 0, sizeof(*batch));
	batch->spare = true;
	error_no_memory(&batch->error);
	return batch;
}

struct batch *batch_new(struct store *store)
{
	struct batch *batch = calloc(1, sizeof(*batch));

	if (batch == NULL)
		batch = take_spare(store);
	batch->store = store;
	text_init(&batch->items, STORE_BATCH_MAX);
	return batch;
}

void batch_free(struct batch *batch)
{
	if (batch == NULL)
		return;
	text_release(&batch->items);
	if (batch->spare)
		STAILQ_INSERT_HEAD(&batch->store->free_spares, batch, entry);
	else
		free(batch);
}

static int check_limits(struct batch *batch, enum keyspace keyspace, size_t key_length, size_t length)
{
	const char *name = keyspace_names[keyspace];

	if (key_length == 0 || key_length > STORE_KEY_MAX)
		return error_set(&batch->error, ERR_TOO_LARGE, "a key of %zu bytes in \"%s\" is not within 1 to %d",
		                 key_length, name, STORE_KEY_MAX);
	if (length > STORE_VALUE_MAX)
		return error_set(&batch->error, ERR_TOO_LARGE,
		                 "a record of %zu bytes in \"%s\" is larger than the %d allowed", length, name,
		                 STORE_VALUE_MAX);
	if (batch->items.length + sizeof(struct item_header) + key_length + length > STORE_BATCH_MAX)
		return error_set(&batch->error, ERR_TOO_LARGE,
		                 "a batch with \"%s\" is larger than the %d bytes allowed", name, STORE_BATCH_MAX);
	return 0;
}

static void add_item(struct batch *batch, const struct item *item)
{
	const struct item_header header = {
	    .kind = (uint8_t)item->kind,
	    .keyspace = (uint8_t)item->keyspace,
	    .key_length = (uint16_t)item->key.mv_size,
	    .value_length = (uint32_t)item->value.mv_size,
	    .base = item->base,
	};

	if (batch->error.code != 0 || check_limits(batch, item->keyspace, item->key.mv_size, item->value.mv_size) != 0)
		return;
	text_add_bytes(&batch->items, &header, sizeof(header));
	text_add_bytes(&batch->items, item->key.mv_data, item->key.mv_size);
	if (item->value.mv_size > 0)
		text_add_bytes(&batch->items, item->value.mv_data, item->value.mv_size);
	if (batch->items.failed)
		error_no_memory(&batch->error);
}

void batch_put(struct batch *batch, enum keyspace keyspace, const void *key, size_t key_length, const void *value,
               size_t length, uint64_t base)
{
	assert(keyspace != KEYSPACE_COUNTERS);
	add_item(batch, &(struct item){.kind = ITEM_PUT,
	                               .keyspace = keyspace,
	                               .base = base,
	                               .key = value_of(key, key_length),
	                               .value = value_of(value, length)});
}

void batch_delete(struct batch *batch, enum keyspace keyspace, const void *key, size_t key_length, uint64_t base)
{
	assert(keyspace != KEYSPACE_COUNTERS);
	add_item(batch, &(struct item){
	                    .kind = ITEM_DELETE, .keyspace = keyspace, .base = base, .key = value_of(key, key_length)});
}

void batch_check(struct batch *batch, enum keyspace keyspace, const void *key, size_t key_length, uint64_t base)
{
	add_item(batch, &(struct item){
	                    .kind = ITEM_CHECK, .keyspace = keyspace, .base = base, .key = value_of(key, key_length)});
}

void batch_add(struct batch *batch, const char *counter, int64_t delta)
{
	add_item(batch, &(struct item){.kind = ITEM_ADD,
	                               .keyspace = KEYSPACE_COUNTERS,
	                               .base = REVISION_ANY,
	                               .key = value_of(counter, strlen(counter)),
	                               .value = value_of(&delta, sizeof(delta))});
}

void batch_use_reserve(struct batch *batch)
{
	batch->reserve = true;
}

void batch_commit(struct batch *batch, batch_done *on_done, void *arg)
{
	struct store *store = batch->store;

	if (batch->error.code == 0 && !batch->reserve && read_is_low(store))
		error_set(&batch->error, ERR_NO_SPACE, "the store in \"%s\" has come near its limit of %zu bytes",
		          store->directory, store->size_max);
	batch->on_done = on_done;
	batch->arg = arg;
	batch->refused = batch->error.code != 0;
	STAILQ_INSERT_TAIL(&store->handed, batch, entry);
	store->handed_count++;
	store->outstanding++;
	store_expect_turn_end(store);
}

bool batch_next(const struct batch *batch, size_t *position, struct item *ret_item)
{
	struct item_header header;
	char *bytes;

	if (*position >= batch->items.length)
		return false;
	bytes = batch->items.bytes + *position;
	memcpy(&header, bytes, sizeof(header));
	bytes += sizeof(header);
	*ret_item = (struct item){
	    .kind = (enum item_kind)header.kind,
	    .keyspace = (enum keyspace)header.keyspace,
	    .base = header.base,
	    .key = {.mv_size = header.key_length, .mv_data = bytes},
	    .value = {.mv_size = header.value_length, .mv_data = bytes + header.key_length},
	};
	*position += sizeof(header) + header.key_length + header.value_length;
	return true;
}
