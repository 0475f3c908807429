/* A view on its way to where the journal is: group by group, or, where the journal does not have the next one any more
 * or has lost what the view has, all of it afresh. Runs on the store's thread. Neighbours: journal.h, shared.c. */
#include "follow.h"

#include <errno.h>
#include <string.h>

#include "point.h"

/* What the journal has is taken, whatever this broker's own limit is: that one is for what it adds. */
#define VIEW_MAX ((size_t)1 << 44) /* bytes */

struct following {
	struct store *store;
	MDB_txn *txn; /* of a rebuild */
	bool lost;    /* the journal goes on from before the view's point, or beside it */
};

/* Nobody waits for the view any more. */
static bool is_closing(struct store *store)
{
	struct committer *committer = &store->committer;
	bool closing;

	pthread_mutex_lock(&committer->mutex);
	closing = committer->closing;
	pthread_mutex_unlock(&committer->mutex);
	return closing;
}

static int apply_change(const struct store *store, MDB_txn *txn, const struct key_change *change)
{
	const MDB_val value = value_of(change->value.bytes, change->value.length);
	MDB_val key = change->key;
	int code;

	if (change->value.bytes != NULL)
		return value_write(store, txn, change->keyspace, &key, &value, change->value.revision);
	code = mdb_del(txn, store->keyspaces[change->keyspace], &key, NULL);
	return code == MDB_NOTFOUND ? 0 : code;
}

/* ---- group by group ---- */

/* ERR_STALE when the group does not follow what the view has. */
static int apply_in(struct following *following, MDB_txn *txn, const struct group *group)
{
	const struct store *store = following->store;
	struct point point;
	int code = point_read(store, txn, &point);

	if (code == 0 && !point_equal(&point, &group->before)) {
		following->lost = group->before.revision <= point.revision;
		return ERR_STALE;
	}
	for (size_t i = 0; code == 0 && i < group->count; i++)
		code = apply_change(store, txn, &group->changes[i]);
	return code == 0 ? point_write(store, txn, &group->after) : code;
}

static int apply_group(struct following *following, const struct group *group)
{
	MDB_txn *txn;
	int code = mdb_txn_begin(following->store->env, NULL, 0, &txn);

	if (code != 0)
		return code;
	code = apply_in(following, txn, group);
	if (code == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return code;
}

static int on_group(void *arg, const struct group *group)
{
	struct following *following = arg;
	int code;

	if (is_closing(following->store))
		return ERR_CANCELED;
	do
		code = apply_group(following, group);
	while (code == MDB_MAP_FULL && (code = following->store->committer.grow(following->store, VIEW_MAX)) == 0);
	return code;
}

/* ---- all of it ---- */

static int on_record(void *arg, const struct key_change *change)
{
	struct following *following = arg;

	if (is_closing(following->store))
		return ERR_CANCELED;
	return apply_change(following->store, following->txn, change);
}

static int rebuild_once(struct store *store, struct error *error)
{
	struct following following = {.store = store};
	struct point point;
	int code = mdb_txn_begin(store->env, NULL, 0, &following.txn);

	if (code != 0)
		return code;
	code = format_empty(store, following.txn);
	if (code == 0)
		code = store->journal->kind->snapshot(store->journal, on_record, &following, &point, error);
	if (code == 0)
		code = point_write(store, following.txn, &point);
	if (code == 0)
		return mdb_txn_commit(following.txn);
	mdb_txn_abort(following.txn);
	return code;
}

static int rebuild(struct store *store, struct error *error)
{
	int code;

	do
		code = rebuild_once(store, error);
	while (code == MDB_MAP_FULL && (code = store->committer.grow(store, VIEW_MAX)) == 0);
	return code;
}

/* ---- the choice ---- */

int follow_point(const struct store *store, struct point *ret_point)
{
	MDB_txn *txn;
	int code = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);

	if (code != 0)
		return code;
	code = point_read(store, txn, ret_point);
	mdb_txn_abort(txn);
	return code;
}

/* Reads on until the view has come to head. ERR_STALE when that is not the way there. */
static int read_on(struct following *following, struct point point, const struct point *head, struct error *error)
{
	struct store *store = following->store;

	while (point.revision < head->revision) {
		const uint64_t before = point.revision;
		int code = store->journal->kind->read(store->journal, &point, on_group, following, error);

		if (code == 0)
			code = follow_point(store, &point);
		if (code == 0 && point.revision == before)
			return ERR_STALE;
		if (code != 0)
			return code;
	}
	return point_equal(&point, head) || point.revision > head->revision ? 0 : ERR_STALE;
}

static int bring(struct store *store, const struct point *head, bool *ret_lost, struct error *error)
{
	struct following following = {.store = store};
	struct point point;
	int code = follow_point(store, &point);
	bool same;

	if (code != 0 || point_equal(&point, head))
		return code;
	same = memcmp(point.history, head->history, POINT_ID_BYTES) == 0;
	following.lost = same && point.revision >= head->revision;
	code = same && !following.lost ? read_on(&following, point, head, error) : ERR_STALE;
	if (code != ERR_STALE)
		return code;
	code = rebuild(store, error);
	if (code == 0)
		*ret_lost = following.lost;
	return code;
}

int follow_to(struct store *store, const struct point *head, bool *ret_lost, struct error *error)
{
	const int code = bring(store, head, ret_lost, error);

	if (code == 0 || code == ERR_UNAVAILABLE)
		return code;
	if (code == ERR_NO_SPACE || code == ERR_CORRUPT || code == ERR_REFUSED)
		return code;
	if (code == ENOMEM || code == ERR_NO_MEMORY)
		return error_no_memory(error);
	if (code == ERR_CANCELED)
		return error_set(error, ERR_UNAVAILABLE, "the store is closed before its view was made");
	if (disk_is_full(store, code) || code == MDB_MAP_FULL)
		return error_set(error, ERR_NO_SPACE, "the view in \"%s\" cannot be written: %s", store->directory,
		                 mdb_strerror(code));
	store->committer.failed = true;
	return error_set(error, ERR_INTERNAL, "the view in \"%s\" is damaged, or cannot be written: %s",
	                 store->directory, mdb_strerror(code));
}
