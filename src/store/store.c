/* Opening and closing a store: the directory and its lock, the LMDB environment, the keyspaces and the format.
 * Also the end of a loop's turn, where reads let go of their snapshot and batches go to the helper thread. */
#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/timer.h"
#include "owner.h"
#include "store_internal.h"

#define MAP_FIRST ((size_t)64 * 1024 * 1024) /* bytes; address space only, the file grows as it is used */

/* ---- the directory ---- */

static int make_directory(const char *directory, struct error *error)
{
	char parent[PATH_MAX];

	if (mkdir(directory, 0700) != 0) {
		if (errno == EEXIST)
			return 0;
		return error_set(error, disk_refuses(errno) ? ERR_NO_SPACE : ERR_INTERNAL,
		                 "the directory \"%s\" cannot be made: %s", directory, strerror(errno));
	}
	if (snprintf(parent, sizeof(parent), "%s/..", directory) >= (int)sizeof(parent))
		return error_set(error, ERR_INTERNAL, "the path \"%s\" is too long", directory);
	return file_sync_directory(parent, error);
}

/* LMDB lets several processes write in turn. The broker keeps a part of its state in memory, so it has to be the only
 * one. */
static int lock_directory(struct store *store, struct error *error)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/lock", store->directory) >= (int)sizeof(path))
		return error_set(error, ERR_INTERNAL, "the path \"%s\" is too long", store->directory);
	store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (store->lock_fd < 0)
		return error_set(error, disk_refuses(errno) ? ERR_NO_SPACE : ERR_INTERNAL,
		                 "\"%s\" cannot be opened: %s", path, strerror(errno));
	if (flock(store->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return error_set(error, ERR_BUSY, "the data directory \"%s\" is in use by another tsuru-broker",
		                 store->directory);
	return error_set(error, ERR_INTERNAL, "\"%s\" cannot be locked: %s", path, strerror(errno));
}

/* ---- LMDB ---- */

static int open_failed(const struct store *store, int code, struct error *error)
{
	int kind = ERR_INTERNAL;

	if (code == ENOMEM)
		return error_no_memory(error);
	if (disk_refuses(code) || code == MDB_MAP_FULL)
		kind = ERR_NO_SPACE;
	else if (code == MDB_INVALID || code == MDB_CORRUPTED || code == MDB_PAGE_NOTFOUND ||
	         code == MDB_VERSION_MISMATCH || code == MDB_INCOMPATIBLE)
		kind = ERR_CORRUPT;
	return error_set(error, kind, "the store in \"%s\" cannot be opened: %s", store->directory, mdb_strerror(code));
}

static int open_environment(struct store *store, struct error *error)
{
	int code = mdb_env_create(&store->env);

	if (code == 0)
		code = mdb_env_set_maxdbs(store->env, KEYSPACE_COUNT);
	if (code == 0)
		code = mdb_env_set_mapsize(store->env, store->size_max < MAP_FIRST ? store->size_max : MAP_FIRST);
	/* NOTLS: a read transaction belongs to its handle, not to the thread that began it. A view needs no sync: after
	 * a crash of the machine it is made afresh. */
	if (code == 0)
		code = mdb_env_open(store->env, store->directory, MDB_NOTLS | (store->journal != NULL ? MDB_NOSYNC : 0),
		                    0600);
	return code == 0 ? 0 : open_failed(store, code, error);
}

/* Refuses a store whose format this program cannot read; a view of it is made afresh. A new store, and one of an
 * earlier program, gets its own. */
static int check_format(struct store *store, MDB_txn *txn, struct error *error)
{
	uint64_t newer = 0;
	int code = format_check(store, txn, &newer);

	if (code == 0 && newer != 0 && store->shared != NULL) {
		newer = 0;
		code = format_empty(store, txn);
	}
	if (code != 0)
		return open_failed(store, code, error);
	if (newer != 0)
		return error_set(
		    error, ERR_CORRUPT,
		    "the store in \"%s\" was written by a newer tsuru-broker: its format is %llu, and this "
		    "program reads up to %llu",
		    store->directory, (unsigned long long)newer, (unsigned long long)STORE_FORMAT);
	return 0;
}

static int open_keyspaces(struct store *store, struct error *error)
{
	MDB_txn *txn;
	int code = mdb_txn_begin(store->env, NULL, 0, &txn);

	if (code != 0)
		return open_failed(store, code, error);
	for (size_t i = 0; code == 0 && i < KEYSPACE_COUNT; i++) {
		assert(keyspace_names[i] != NULL);
		code = mdb_dbi_open(txn, keyspace_names[i], MDB_CREATE, &store->keyspaces[i]);
	}
	code = code == 0 ? check_format(store, txn, error) : open_failed(store, code, error);
	if (code != 0) {
		mdb_txn_abort(txn);
		return code;
	}
	code = mdb_txn_commit(txn);
	return code == 0 ? 0 : open_failed(store, code, error);
}

static int open_reader(struct store *store, struct error *error)
{
	const int code = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &store->reader);

	if (code != 0)
		return open_failed(store, code, error);
	mdb_txn_reset(store->reader);
	return 0;
}

static int open_records(struct store *store, struct error *error)
{
	int code = open_environment(store, error);

	if (code == 0)
		code = open_keyspaces(store, error);
	return code == 0 ? open_reader(store, error) : code;
}

