/* The format of what is in a store, kept in it. */
#include "journal.h"
#include "store_internal.h"

static const char format_key[] = "store.format";

static uint64_t format_of(const struct store *store)
{
	return store->shared != NULL ? journal_format(store->shared) : STORE_FORMAT;
}

int format_write(const struct store *store, MDB_txn *txn)
{
	MDB_val key = value_of(format_key, sizeof(format_key) - 1);
	unsigned char bytes[sizeof(uint64_t)];

	number_encode(format_of(store), bytes);
	return value_write(store, txn, KEYSPACE_META, &key, &(MDB_val){sizeof(bytes), bytes}, 1);
}

int format_empty(const struct store *store, MDB_txn *txn)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < KEYSPACE_COUNT; i++)
		code = mdb_drop(txn, store->keyspaces[i], 0);
	return code == 0 ? format_write(store, txn) : code;
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
	if (number_decode(value.bytes) < format_of(store))
		return format_write(store, txn);
	if (number_decode(value.bytes) > format_of(store))
		*ret_newer = number_decode(value.bytes);
	return 0;
}

int format_accept(const struct store_shared *options, uint64_t found, struct error *error)
{
	if (found <= journal_format(options))
		return 0;
	return error_set(
	    error, ERR_CORRUPT,
	    "the records were written by a newer tsuru-broker: their format is %llu, and this program reads "
	    "up to %llu; it stands by, and has to be replaced by a newer one",
	    (unsigned long long)found, (unsigned long long)journal_format(options));
}
