/* Up to where the records go, in LMDB: the revision, and for a view of a journal also the history and the group. */
#include "point.h"

#include <string.h>

static const char revision_key[] = "store.revision";

int revision_read(const struct store *store, MDB_txn *txn, uint64_t *ret_revision)
{
	MDB_val key = value_of(revision_key, sizeof(revision_key) - 1);
	struct store_value value;
	const int code = value_find(store, txn, KEYSPACE_META, &key, &value);

	if (code == 0)
		*ret_revision = value.revision;
	else if (code == MDB_NOTFOUND)
		*ret_revision = 0;
	return code == MDB_NOTFOUND ? 0 : code;
}

int revision_write(const struct store *store, MDB_txn *txn, uint64_t revision)
{
	MDB_val key = value_of(revision_key, sizeof(revision_key) - 1);

	return value_write(store, txn, KEYSPACE_META, &key, &(MDB_val){0, NULL}, revision);
}

int point_read(const struct store *store, MDB_txn *txn, struct point *ret_point)
{
	MDB_val key = value_of(POINT_KEY, strlen(POINT_KEY));
	struct store_value value;
	int code = value_find(store, txn, KEYSPACE_META, &key, &value);

	*ret_point = (struct point){0};
	if (code == MDB_NOTFOUND)
		return 0;
	if (code == 0 && value.length != (size_t)2 * POINT_ID_BYTES)
		return MDB_CORRUPTED;
	if (code != 0)
		return code;
	memcpy(ret_point->history, value.bytes, POINT_ID_BYTES);
	memcpy(ret_point->group, (const char *)value.bytes + POINT_ID_BYTES, POINT_ID_BYTES);
	return revision_read(store, txn, &ret_point->revision);
}

int point_write(const struct store *store, MDB_txn *txn, const struct point *point)
{
	MDB_val key = value_of(POINT_KEY, strlen(POINT_KEY));
	unsigned char bytes[2 * POINT_ID_BYTES];
	const MDB_val value = {.mv_size = sizeof(bytes), .mv_data = bytes};
	int code;

	memcpy(bytes, point->history, POINT_ID_BYTES);
	memcpy(bytes + POINT_ID_BYTES, point->group, POINT_ID_BYTES);
	code = value_write(store, txn, KEYSPACE_META, &key, &value, point->revision);
	return code == 0 ? revision_write(store, txn, point->revision) : code;
}

bool point_equal(const struct point *a, const struct point *b)
{
	return a->revision == b->revision && memcmp(a->group, b->group, POINT_ID_BYTES) == 0 &&
	       memcmp(a->history, b->history, POINT_ID_BYTES) == 0;
}
