/* Copies and dumps through an environment of their own, opened for reading beside the one of the broker that runs. */
#include "store/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "store_internal.h"

static int fail(const char *directory, int code, struct error *error)
{
	return error_set(error, code == ENOENT ? ERR_NOT_FOUND : ERR_INTERNAL, "the store in \"%s\" cannot be read: %s",
	                 directory, mdb_strerror(code));
}

static int open_beside(const char *directory, MDB_env **ret_env, struct error *error)
{
	const int code = view_environment(directory, 0, ret_env);

	return code == 0 ? 0 : fail(directory, code, error);
}

int store_copy(const char *directory, const char *path, struct error *error)
{
	MDB_env *env = NULL;
	int rc = open_beside(directory, &env, error);
	int fd, code;

	if (rc != 0)
		return rc;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		mdb_env_close(env);
		return error_set(error, ERR_INVALID, "\"%s\" cannot be made: %s", path, strerror(errno));
	}
	code = mdb_env_copyfd2(env, fd, MDB_CP_COMPACT);
	if (code == 0 && fsync(fd) != 0)
		code = errno;
	if (close(fd) != 0 && code == 0)
		code = errno;
	mdb_env_close(env);
	if (code == 0)
		return 0;
	unlink(path);
	return error_set(error, disk_refuses(code) ? ERR_NO_SPACE : ERR_INTERNAL, "\"%s\" cannot be written: %s", path,
	                 mdb_strerror(code));
}

/* ---- dumps ---- */

static int dump_keyspace(const char *directory, MDB_txn *txn, enum keyspace keyspace, store_dump_visit *visit,
                         void *arg, struct error *error)
{
	struct store_value value;
	MDB_cursor *cursor = NULL;
	MDB_val key, stored;
	MDB_dbi dbi;
	int rc = 0, code = mdb_dbi_open(txn, keyspace_names[keyspace], 0, &dbi);

	if (code == MDB_NOTFOUND)
		return 0; /* a store of an earlier program lacks it */
	if (code == 0)
		code = mdb_cursor_open(txn, dbi, &cursor);
	if (code != 0)
		return fail(directory, code, error);
	while (rc == 0 && (code = mdb_cursor_get(cursor, &key, &stored, MDB_NEXT)) == 0) {
		code = value_decode(&stored, &value);
		if (code != 0)
			break;
		rc = visit(arg, keyspace, key.mv_data, key.mv_size, &value, error);
	}
	mdb_cursor_close(cursor);
	return rc != 0 || code == 0 || code == MDB_NOTFOUND ? rc : fail(directory, code, error);
}

int store_dump(const char *directory, store_dump_visit *visit, void *arg, struct error *error)
{
	MDB_env *env = NULL;
	MDB_txn *txn = NULL;
	int rc = open_beside(directory, &env, error);
	int code;

	if (rc != 0)
		return rc;
	code = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
	if (code != 0)
		rc = fail(directory, code, error);
	for (enum keyspace keyspace = 0; rc == 0 && keyspace < KEYSPACE_COUNT; keyspace++)
		rc = dump_keyspace(directory, txn, keyspace, visit, arg, error);
	if (txn != NULL)
		mdb_txn_abort(txn);
	mdb_env_close(env);
	return rc;
}

const char *store_keyspace_name(enum keyspace keyspace)
{
	return keyspace_names[keyspace];
}

enum keyspace store_keyspace_find(const char *name)
{
	enum keyspace keyspace = 0;

	while (keyspace < KEYSPACE_COUNT && strcmp(keyspace_names[keyspace], name) != 0)
		keyspace++;
	return keyspace;
}
