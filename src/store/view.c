/* Reads after a failure. When the last write of a commit or the growth of the map fails, LMDB gives its environment up.
 * Reads then go through a second environment, which only reads; nobody writes any more, so it needs no locks.
 * Neighbour: read.c. */
#include <string.h>

#include "store_internal.h"

/* Waits until the thread has said that the store is broken: from then on it uses the keyspaces no more. */
static void wait_for_the_end_of_writes(struct committer *committer)
{
	pthread_mutex_lock(&committer->mutex);
	while (!committer->broken)
		pthread_cond_wait(&committer->answered, &committer->mutex);
	pthread_mutex_unlock(&committer->mutex);
}

int view_environment(const char *directory, unsigned flags, MDB_env **ret_env)
{
	MDB_env *env = NULL;
	int code = mdb_env_create(&env);

	if (code != 0)
		return code;
	code = mdb_env_set_maxdbs(env, KEYSPACE_COUNT);
	if (code == 0)
		code = mdb_env_open(env, directory, MDB_RDONLY | MDB_NOTLS | flags, 0600);
	if (code == 0)
		*ret_env = env;
	else
		mdb_env_close(env);
	return code;
}

/* Keyspaces that are opened in a transaction stay open after it only if it is committed, also when it only reads. */
static int open_keyspaces(MDB_env *env, MDB_dbi *ret_keyspaces)
{
	MDB_txn *txn;
	int code = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);

	if (code != 0)
		return code;
	for (size_t i = 0; code == 0 && i < KEYSPACE_COUNT; i++)
		code = mdb_dbi_open(txn, keyspace_names[i], 0, &ret_keyspaces[i]);
	if (code == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return code;
}

bool view_open(struct store *store)
{
	MDB_dbi keyspaces[KEYSPACE_COUNT];
	MDB_txn *reader = NULL;
	MDB_env *env;
	int code;

	wait_for_the_end_of_writes(&store->committer);
	if (view_environment(store->directory, MDB_NOLOCK, &env) != 0)
		return false;
	code = open_keyspaces(env, keyspaces);
	if (code == 0)
		code = mdb_txn_begin(env, NULL, MDB_RDONLY, &reader);
	if (code != 0) {
		mdb_env_close(env);
		return false;
	}
	mdb_txn_abort(store->reader);
	store->reader = reader;
	store->view = env;
	memcpy(store->keyspaces, keyspaces, sizeof(keyspaces));
	return true;
}
