/* Typed reads and changes over the store's bytes. Nothing else in this folder encodes, decodes or makes keys. */
#include "broker/records.h"

#include <string.h>

#include "model/record.h"

#define KEY_LIMIT STORE_KEY_MAX

/* Copies the key's value into arena. */
static int read_bytes(struct broker *broker, struct arena *arena, enum keyspace keyspace, struct text *key,
                      struct store_value *ret_value, struct error *error)
{
	struct store_value value;
	int rc =
	    key->failed ? ERR_TOO_LARGE : store_get(broker->store, keyspace, text_string(key), key->length, &value);

	text_release(key);
	if (rc == ERR_NOT_FOUND || rc == ERR_TOO_LARGE) {
		error_clear(error);
		return ERR_NOT_FOUND; /* a key over the limit was never written */
	}
	if (rc != 0)
		return error_set(error, rc, "the store cannot be read");
	ret_value->bytes = arena_bytes(arena, value.bytes, value.length);
	if (ret_value->bytes == NULL)
		return error_no_memory(error);
	ret_value->length = value.length;
	ret_value->revision = value.revision;
	return 0;
}

int records_read_instance(struct broker *broker, struct arena *arena, const char *incarnation,
                          struct held_instance *ret_instance, struct error *error)
{
	struct store_value value = {0};
	struct text key;
	int rc;

	text_init(&key, KEY_LIMIT);
	text_add(&key, incarnation);
	rc = read_bytes(broker, arena, KEYSPACE_INSTANCES, &key, &value, error);
	if (rc != 0)
		return rc;
	rc = instance_decode(value.bytes, value.length, &ret_instance->record, error);
	if (rc == 0)
		ret_instance->revision = value.revision;
	return rc;
}

int records_find_instance(struct broker *broker, struct arena *arena, const char *service, const char *name,
                          struct held_instance *ret_instance, uint64_t *ret_name_revision, struct error *error)
{
	struct store_value value = {0};
	struct text key;
	const char *incarnation;
	int rc;

	text_init(&key, KEY_LIMIT);
	key_name(&key, service, name);
	rc = read_bytes(broker, arena, KEYSPACE_NAMES, &key, &value, error);
	if (rc != 0)
		return rc;
	incarnation = arena_bytes(arena, value.bytes, value.length);
	if (incarnation == NULL)
		return error_no_memory(error);
	rc = records_read_instance(broker, arena, incarnation, ret_instance, error);
	if (rc == ERR_NOT_FOUND)
		return error_set(error, ERR_CORRUPT, "the record of the instance \"%s\" is missing in the store", name);
	if (rc == 0 && ret_name_revision != NULL)
		*ret_name_revision = value.revision;
	return rc;
}

static int read_bind(struct broker *broker, struct arena *arena, enum keyspace keyspace, const char *incarnation,
                     enum bind_kind kind, const char *name, struct held_bind *ret_bind, struct error *error)
{
	struct store_value value = {0};
	struct text key;
	int rc;

	text_init(&key, KEY_LIMIT);
	key_bind(&key, incarnation, kind, name);
	rc = read_bytes(broker, arena, keyspace, &key, &value, error);
	if (rc != 0)
		return rc;
	rc = bind_decode(value.bytes, value.length, &ret_bind->record, error);
	if (rc == 0)
		ret_bind->revision = value.revision;
	return rc;
}

int records_read_bind(struct broker *broker, struct arena *arena, const char *incarnation, enum bind_kind kind,
                      const char *name, struct held_bind *ret_bind, struct error *error)
{
	return read_bind(broker, arena, KEYSPACE_BINDS, incarnation, kind, name, ret_bind, error);
}

int records_read_unbound(struct broker *broker, struct arena *arena, const char *incarnation, enum bind_kind kind,
                         const char *name, struct held_bind *ret_bind, struct error *error)
{
	return read_bind(broker, arena, KEYSPACE_UNBOUND, incarnation, kind, name, ret_bind, error);
}

int records_read_operation(struct broker *broker, struct arena *arena, const char *incarnation, const char *id,
                           struct held_operation *ret_operation, struct error *error)
{
	struct store_value value = {0};
	struct text key;
	int rc;

	text_init(&key, KEY_LIMIT);
	key_operation(&key, incarnation, id);
	rc = read_bytes(broker, arena, KEYSPACE_OPERATIONS, &key, &value, error);
	if (rc != 0)
		return rc;
	rc = operation_decode(value.bytes, value.length, &ret_operation->record, error);
	if (rc == 0)
		ret_operation->revision = value.revision;
	return rc;
}

