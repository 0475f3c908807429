/* The format of what is in a store, kept in it. */
#include "store_internal.h"

static const char format_key[] = "store.format";

int format_write(const struct store *store, MDB_txn *txn)
{
	MDB_val key = value_of(format_key, sizeof(format_key) - 1);
	unsigned char bytes[sizeof(uint64_t)];

	number_encode(STORE_FORMAT, bytes);
	return value_write(store, txn, KEYSPACE_META, &key, &(MDB_val){sizeof(bytes), bytes}, 1);
}

int format_check(const struct store *store, MDB_txn *txn, uint64_t *ret_newer)
{
	MDB_val key = value_of(format_key, sizeof(format_key) - 1);
	struct store_value value;
	const int code = value_find(store, txn, KEYSPACE_META, &key, &value);

	if (code == MDB_NOTFOUND)
		return format_write(store, txn);
	if (code != 0)
		return code;
	if (value.length != sizeof(uint64_t))
		return MDB_CORRUPTED;
	if (number_decode(value.bytes) < STORE_FORMAT)
		return format_write(store, txn);
	if (number_decode(value.bytes) > STORE_FORMAT)
		*ret_newer = number_decode(value.bytes);
	return 0;
}
