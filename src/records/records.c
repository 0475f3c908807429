/* Typed reads over the store's bytes, and the ids of what is written. */
#include <stdlib.h>
#include <string.h>

#include "records/internal.h"
#include "records/row.h"

/* ---- ids ---- */

void records_next_id(struct records *records, char *ret_id)
{
	const int64_t wall = timers_wall(records->timers);

	if (wall > records->last_wall)
		records->last_wall = wall;
	operation_id(records->last_wall, records->sequence++, ret_id);
}

void records_go_behind(struct records *records, int64_t wall)
{
	if (wall >= records->last_wall)
		records->last_wall = wall + 1;
}

/* Behind a clock that was set back, too, new ids are new and stand behind the old ones. */
static bool on_newest(void *arg, const void *key, size_t key_length, const struct store_value *value)
{
	char id[OPERATION_ID_LENGTH + 1] = "";

	(void)value;
	if (key_length == OPERATION_ID_LENGTH) {
		memcpy(id, key, key_length);
		records_go_behind(arg, operation_id_time(id));
	}
	return false;
}

int records_go_behind_all(struct records *records, struct error *error)
{
	if (store_scan_back(records->store, KEYSPACE_AUDIT, NULL, 0, on_newest, records) != 0)
		return error_set(error, ERR_INTERNAL, "the store cannot be read");
	return 0;
}

int records_open(struct store *store, struct timers *timers, struct records **ret_records, struct error *error)
{
	struct records *records = calloc(1, sizeof(*records));

	if (records == NULL)
		return error_no_memory(error);
	records->store = store;
	records->timers = timers;
	*ret_records = records;
	return 0;
}

void records_close(struct records *records)
{
	free(records);
}

/* ---- one record ---- */

/* Copies the value of what the keyspace holds about that into arena. */
static int read_value(struct records *records, struct arena *arena, enum keyspace keyspace, const void *about,
                      struct store_value *ret_value, struct error *error)
{
	struct store_value value;
	struct text key;
	int rc;

	row_key(keyspace, about, &key);
	rc = key.failed ? ERR_TOO_LARGE : store_get(records->store, keyspace, text_string(&key), key.length, &value);
	text_release(&key);
	if (rc == ERR_NOT_FOUND || rc == ERR_TOO_LARGE) {
		error_clear(error);
		return ERR_NOT_FOUND; /* a key over the limit was never written */
	}
	if (rc != 0)
		return error_set(error, rc, "the store cannot be read");
	*ret_value = value;
	ret_value->bytes = arena_bytes(arena, value.bytes, value.length);
	return ret_value->bytes == NULL ? error_no_memory(error) : 0;
}

static int read_held(struct records *records, struct arena *arena, enum keyspace keyspace, const void *about,
                     void *ret_held, struct error *error)
{
	struct store_value value = {0};
	int rc = read_value(records, arena, keyspace, about, &value, error);

	return rc != 0 ? rc : row_decode(keyspace, &value, ret_held, error);
}

int records_read_instance(struct records *records, struct arena *arena, const char *incarnation,
                          struct held_instance *ret_instance, struct error *error)
{
	const struct instance about = {.incarnation = incarnation};

	return read_held(records, arena, KEYSPACE_INSTANCES, &about, ret_instance, error);
}

int records_find_instance(struct records *records, struct arena *arena, const char *service, const char *name,
                          struct held_instance *ret_instance, uint64_t *ret_name_revision, struct error *error)
{
	const struct instance about = {.service = service, .name = name};
	struct store_value value = {0};
	const char *incarnation;
	int rc = read_value(records, arena, KEYSPACE_NAMES, &about, &value, error);

	if (rc != 0)
		return rc;
	incarnation = value.bytes;
	rc = records_read_instance(records, arena, incarnation, ret_instance, error);
	if (rc == ERR_NOT_FOUND)
		return error_set(error, ERR_CORRUPT, "the record of the instance \"%s\" is missing in the store", name);
	if (rc == 0 && ret_name_revision != NULL)
		*ret_name_revision = value.revision;
	return rc;
}

int records_read_bind(struct records *records, struct arena *arena, enum keyspace keyspace, const char *incarnation,
                      enum bind_kind kind, const char *name, struct held_bind *ret_bind, struct error *error)
{
	const struct bind about = {.incarnation = incarnation, .kind = kind, .name = name};

	return read_held(records, arena, keyspace, &about, ret_bind, error);
}

int records_read_operation(struct records *records, struct arena *arena, const char *incarnation, const char *id,
                           struct held_operation *ret_operation, struct error *error)
{
	const struct operation about = {.incarnation = incarnation, .id = id};

	return read_held(records, arena, KEYSPACE_OPERATIONS, &about, ret_operation, error);
}

int records_read_tombstone(struct records *records, struct arena *arena, const char *service, const char *name,
                           struct held_tombstone *ret_tombstone, struct error *error)
{
	const struct instance about = {.service = service, .name = name};

	return read_held(records, arena, KEYSPACE_TOMBSTONES, &about, ret_tombstone, error);
}

bool records_is_removed(struct records *records, const char *service, const char *name)
{
	const struct instance about = {.service = service, .name = name};
	struct store_value value = {0};
	struct text key;
	bool removed;

	row_key(KEYSPACE_TOMBSTONES, &about, &key);
	removed =
	    !key.failed && store_get(records->store, KEYSPACE_TOMBSTONES, text_string(&key), key.length, &value) == 0;
	text_release(&key);
	return removed;
}