/* Nothing is lost with a view that is damaged. */
static int open_afresh(struct store *store, struct error *error)
{
	int code;

	mdb_env_close(store->env);
	store->env = NULL;
	code = owner_drop_view(store->directory, error);
	return code == 0 ? open_records(store, error) : code;
}

/* ---- the loop ---- */

static void on_turn_end(evutil_socket_t fd, short what, void *arg)
{
	struct store *store = arg;

	(void)fd;
	(void)what;
	store->turn_end_waits = false;
	read_end(store);
	committer_hand_over(store);
}

static void on_answer(evutil_socket_t fd, short what, void *arg)
{
	uint64_t calls;

	(void)what;
	/* The count says nothing that is needed: all batches that are settled by now are answered. */
	(void)!read(fd, &calls, sizeof(calls));
	committer_answer(arg);
}

static void on_rest(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	committer_answer(arg);
}

static int join_loop(struct store *store, struct event_base *base, struct error *error)
{
	store->committer.answer_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (store->committer.answer_fd < 0)
		return error_set(error, ERR_INTERNAL, "the store in \"%s\" cannot make an eventfd: %s",
		                 store->directory, strerror(errno));
	store->turn_end = event_new(base, -1, 0, on_turn_end, store);
	store->answer = event_new(base, store->committer.answer_fd, EV_READ | EV_PERSIST, on_answer, store);
	store->rest = event_new(base, -1, 0, on_rest, store);
	if (store->turn_end == NULL || store->answer == NULL || store->rest == NULL ||
	    event_add(store->answer, NULL) != 0)
		return error_no_memory(error);
	return 0;
}

/* ---- the whole ---- */

static struct store *store_new(const struct store_options *options)
{
	struct store *store = calloc(1, sizeof(*store));

	if (store == NULL)
		return NULL;
	store->directory = strdup(options->directory);
	if (store->directory == NULL) {
		free(store);
		return NULL;
	}
	store->size_max = (size_t)options->size_max;
	store->on_broken = options->on_broken;
	store->shared = options->shared;
	store->on_standing = options->on_standing;
	store->on_members = options->on_members;
	store->arg = options->arg;
	store->lock_fd = -1;
	STAILQ_INIT(&store->handed);
	STAILQ_INIT(&store->answers);
	STAILQ_INIT(&store->free_spares);
	for (size_t i = 0; i < SPARE_BATCHES; i++)
		STAILQ_INSERT_TAIL(&store->free_spares, &store->spares[i], entry);
	committer_init(&store->committer);
	return store;
}

/* Frees a store that is open as far as store_open came. */
static void store_free(struct store *store)
{
	committer_stop(store);
	if (store->answer != NULL)
		event_free(store->answer);
	if (store->rest != NULL)
		event_free(store->rest);
	if (store->turn_end != NULL)
		event_free(store->turn_end);
	if (store->committer.answer_fd >= 0)
		close(store->committer.answer_fd);
	if (store->reader != NULL)
		mdb_txn_abort(store->reader);
	if (store->view != NULL)
		mdb_env_close(store->view);
	if (store->env != NULL)
		mdb_env_close(store->env);
	shared_close(store);
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	committer_release(&store->committer);
	free(store->directory);
	free(store);
}

static int open_parts(struct store *store, struct event_base *base, struct error *error)
{
	int code = make_directory(store->directory, error);

	if (code == 0)
		code = lock_directory(store, error);
	if (code == 0)
		code = shared_open(store, error);
	if (code == 0)
		code = store->shared != NULL ? owner_claim_view(store->directory, error)
		                             : owner_check_alone(store->directory, error);
	if (code == 0)
		code = open_records(store, error);
	if (code == ERR_CORRUPT && store->shared != NULL)
		code = open_afresh(store, error);
	if (code == 0)
		code = join_loop(store, base, error);
	return code == 0 ? committer_start(store, store->shared != NULL ? shared_run : committer_run, error) : code;
}

int store_open(const struct store_options *options, struct store **ret_store, struct error *error)
{
	struct store *store = store_new(options);
	int code;

	if (store == NULL)
		return error_no_memory(error);
	code = open_parts(store, options->base, error);
	if (code != 0) {
		store_free(store);
		return code;
	}
	*ret_store = store;
	return 0;
}

/* A loop that waits answers nobody, and hands over to nobody while the thread renews the lease. So it forsakes what has
 * no answer after one: that ends whatever the thread waits for. */
static void drain(struct store *store)
{
	const int64_t patience = store->shared != NULL ? store->shared->lease * 1000 : INT64_MAX / 2;

	while (store->outstanding > 0) {
		committer_hand_over(store);
		if (STAILQ_EMPTY(&store->answers) && !committer_await(store, timers_clock() + patience))
			store_forsake(store);
		committer_answer(store);
	}
}

void store_flush(struct store *store)
{
	read_end(store);
	drain(store);
}

static void on_outcome(void *arg, int code, const struct error *error, uint64_t revision)
{
	(void)revision;
	if (code != 0)
		*(struct error *)arg = *error;
}

int batch_commit_now(struct batch *batch, struct error *error)
{
	struct store *store = batch->store;
	struct error outcome = {0};

	batch_commit(batch, on_outcome, &outcome);
	store_flush(store);
	return outcome.code == 0 ? 0 : error_set(error, outcome.code, "%s", outcome.text);
}

void store_close(struct store *store)
{
	if (store == NULL)
		return;
	drain(store);
	store_free(store);
}
