/* The mark of the master key: a known word, sealed, in the store. */
#include "records/keycheck.h"

#include <string.h>

static const char mark_key[] = "secret.mark"; /* also what the mark is sealed with */
static const char word[] = "tsuru-broker";

static int make_mark(struct store *store, const struct keyring *keyring, struct error *error)
{
	unsigned char sealed[sizeof(word) + SECRET_SEAL_OVERHEAD];
	struct batch *batch = batch_new(store);

	keyring_seal(keyring, mark_key, word, sizeof(word), sealed);
	batch_put(batch, KEYSPACE_META, mark_key, strlen(mark_key), sealed, sizeof(sealed), REVISION_ABSENT);
	return batch_commit_now(batch, error);
}

bool keycheck_has_mark(struct store *store)
{
	struct store_value mark;

	return store_get(store, KEYSPACE_META, mark_key, strlen(mark_key), &mark) == 0;
}

static int open_mark(struct store *store, const struct keyring *keyring, struct store_value *ret_mark)
{
	char plain[sizeof(word)];
	int rc = store_get(store, KEYSPACE_META, mark_key, strlen(mark_key), ret_mark);

	if (rc != 0)
		return rc;
	if (ret_mark->length != sizeof(word) + SECRET_SEAL_OVERHEAD)
		return ERR_CORRUPT;
	return keyring_open(keyring, mark_key, ret_mark->bytes, ret_mark->length, plain, NULL);
}

int keycheck_opens(struct store *store, const struct keyring *keyring, const char *directory, struct error *error)
{
	struct store_value mark;
	int rc = open_mark(store, keyring, &mark);

	if (rc == 0 || rc == ERR_NOT_FOUND)
		return 0;
	if (rc == ERR_CORRUPT)
		return error_set(
		    error, rc,
		    "the passwords in \"%s\" were sealed with another master key than the one given now; start "
		    "with the key that belongs to this store",
		    directory);
	return error_set(error, rc, "the store cannot be read");
}

int keycheck(struct store *store, const struct keyring *keyring, const char *directory, struct error *error)
{
	if (keycheck_has_mark(store))
		return keycheck_opens(store, keyring, directory, error);
	return make_mark(store, keyring, error);
}

bool keycheck_reseal(struct store *store, const struct keyring *keyring, struct batch *batch)
{
	unsigned char sealed[sizeof(word) + SECRET_SEAL_OVERHEAD];
	struct store_value mark;

	if (open_mark(store, keyring, &mark) != 0 || keyring_seals_like(keyring, mark.bytes, mark.length))
		return false;
	keyring_seal(keyring, mark_key, word, sizeof(word), sealed);
	batch_put(batch, KEYSPACE_META, mark_key, strlen(mark_key), sealed, sizeof(sealed), mark.revision);
	return true;
}