/* ---- all of an incarnation ---- */

/* One scan collects the values as a list in the arena; its order is that of the keys. */
struct collected {
	struct collected *next;
	struct store_value value;
};

struct collection {
	struct arena *arena;
	struct collected *first, **last;
	size_t count;
};

static bool collect(void *arg, const void *key, size_t key_length, const struct store_value *value)
{
	struct collection *collection = arg;
	struct collected *item = arena_alloc(collection->arena, sizeof(*item));

	(void)key;
	(void)key_length;
	if (item == NULL)
		return false;
	item->value = *value;
	item->value.bytes = arena_bytes(collection->arena, value->bytes, value->length);
	*collection->last = item;
	collection->last = &item->next;
	collection->count++;
	return !arena_failed(collection->arena);
}

static int collect_incarnation(struct records *records, struct arena *arena, enum keyspace keyspace,
                               const char *incarnation, struct collection *ret_collection, struct error *error)
{
	struct text prefix;
	int rc;

	*ret_collection = (struct collection){.arena = arena};
	ret_collection->last = &ret_collection->first;
	text_init(&prefix, STORE_KEY_MAX);
	key_incarnation_prefix(&prefix, incarnation);
	rc = prefix.failed ? ERR_NO_MEMORY
	                   : store_scan(records->store, keyspace, text_string(&prefix), prefix.length, NULL, 0, collect,
	                                ret_collection);
	text_release(&prefix);
	if (rc == ERR_NO_MEMORY || arena_failed(arena))
		return error_no_memory(error);
	if (rc != 0)
		return error_set(error, rc, "the store cannot be read");
	return 0;
}

static int read_all(struct records *records, struct arena *arena, enum keyspace keyspace, const char *incarnation,
                    void **ret_all, size_t *ret_count, struct error *error)
{
	struct collection collection;
	const size_t size = row_size(keyspace);
	char *all, *at;
	int rc = collect_incarnation(records, arena, keyspace, incarnation, &collection, error);

	if (rc != 0)
		return rc;
	at = all = arena_alloc(arena, (collection.count + 1) * size);
	if (all == NULL)
		return error_no_memory(error);
	for (const struct collected *item = collection.first; item != NULL; item = item->next, at += size) {
		rc = row_decode(keyspace, &item->value, at, error);
		if (rc != 0)
			return rc;
	}
	*ret_all = all;
	*ret_count = collection.count;
	return 0;
}

int records_read_binds(struct records *records, struct arena *arena, const char *incarnation,
                       struct held_bind **ret_binds, size_t *ret_count, struct error *error)
{
	void *all = NULL;
	int rc = read_all(records, arena, KEYSPACE_BINDS, incarnation, &all, ret_count, error);

	if (rc == 0)
		*ret_binds = all;
	return rc;
}

int records_read_unbound(struct records *records, struct arena *arena, const char *incarnation,
                         struct held_bind **ret_binds, size_t *ret_count, struct error *error)
{
	void *all = NULL;
	int rc = read_all(records, arena, KEYSPACE_UNBOUND, incarnation, &all, ret_count, error);

	if (rc == 0)
		*ret_binds = all;
	return rc;
}

int records_read_operations(struct records *records, struct arena *arena, const char *incarnation,
                            struct held_operation **ret_operations, size_t *ret_count, struct error *error)
{
	void *all = NULL;
	int rc = read_all(records, arena, KEYSPACE_OPERATIONS, incarnation, &all, ret_count, error);

	if (rc == 0)
		*ret_operations = all;
	return rc;
}

/* ---- what was forwarded ---- */

struct forwarding {
	const char *repeat;
	char id[OPERATION_ID_LENGTH + 1]; /* of the last that was found; "": none */
};

/* Nothing is copied: all that an instance has is looked through, and one is wanted. */
static bool on_operation(void *arg, const void *key, size_t key_length, const struct store_value *value)
{
	struct forwarding *search = arg;
	struct held_operation held;

	(void)key;
	(void)key_length;
	if (row_decode(KEYSPACE_OPERATIONS, value, &held, NULL) == 0 && same_text(held.record.repeat, search->repeat))
		strcpy(search->id, held.record.id);
	return true;
}

int records_find_repeat(struct records *records, struct arena *arena, const char *incarnation, const char *repeat,
                        struct held_operation *ret_operation, struct error *error)
{
	struct forwarding search = {.repeat = repeat};
	struct text prefix;
	int rc;

	text_init(&prefix, STORE_KEY_MAX);
	key_incarnation_prefix(&prefix, incarnation);
	rc = prefix.failed ? error_no_memory(error)
	                   : store_scan(records->store, KEYSPACE_OPERATIONS, text_string(&prefix), prefix.length, NULL,
	                                0, on_operation, &search);
	text_release(&prefix);
	if (rc == ERR_NO_MEMORY)
		return rc;
	if (rc != 0)
		return error_set(error, rc, "the store cannot be read");
	if (search.id[0] == '\0')
		return ERR_NOT_FOUND;
	return records_read_operation(records, arena, incarnation, search.id, ret_operation, error);
}
