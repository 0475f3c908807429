/* What the keyspaces are called, and how a value lies in LMDB: 8 bytes in front, little-endian, with the revision that
 * wrote it. For reads on the loop and commits on the thread alike: all work is in the transaction given. */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "store_internal.h"

const char *const keyspace_names[KEYSPACE_COUNT] = {
    [KEYSPACE_NAMES] = "names",           [KEYSPACE_INSTANCES] = "instances", [KEYSPACE_BINDS] = "binds",
    [KEYSPACE_OPERATIONS] = "operations", [KEYSPACE_PENDING] = "pending",     [KEYSPACE_TOMBSTONES] = "tombstones",
    [KEYSPACE_RETAINED] = "retained",     [KEYSPACE_AUDIT] = "audit",         [KEYSPACE_UNBOUND] = "unbound",
    [KEYSPACE_COUNTERS] = "counters",     [KEYSPACE_META] = "meta",
};

void number_encode(uint64_t number, void *ret_bytes)
{
	const uint64_t little = htole64(number);

	memcpy(ret_bytes, &little, sizeof(little));
}

uint64_t number_decode(const void *bytes)
{
	uint64_t little;

	memcpy(&little, bytes, sizeof(little));
	return le64toh(little);
}

MDB_val value_of(const void *bytes, size_t length)
{
	return (MDB_val){.mv_size = length, .mv_data = (void *)(uintptr_t)bytes};
}

int value_decode(const MDB_val *stored, struct store_value *ret_value)
{
	if (stored->mv_size < REVISION_BYTES)
		return MDB_CORRUPTED;
	ret_value->revision = number_decode(stored->mv_data);
	ret_value->bytes = (const char *)stored->mv_data + REVISION_BYTES;
	ret_value->length = stored->mv_size - REVISION_BYTES;
	return 0;
}

int value_find(const struct store *store, MDB_txn *txn, enum keyspace keyspace, MDB_val *key,
               struct store_value *ret_value)
{
	MDB_val stored;
	const int code = mdb_get(txn, store->keyspaces[keyspace], key, &stored);

	return code != 0 ? code : value_decode(&stored, ret_value);
}

int value_write(const struct store *store, MDB_txn *txn, enum keyspace keyspace, MDB_val *key, const MDB_val *value,
                uint64_t revision)
{
	MDB_val stored = {.mv_size = REVISION_BYTES + value->mv_size};
	const int code = mdb_put(txn, store->keyspaces[keyspace], key, &stored, MDB_RESERVE);

	if (code != 0)
		return code;
	number_encode(revision, stored.mv_data);
	if (value->mv_size > 0)
		memcpy((char *)stored.mv_data + REVISION_BYTES, value->mv_data, value->mv_size);
	return 0;
}

bool disk_refuses(int code)
{
	return code == ENOSPC || code == EDQUOT || code == EFBIG;
}

/* LMDB reports EIO when a write came out short, as the last one before a disk is full does. Whether the disk is full
 * shows by asking it for 64 KiB more. */
static bool short_write(const struct store *store)
{
	struct stat stat;
	int fd;

	return mdb_env_get_fd(store->env, &fd) == 0 && fstat(fd, &stat) == 0 &&
	       disk_refuses(posix_fallocate(fd, stat.st_size, 64 * 1024));
}

bool disk_is_full(const struct store *store, int code)
{
	return disk_refuses(code) || (code == EIO && short_write(store));
}