bool records_is_removed(struct broker *broker, const char *service, const char *name)
{
	struct store_value value = {0};
	struct text key;
	bool removed;

	text_init(&key, KEY_LIMIT);
	key_name(&key, service, name);
	removed =
	    !key.failed && store_get(broker->store, KEYSPACE_TOMBSTONES, text_string(&key), key.length, &value) == 0;
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

static int collect_incarnation(struct broker *broker, struct arena *arena, enum keyspace keyspace,
                               const char *incarnation, struct collection *ret_collection, struct error *error)
{
	struct text prefix;
	int rc;

	*ret_collection = (struct collection){.arena = arena};
	ret_collection->last = &ret_collection->first;
	text_init(&prefix, KEY_LIMIT);
	key_incarnation_prefix(&prefix, incarnation);
	rc = prefix.failed ? ERR_NO_MEMORY
	                   : store_scan(broker->store, keyspace, text_string(&prefix), prefix.length, NULL, 0, collect,
	                                ret_collection);
	text_release(&prefix);
	if (rc == ERR_NO_MEMORY || arena_failed(arena))
		return error_no_memory(error);
	if (rc != 0)
		return error_set(error, rc, "the store cannot be read");
	return 0;
}

int records_read_binds(struct broker *broker, struct arena *arena, const char *incarnation,
                       struct held_bind **ret_binds, size_t *ret_count, struct error *error)
{
	struct collection collection;
	struct held_bind *binds;
	size_t i = 0;
	int rc = collect_incarnation(broker, arena, KEYSPACE_BINDS, incarnation, &collection, error);

	if (rc != 0)
		return rc;
	binds = arena_alloc(arena, (collection.count + 1) * sizeof(*binds));
	if (binds == NULL)
		return error_no_memory(error);
	for (const struct collected *item = collection.first; item != NULL; item = item->next, i++) {
		rc = bind_decode(item->value.bytes, item->value.length, &binds[i].record, error);
		if (rc != 0)
			return rc;
		binds[i].revision = item->value.revision;
	}
	*ret_binds = binds;
	*ret_count = collection.count;
	return 0;
}

int records_read_operations(struct broker *broker, struct arena *arena, const char *incarnation,
                            struct held_operation **ret_operations, size_t *ret_count, struct error *error)
{
	struct collection collection;
	struct held_operation *operations;
	size_t i = 0;
	int rc = collect_incarnation(broker, arena, KEYSPACE_OPERATIONS, incarnation, &collection, error);

	if (rc != 0)
		return rc;
	operations = arena_alloc(arena, (collection.count + 1) * sizeof(*operations));
	if (operations == NULL)
		return error_no_memory(error);
	for (const struct collected *item = collection.first; item != NULL; item = item->next, i++) {
		rc = operation_decode(item->value.bytes, item->value.length, &operations[i].record, error);
		if (rc != 0)
			return rc;
		operations[i].revision = item->value.revision;
	}
	*ret_operations = operations;
	*ret_count = collection.count;
	return 0;
}

/* ---- changes ---- */

void changes_begin(struct changes *changes, struct broker *broker)
{
	error_clear(&changes->error);
	changes->batch = batch_new(broker->store);
}

void changes_use_reserve(struct changes *changes)
{
	batch_use_reserve(changes->batch);
}

void changes_drop(struct changes *changes)
{
	batch_free(changes->batch);
	changes->batch = NULL;
}

static int take_batch(struct changes *changes, struct batch **ret_batch, struct error *error)
{
	if (changes->error.code != 0) {
		changes_drop(changes);
		return error_set(error, changes->error.code, "%s", changes->error.text);
	}
	*ret_batch = changes->batch;
	changes->batch = NULL;
	return 0;
}

int changes_commit(struct changes *changes, batch_done *on_done, void *arg, struct error *error)
{
	struct batch *batch = NULL;
	int rc = take_batch(changes, &batch, error);

	if (rc == 0)
		batch_commit(batch, on_done, arg);
	return rc;
}

int changes_commit_now(struct changes *changes, struct error *error)
{
	struct batch *batch = NULL;
	int rc = take_batch(changes, &batch, error);

	return rc != 0 ? rc : batch_commit_now(batch, error);
}

/* Puts the encoded record (when value is not NULL) or deletes, and releases both texts. */
static void apply(struct changes *changes, enum keyspace keyspace, struct text *key, struct text *value, uint64_t base)
{
	if (changes->error.code == 0 && (key->failed || (value != NULL && value->failed)))
		error_no_memory(&changes->error);
	if (changes->error.code == 0 && value != NULL)
		batch_put(changes->batch, keyspace, text_string(key), key->length, text_string(value), value->length,
		          base);
	else if (changes->error.code == 0)
		batch_delete(changes->batch, keyspace, text_string(key), key->length, base);
	text_release(key);
	if (value != NULL)
		text_release(value);
}

static void name_key(struct text *ret_key, const struct instance *instance)
{
	text_init(ret_key, KEY_LIMIT);
	key_name(ret_key, instance->service, instance->name);
}

void changes_put_name(struct changes *changes, const struct instance *instance, uint64_t base)
{
	struct text key, value;

	name_key(&key, instance);
	text_init(&value, KEY_LIMIT);
	text_add(&value, instance->incarnation);
	apply(changes, KEYSPACE_NAMES, &key, &value, base);
}

void changes_delete_name(struct changes *changes, const struct instance *instance, uint64_t base)
{
	struct text key;

	name_key(&key, instance);
	apply(changes, KEYSPACE_NAMES, &key, NULL, base);
}

void changes_put_instance(struct changes *changes, const struct instance *instance, uint64_t base)
{
	struct text key, value;

	text_init(&key, KEY_LIMIT);
	text_add(&key, instance->incarnation);
	text_init(&value, RECORD_MAX);
	if (changes->error.code == 0)
		instance_encode(instance, &value, &changes->error);
	apply(changes, KEYSPACE_INSTANCES, &key, &value, base);
}

void changes_delete_instance(struct changes *changes, const struct instance *instance, uint64_t base)
{
	struct text key;

	text_init(&key, KEY_LIMIT);
	text_add(&key, instance->incarnation);
	apply(changes, KEYSPACE_INSTANCES, &key, NULL, base);
}

void changes_check_instance(struct changes *changes, const struct held_instance *held)
{
	const char *key = held->record.incarnation;

	if (changes->error.code == 0)
		batch_check(changes->batch, KEYSPACE_INSTANCES, key, strlen(key), held->revision);
}

static void put_bind(struct changes *changes, enum keyspace keyspace, const struct bind *bind, uint64_t base)
{
	struct text key, value;

	text_init(&key, KEY_LIMIT);
	key_bind(&key, bind->incarnation, bind->kind, bind->name);
	text_init(&value, RECORD_MAX);
	if (changes->error.code == 0)
		bind_encode(bind, &value, &changes->error);
	apply(changes, keyspace, &key, &value, base);
}

static void delete_bind(struct changes *changes, enum keyspace keyspace, const struct bind *bind, uint64_t base)
{
	struct text key;

	text_init(&key, KEY_LIMIT);
	key_bind(&key, bind->incarnation, bind->kind, bind->name);
	apply(changes, keyspace, &key, NULL, base);
}

void changes_put_bind(struct changes *changes, const struct bind *bind, uint64_t base)
{
	put_bind(changes, KEYSPACE_BINDS, bind, base);
}

void changes_delete_bind(struct changes *changes, const struct bind *bind, uint64_t base)
{
	delete_bind(changes, KEYSPACE_BINDS, bind, base);
}

void changes_put_unbound(struct changes *changes, const struct bind *bind, uint64_t base)
{
	put_bind(changes, KEYSPACE_UNBOUND, bind, base);
}

void changes_delete_unbound(struct changes *changes, const struct bind *bind)
{
	delete_bind(changes, KEYSPACE_UNBOUND, bind, REVISION_ANY);
}

static void operation_key(struct text *ret_key, const struct operation *operation)
{
	text_init(ret_key, KEY_LIMIT);
	key_operation(ret_key, operation->incarnation, operation->id);
}

static void list_pending(struct changes *changes, const struct operation *operation)
{
	struct text key, value;

	text_init(&key, KEY_LIMIT);
	text_add(&key, operation->id);
	text_init(&value, KEY_LIMIT);
	text_add(&value, operation->incarnation);
	apply(changes, KEYSPACE_PENDING, &key, &value, REVISION_ANY);
}

static void unlist_pending(struct changes *changes, const struct operation *operation)
{
	struct text key;

	text_init(&key, KEY_LIMIT);
	text_add(&key, operation->id);
	apply(changes, KEYSPACE_PENDING, &key, NULL, REVISION_ANY);
}

void changes_put_operation(struct changes *changes, const struct operation *operation, uint64_t base)
{
	struct text key, value;

	operation_key(&key, operation);
	text_init(&value, RECORD_MAX);
	if (changes->error.code == 0)
		operation_encode(operation, &value, &changes->error);
	apply(changes, KEYSPACE_OPERATIONS, &key, &value, base);
	if (operation_finished(operation->state))
		unlist_pending(changes, operation);
	else
		list_pending(changes, operation);
}

void changes_delete_operation(struct changes *changes, const struct operation *operation)
{
	struct text key;

	operation_key(&key, operation);
	apply(changes, KEYSPACE_OPERATIONS, &key, NULL, REVISION_ANY);
	unlist_pending(changes, operation);
}

void changes_put_tombstone(struct changes *changes, const struct instance *instance, int64_t wall)
{
	struct tombstone tombstone = {.incarnation = instance->incarnation, .removed_at = wall};
	struct text key, value;

	name_key(&key, instance);
	text_init(&value, RECORD_MAX);
	if (changes->error.code == 0)
		tombstone_encode(&tombstone, &value, &changes->error);
	apply(changes, KEYSPACE_TOMBSTONES, &key, &value, REVISION_ANY);
}

static void retained_key(struct text *ret_key, const struct instance *instance)
{
	text_init(ret_key, KEY_LIMIT);
	key_retained(ret_key, instance->retained_until, instance->incarnation);
}

void changes_put_retained(struct changes *changes, const struct instance *instance)
{
	struct text key, value;

	retained_key(&key, instance);
	text_init(&value, 1);
	apply(changes, KEYSPACE_RETAINED, &key, &value, REVISION_ANY);
}

void changes_delete_retained(struct changes *changes, const struct instance *instance)
{
	struct text key;

	retained_key(&key, instance);
	apply(changes, KEYSPACE_RETAINED, &key, NULL, REVISION_ANY);
}

void changes_put_to_end(struct changes *changes, const struct instance *instance)
{
	struct text key, value;

	text_init(&key, KEY_LIMIT);
	text_add(&key, TO_END);
	text_add(&key, instance->incarnation);
	text_init(&value, 1);
	apply(changes, KEYSPACE_META, &key, &value, REVISION_ANY);
}

void changes_put_audit(struct changes *changes, struct broker *broker, const struct audit *audit)
{
	char id[OPERATION_ID_LENGTH + 1];
	struct text key, value;

	broker_next_id(broker, id);
	text_init(&key, KEY_LIMIT);
	text_add(&key, id);
	text_init(&value, RECORD_MAX);
	if (changes->error.code == 0)
		audit_encode(audit, &value, &changes->error);
	apply(changes, KEYSPACE_AUDIT, &key, &value, REVISION_ABSENT);
	if (changes->error.code == 0)
		batch_add(changes->batch, AUDIT_COUNTER, 1);
}

void changes_put_ending(struct changes *changes, struct broker *broker, const struct operation *operation,
                        const struct instance *instance, const char *outcome, int64_t wall)
{
	const struct audit audit = {
	    .action = operation_kind_name(operation->kind),
	    .outcome = outcome != NULL ? outcome : operation_state_name(operation->state),
	    .user = operation->user,
	    .event = operation->event,
	    .request = operation->request,
	    .service = instance->service,
	    .instance = instance->name,
	    .incarnation = instance->incarnation,
	    .bind = operation->bind_name != NULL ? operation->bind_name : operation->unit,
	    .text = operation->error,
	    .at = wall,
	    .asked_at = operation->created_at,
	};

	changes_put_audit(changes, broker, &audit);
}

/* ---- counters ---- */

/* Without printf, which took half of a create's counting. */
static void add_path(struct text *path, const char *first, const char *second, const char *third)
{
	text_add(path, first);
	text_add(path, "/");
	text_add(path, second);
	text_add(path, "/");
	text_add(path, third);
}

void records_counter_name(struct text *ret_name, enum counter counter, const struct instance *instance)
{
	const char *service = instance->service, *plan = instance->wanted_plan;
	const char *team = instance->team != NULL ? instance->team : "";

	switch (counter) {
	case COUNTER_SERVER:
		if (instance->server != NULL)
			add_path(ret_name, "instances", service, instance->server);
		return;
	case COUNTER_TEAM:
		add_path(ret_name, "teams", service, team);
		return;
	case COUNTER_PLAN:
		add_path(ret_name, "plans", service, plan);
		return;
	case COUNTER_PLAN_TEAM:
		add_path(ret_name, "plan-teams", service, plan);
		text_add(ret_name, "/");
		text_add(ret_name, team);
		return;
	case COUNTER_COUNT:
		break;
	}
}

static void count(struct changes *changes, enum counter counter, const struct instance *instance, int64_t delta)
{
	struct text name;

	text_init(&name, KEY_LIMIT);
	records_counter_name(&name, counter, instance);
	if (changes->error.code == 0 && name.failed)
		error_no_memory(&changes->error);
	if (changes->error.code == 0 && name.length > 0)
		batch_add(changes->batch, text_string(&name), delta);
	text_release(&name);
}

void changes_count_placed(struct changes *changes, const struct instance *instance, int64_t delta)
{
	count(changes, COUNTER_SERVER, instance, delta);
}

void changes_count_owned(struct changes *changes, const struct instance *instance, int64_t delta)
{
	for (enum counter counter = COUNTER_TEAM; counter < COUNTER_COUNT; counter++)
		count(changes, counter, instance, delta);
}
