/* Reads, all from one snapshot of the map that is taken at a turn's first read and left at its end: so that what is
 * borrowed stays, the newest commit is seen next time, and no old snapshot keeps the writer from reusing pages. */
#include <errno.h>
#include <event2/event.h>
#include <string.h>

#include "base/timer.h"
#include "store_internal.h"

void store_expect_turn_end(struct store *store)
{
	if (store->turn_end_waits)
		return;
	store->turn_end_waits = true;
	/* An active event runs behind all that this turn has found ready. */
	event_active(store->turn_end, EV_TIMEOUT, 0);
}

static int take_snapshot(struct store *store)
{
	int code = MDB_PANIC;

	if (!store->unmapped || store->view != NULL)
		code = mdb_txn_renew(store->reader);
	if (code == MDB_PANIC && store->view == NULL && view_open(store))
		code = 0;
	return code;
}

static int read_begin(struct store *store)
{
	const int code = store->reading ? 0 : take_snapshot(store);

	if (code != 0 || store->reading)
		return code;
	store->reading = true;
	store_expect_turn_end(store);
	return 0;
}

void read_end(struct store *store)
{
	if (store->reading)
		mdb_txn_reset(store->reader);
	store->reading = false;
}

/* A view that cannot be read is damaged, unless it is memory that was short. The thread sees it when it looks next. */
static int read_failed(struct store *store, int code)
{
	pthread_mutex_lock(&store->committer.mutex);
	store->committer.unreadable |= code != ENOMEM;
	pthread_mutex_unlock(&store->committer.mutex);
	return ERR_INTERNAL;
}

int store_get(struct store *store, enum keyspace keyspace, const void *key, size_t key_length,
              struct store_value *ret_value)
{
	MDB_val wanted = value_of(key, key_length);
	int code;

	if (key_length == 0 || key_length > STORE_KEY_MAX)
		return ERR_NOT_FOUND;
	code = read_begin(store);
	if (code == 0)
		code = value_find(store, store->reader, keyspace, &wanted, ret_value);
	if (code == MDB_NOTFOUND)
		return ERR_NOT_FOUND;
	return code == 0 ? 0 : read_failed(store, code);
}

static int compare(const MDB_val *a, const MDB_val *b)
{
	const size_t shorter = a->mv_size < b->mv_size ? a->mv_size : b->mv_size;
	const int order = shorter == 0 ? 0 : memcmp(a->mv_data, b->mv_data, shorter);

	if (order != 0)
		return order;
	return (a->mv_size > b->mv_size) - (a->mv_size < b->mv_size);
}

static bool begins_with(const MDB_val *key, const MDB_val *prefix)
{
	return key->mv_size >= prefix->mv_size &&
	       (prefix->mv_size == 0 || memcmp(key->mv_data, prefix->mv_data, prefix->mv_size) == 0);
}

/* The first key that is not below prefix and is above after. */
static int seek(MDB_cursor *cursor, const MDB_val *prefix, const MDB_val *after, MDB_val *ret_key, MDB_val *ret_stored)
{
	const MDB_val *start = compare(after, prefix) > 0 ? after : prefix;
	int code;

	*ret_key = *start;
	code = mdb_cursor_get(cursor, ret_key, ret_stored, start->mv_size == 0 ? MDB_FIRST : MDB_SET_RANGE);
	if (code == 0 && after->mv_data != NULL && compare(ret_key, after) == 0)
		code = mdb_cursor_get(cursor, ret_key, ret_stored, MDB_NEXT);
	return code;
}

static int scan(MDB_cursor *cursor, const MDB_val *prefix, const MDB_val *after, store_visit *visit, void *arg)
{
	MDB_val key, stored;
	struct store_value value;
	int code = seek(cursor, prefix, after, &key, &stored);

	while (code == 0 && begins_with(&key, prefix)) {
		code = value_decode(&stored, &value);
		if (code != 0)
			return code;
		if (!visit(arg, key.mv_data, key.mv_size, &value))
			return 0;
		code = mdb_cursor_get(cursor, &key, &stored, MDB_NEXT);
	}
	return code == MDB_NOTFOUND ? 0 : code;
}

int store_scan(struct store *store, enum keyspace keyspace, const void *prefix, size_t prefix_length, const void *after,
               size_t after_length, store_visit *visit, void *arg)
{
	const MDB_val start = value_of(prefix, prefix_length);
	const MDB_val above = value_of(after, after_length);
	MDB_cursor *cursor;
	int code;

	code = read_begin(store);
	if (code == 0)
		code = mdb_cursor_open(store->reader, store->keyspaces[keyspace], &cursor);
	if (code != 0)
		return read_failed(store, code);
	code = scan(cursor, &start, &above, visit, arg);
	mdb_cursor_close(cursor);
	return code == 0 ? 0 : read_failed(store, code);
}

static int seek_back(MDB_cursor *cursor, const MDB_val *before, MDB_val *ret_key, MDB_val *ret_stored)
{
	int code = MDB_NOTFOUND;

	*ret_key = *before;
	if (before->mv_size > 0)
		code = mdb_cursor_get(cursor, ret_key, ret_stored, MDB_SET_RANGE);
	return mdb_cursor_get(cursor, ret_key, ret_stored, code == 0 ? MDB_PREV : MDB_LAST);
}

static int scan_back(MDB_cursor *cursor, const MDB_val *before, store_visit *visit, void *arg)
{
	MDB_val key, stored;
	struct store_value value;
	int code = seek_back(cursor, before, &key, &stored);

	while (code == 0) {
		code = value_decode(&stored, &value);
		if (code != 0)
			return code;
		if (!visit(arg, key.mv_data, key.mv_size, &value))
			return 0;
		code = mdb_cursor_get(cursor, &key, &stored, MDB_PREV);
	}
	return code == MDB_NOTFOUND ? 0 : code;
}

int store_scan_back(struct store *store, enum keyspace keyspace, const void *before, size_t before_length,
                    store_visit *visit, void *arg)
{
	const MDB_val below = value_of(before, before_length);
	MDB_cursor *cursor;
	int code;

	code = read_begin(store);
	if (code == 0)
		code = mdb_cursor_open(store->reader, store->keyspaces[keyspace], &cursor);
	if (code != 0)
		return read_failed(store, code);
	code = scan_back(cursor, &below, visit, arg);
	mdb_cursor_close(cursor);
	return code == 0 ? 0 : read_failed(store, code);
}

int64_t store_counter(struct store *store, const char *name)
{
	struct store_value value;

	if (store_get(store, KEYSPACE_COUNTERS, name, strlen(name), &value) != 0 || value.length != sizeof(int64_t))
		return 0;
	return (int64_t)number_decode(value.bytes);
}

static uint64_t bytes_in_use(struct store *store)
{
	uint64_t bytes = 0;
	MDB_stat stat;

	if (read_begin(store) != 0)
		return 0;
	for (size_t i = 0; i < KEYSPACE_COUNT; i++) {
		if (mdb_stat(store->reader, store->keyspaces[i], &stat) != 0)
			return 0;
		bytes += stat.ms_psize * (stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages);
	}
	return bytes;
}

bool read_is_low(struct store *store)
{
	const size_t limit = store->size_max - store->size_max / STORE_RESERVE_SHARE;
	MDB_envinfo map;
	MDB_stat stat;

	if (mdb_env_info(store->env, &map) != 0 || mdb_env_stat(store->env, &stat) != 0)
		return false;
	return (map.me_last_pgno + 1) * stat.ms_psize > limit && bytes_in_use(store) > limit;
}

bool store_broken(const struct store *store)
{
	return store->broken;
}

const struct store_standing *store_standing(const struct store *store)
{
	return &store->standing;
}

int64_t store_age(const struct store *store)
{
	const struct store_standing *standing = &store->standing;

	if (standing->role == STORE_ALONE || standing->role == STORE_ACTIVE)
		return 0;
	return standing->seen_at > 0 ? timers_clock() / 1000 - standing->seen_at : STORE_NEVER;
}

void store_statistics(struct store *store, struct store_statistics *ret_statistics)
{
	*ret_statistics = store->statistics;
	ret_statistics->bytes = bytes_in_use(store);
}
