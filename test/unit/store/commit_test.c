/* Commits: groups, order, growth of the map, the limits of map and disk, failed syncs, sudden death.
 * fdatasync, fsync, pwrite and clock_gettime are this file's own, so that a commit can be held open, failed and made
 * long. */
#include "harness.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "store/store_internal.h"

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)

enum sync_mode { SYNC_REAL, SYNC_HOLD, SYNC_FAIL, SYNC_FAIL_META, SYNC_FAIL_DIRECTORY };

static atomic_int sync_mode;
static sem_t sync_entered, sync_proceed;

int fdatasync(int fd)
{
	switch (atomic_load(&sync_mode)) {
	case SYNC_HOLD:
		sem_post(&sync_entered);
		sem_wait(&sync_proceed);
		break;
	case SYNC_FAIL:
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

/* Only directories are synced by it. */
int fsync(int fd)
{
	if (atomic_load(&sync_mode) == SYNC_FAIL_DIRECTORY) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

/* LMDB keeps its two meta pages in front; the last write of a commit goes there. */
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
	if (atomic_load(&sync_mode) == SYNC_FAIL_META && offset < 2 * 4096) {
		errno = ENOSPC;
		return -1;
	}
	return syscall(SYS_pwrite64, fd, bytes, length, offset);
}

static atomic_int clock_ahead; /* seconds */

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
	const int code = (int)syscall(SYS_clock_gettime, clock, ret_time);

	ret_time->tv_sec += atomic_load(&clock_ahead);
	return code;
}

static int sync_setup(void **state)
{
	atomic_store(&clock_ahead, 0);
	atomic_store(&sync_mode, SYNC_REAL);
	sem_init(&sync_entered, 0, 0);
	sem_init(&sync_proceed, 0, 0);
	return fixture_setup(state);
}

static void run_turn(struct fixture *fixture)
{
	event_base_loop(fixture->base, EVLOOP_NONBLOCK);
}

static void hand_over(struct fixture *fixture, const char *key, const char *value, struct outcome *outcome)
{
	struct batch *batch = batch_new(fixture->store);

	batch_use_reserve(batch);
	put_text(batch, key, value, REVISION_ANY);
	batch_commit(batch, on_outcome, outcome);
}

/* Hands one batch over and returns once the thread is inside its commit. One that is over before is held by nobody. */
static void hold_commit(struct fixture *fixture, const char *key, struct outcome *outcome)
{
	atomic_store(&sync_mode, SYNC_HOLD);
	hand_over(fixture, key, "held", outcome);
	while (sem_trywait(&sync_entered) != 0) {
		run_turn(fixture);
		assert_int_equal(outcome->calls, 0);
		poll(NULL, 0, 1);
	}
	atomic_store(&sync_mode, SYNC_REAL);
}

static struct store_statistics statistics_of(struct fixture *fixture)
{
	struct store_statistics statistics;

	store_statistics(fixture->store, &statistics);
	return statistics;
}

/* ---- groups ---- */

#define MANY 50

struct order {
	size_t next;
	int codes[MANY];
};

struct place {
	struct order *order;
	size_t place;
};

static void on_place(void *arg, int code, const struct error *error, uint64_t revision)
{
	struct place *place = arg;

	(void)error;
	(void)revision;
	assert_int_equal(place->order->next, place->place);
	place->order->codes[place->order->next++] = code;
}

static void test_one_turn_shares_a_commit(void **state)
{
	struct fixture *fixture = opened(state);
	struct order order = {0};
	struct place places[MANY];
	char key[16];

	for (size_t i = 0; i < MANY; i++) {
		struct batch *batch = batch_new(fixture->store);

		places[i] = (struct place){&order, i};
		snprintf(key, sizeof(key), "key%zu", i);
		put_text(batch, key, key, i == 7 ? 999 : REVISION_ABSENT); /* the eighth is stale */
		if (i == 9)
			put_text(batch, "", "", REVISION_ANY); /* the tenth cannot be */
		batch_commit(batch, on_place, &places[i]);
	}
	while (order.next < MANY)
		event_base_loop(fixture->base, EVLOOP_ONCE);

	for (size_t i = 0; i < MANY; i++) {
		snprintf(key, sizeof(key), "key%zu", i);
		if (i == 7 || i == 9) {
			assert_int_equal(order.codes[i], i == 7 ? ERR_STALE : ERR_TOO_LARGE);
			assert_absent(fixture, key);
		} else {
			assert_int_equal(order.codes[i], 0);
			assert_text(fixture, key, key);
		}
	}
	assert_int_equal(statistics_of(fixture).commits, 1);
	assert_int_equal(statistics_of(fixture).batches, MANY - 2);
}

static void test_arrivals_share_the_next_commit(void **state)
{
	struct fixture *fixture = opened(state);
	struct outcome held = {0}, later[3] = {0};

	hold_commit(fixture, "held", &held);
	for (size_t i = 0; i < 3; i++) {
		hand_over(fixture, "later", i == 2 ? "last" : "earlier", &later[i]);
		run_turn(fixture);
	}
	assert_int_equal(held.calls, 0);
	assert_absent(fixture, "held"); /* what is not durable is not seen */
	sem_post(&sync_proceed);
	await(fixture, &later[2]);

	assert_int_equal(held.code, 0);
	assert_true(held.revision < later[0].revision && later[0].revision < later[1].revision);
	assert_true(later[1].revision < later[2].revision);
	assert_text(fixture, "later", "last");
	assert_int_equal(statistics_of(fixture).commits, 2);
	assert_int_equal(statistics_of(fixture).batches, 4);
	assert_true(statistics_of(fixture).sync_us_max >= statistics_of(fixture).sync_us_last);
	assert_true(statistics_of(fixture).bytes > 0);
}

/* Of two that write again and again, the second does not go ahead alone while the first is on its way back. */
static void test_commit_waits_for_who_was_served(void **state)
{
	struct fixture *fixture = opened(state);
	struct outcome first = {0}, second = {0}, again = {0};

	hold_commit(fixture, "first", &first);
	hand_over(fixture, "second", "x", &second);
	run_turn(fixture);
	atomic_store(&clock_ahead, 10000); /* a commit takes so long that the thread has all the time */
	sem_post(&sync_proceed);
	await(fixture, &first);
	hand_over(fixture, "first", "again", &again);
	await(fixture, &again);
	assert_int_equal(second.calls, 1);
	assert_int_equal(statistics_of(fixture).commits, 2);
	assert_int_equal(statistics_of(fixture).batches, 3);
}

static void test_completions_leave_turns_to_others(void **state)
{
	struct fixture *fixture = opened(state);
	struct outcome outcomes[MANY] = {0};

	for (size_t i = 0; i < MANY; i++)
		hand_over(fixture, "key", "value", &outcomes[i]);
	await(fixture, &outcomes[0]);
	assert_int_equal(outcomes[MANY - 1].calls, 0);
	await(fixture, &outcomes[MANY - 1]);
	assert_int_equal(statistics_of(fixture).commits, 1);
}

static void test_group_checks_in_order(void **state)
{
	struct fixture *fixture = opened(state);
	struct outcome outcomes[3] = {0};

	for (size_t i = 0; i < 3; i++) {
		struct batch *batch = batch_new(fixture->store);

		put_text(batch, "name", i == 0 ? "first" : "second", REVISION_ABSENT);
		batch_commit(batch, on_outcome, &outcomes[i]);
	}
	await(fixture, &outcomes[2]);
	assert_int_equal(outcomes[0].code, 0);
	assert_int_equal(outcomes[1].code, ERR_STALE);
	assert_int_equal(outcomes[2].code, ERR_STALE);
	assert_text(fixture, "name", "first");
}

static void test_stale_alone_costs_no_commit(void **state)
{
	struct fixture *fixture = opened(state);
	struct batch *batch = batch_new(fixture->store);

	put_text(batch, "key", "x", 77);
	assert_int_equal(commit(fixture, batch).code, ERR_STALE);
	assert_int_equal(statistics_of(fixture).commits, 0);
}

struct chain {
	struct fixture *fixture;
	int links;
};

static void on_link(void *arg, int code, const struct error *error, uint64_t revision)
{
	struct chain *chain = arg;
	struct store_value value;
	struct batch *batch;

	(void)error;
	assert_int_equal(code, 0);
	assert_int_equal(get_text(chain->fixture, "link", &value), 0);
	assert_int_equal(value.revision, revision);
	if (--chain->links == 0)
		return;
	batch = batch_new(chain->fixture->store);
	put_text(batch, "link", "next", revision);
	batch_commit(batch, on_link, chain);
}

static void begin_chain(struct chain *chain)
{
	struct batch *batch = batch_new(chain->fixture->store);

	put_text(batch, "link", "first", REVISION_ABSENT);
	batch_commit(batch, on_link, chain);
}

static void test_completions_read_and_commit(void **state)
{
	struct chain chain = {opened(state), 5};

	begin_chain(&chain);
	while (chain.links > 0)
		event_base_loop(chain.fixture->base, EVLOOP_ONCE);
	assert_text(chain.fixture, "link", "next");
}

static void test_close_finishes_all(void **state)
{
	struct chain chain = {opened(state), 5};

	begin_chain(&chain);
	fixture_close(chain.fixture);
	assert_int_equal(chain.links, 0);
	fixture_open(chain.fixture, ROOMY);
	assert_text(chain.fixture, "link", "next");
}

/* ---- the map and its limit ---- */

/* A batch of count records of 256 KiB, numbered from first. */
static struct batch *bulk(struct fixture *fixture, uint32_t first, uint32_t count)
{
	struct batch *batch = batch_new(fixture->store);
	char *bytes = malloc(STORE_VALUE_MAX);

	assert_non_null(bytes);
	batch_use_reserve(batch); /* up to the very limit */
	for (uint32_t i = first; i < first + count; i++) {
		memset(bytes, (int)(i & 0xff), STORE_VALUE_MAX);
		batch_put(batch, KEYSPACE_OPERATIONS, &i, sizeof(i), bytes, STORE_VALUE_MAX, REVISION_ABSENT);
	}
	free(bytes);
	return batch;
}

static bool has_bulk(struct fixture *fixture, uint32_t number)
{
	struct store_value value;
	const char *bytes;

	if (store_get(fixture->store, KEYSPACE_OPERATIONS, &number, sizeof(number), &value) != 0)
		return false;
	bytes = value.bytes;
	assert_int_equal(value.length, STORE_VALUE_MAX);
	assert_int_equal((unsigned char)bytes[0], number & 0xff);
	assert_memory_equal(bytes, bytes + 1, STORE_VALUE_MAX - 1);
	return true;
}

static void test_growth_leaves_borrowed_bytes_alone(void **state)
{
	struct fixture *fixture = opened(state);
	struct pollfd asked = {.fd = fixture->store->committer.answer_fd, .events = POLLIN};
	struct outcome outcome = {0};
	struct store_value value;

	assert_int_equal(commit(fixture, bulk(fixture, 0, 200)).code, 0);
	store_text(fixture, "key", "borrowed");
	batch_commit(bulk(fixture, 200, 200), on_outcome, &outcome);
	run_turn(fixture);

	/* The thread has run out of map and asks; the loop has something borrowed and does not answer yet. */
	assert_int_equal(get_text(fixture, "key", &value), 0);
	assert_int_equal(poll(&asked, 1, -1), 1);
	assert_memory_equal(value.bytes, "borrowed", value.length);
	assert_int_equal(outcome.calls, 0);

	await(fixture, &outcome);
	assert_int_equal(outcome.code, 0);
	assert_text(fixture, "key", "borrowed");
	for (uint32_t i = 0; i < 400; i++)
		assert_true(has_bulk(fixture, i));

	/* Opened again, the map is as large as the file at once. */
	fixture_close(fixture);
	fixture_open(fixture, ROOMY);
	assert_true(has_bulk(fixture, 399));
	store_text(fixture, "key", "more");
}

static void test_close_grows_the_map(void **state)
{
	struct fixture *fixture = opened(state);
	struct outcome outcomes[2] = {0};

	batch_commit(bulk(fixture, 0, 200), on_outcome, &outcomes[0]);
	batch_commit(bulk(fixture, 200, 200), on_outcome, &outcomes[1]);
	fixture_close(fixture);
	assert_int_equal(outcomes[0].calls, 1);
	assert_int_equal(outcomes[0].code, 0);
	assert_int_equal(outcomes[1].calls, 1);
	assert_int_equal(outcomes[1].code, 0);
	fixture_open(fixture, ROOMY);
	assert_true(has_bulk(fixture, 399));
}

static struct outcome delete_bulk(struct fixture *fixture, uint32_t number)
{
	struct batch *batch = batch_new(fixture->store);

	batch_use_reserve(batch);
	batch_delete(batch, KEYSPACE_OPERATIONS, &number, sizeof(number), REVISION_ANY);
	return commit(fixture, batch);
}

/* A backup from outside that died: the pages of its snapshot must become free again. */
static void abandon_snapshot(const struct fixture *fixture)
{
	int status;
	const pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		MDB_env *env;
		MDB_txn *txn;

		if (mdb_env_create(&env) != 0 || mdb_env_open(env, fixture->directory, MDB_RDONLY, 0) != 0 ||
		    mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) != 0)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_dead_reader_costs_no_room(void **state)
{
	struct fixture *fixture = *state;

	fixture_open(fixture, 8 * MIB);
	for (uint32_t i = 0; i < 100; i++) {
		assert_int_equal(commit(fixture, bulk(fixture, 0, 1)).code, 0);
		assert_int_equal(delete_bulk(fixture, 0).code, 0);
		if (i == 5)
			abandon_snapshot(fixture);
	}
}

/* Commits bulk records one by one until there is no room; returns their number. */
static uint32_t fill(struct fixture *fixture, struct outcome *ret_last)
{
	uint32_t count = 0;

	for (;;) {
		*ret_last = commit(fixture, bulk(fixture, count, 1));
		if (ret_last->code != 0)
			return count;
		count++;
	}
}

/* A store that ran out of room keeps what it has, takes what still fits, and goes on once there is room. */
static void assert_full_store_goes_on(struct fixture *fixture, uint32_t count)
{
	struct outcome large = {0}, small = {0};

	for (uint32_t i = 0; i < count; i++)
		assert_true(has_bulk(fixture, i));
	assert_false(has_bulk(fixture, count));
	assert_false(store_broken(fixture->store));

	/* One that does not fit does not spoil the group. */
	batch_commit(bulk(fixture, count, 8), on_outcome, &large);
	hand_over(fixture, "small", "fits", &small);
	await(fixture, &small);
	assert_int_equal(large.calls, 1);
	assert_int_equal(large.code, ERR_NO_SPACE);
	assert_int_equal(small.code, 0);
	assert_text(fixture, "small", "fits");

	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(delete_bulk(fixture, i).code, 0);
	store_text(fixture, "small", "again"); /* pages are free for reuse one commit later */
	assert_int_equal(commit(fixture, bulk(fixture, 0, 1)).code, 0);

	fixture_close(fixture);
	fixture_open(fixture, ROOMY);
	assert_true(has_bulk(fixture, 0));
	assert_false(has_bulk(fixture, 1));
	for (uint32_t i = 4; i < count; i++)
		assert_true(has_bulk(fixture, i));
	assert_text(fixture, "small", "again");
}

static void test_size_max(void **state)
{
	struct fixture *fixture = *state;
	struct outcome last;
	uint32_t count;

	fixture_open(fixture, 8 * MIB);
	count = fill(fixture, &last);
	assert_in_range(count, 16, 31);
	assert_int_equal(last.code, ERR_NO_SPACE);
	assert_non_null(strstr(last.error.text, "8388608"));
	assert_non_null(strstr(last.error.text, fixture->directory));
	assert_full_store_goes_on(fixture, count);
}

/* With the last page taken, room can still be made. */
static void test_full_to_the_brim(void **state)
{
	struct fixture *fixture = *state;
	struct outcome outcome;
	uint32_t key = 0;

	fixture_open(fixture, 256 * KIB);
	do {
		struct batch *batch = batch_new(fixture->store);

		key++;
		batch_use_reserve(batch);
		batch_put(batch, KEYSPACE_BINDS, &key, sizeof(key), "0123456789", 10, REVISION_ABSENT);
		outcome = commit(fixture, batch);
	} while (outcome.code == 0);
	assert_int_equal(outcome.code, ERR_NO_SPACE);
	for (uint32_t i = 1; i < key; i++) {
		struct batch *batch = batch_new(fixture->store);

		batch_use_reserve(batch);
		batch_delete(batch, KEYSPACE_BINDS, &i, sizeof(i), REVISION_ANY);
		assert_int_equal(commit(fixture, batch).code, 0);
	}
	store_text(fixture, "key", "value");
}

/* What adds is refused before what removes, which can always make room. */
static void test_reserve(void **state)
{
	static char bytes[16 * KIB];
	struct fixture *fixture = *state;
	struct outcome outcome;
	uint32_t key = 0;

	fixture_open(fixture, 4 * MIB);
	do {
		struct batch *batch = batch_new(fixture->store);

		key++;
		batch_put(batch, KEYSPACE_BINDS, &key, sizeof(key), bytes, sizeof(bytes), REVISION_ABSENT);
		outcome = commit(fixture, batch);
	} while (outcome.code == 0);
	assert_int_equal(outcome.code, ERR_NO_SPACE);
	assert_in_range(key, 100, 4 * MIB / sizeof(bytes) * 7 / 8);
	for (uint32_t i = 1; i <= 20; i++) {
		struct batch *batch = batch_new(fixture->store);

		batch_use_reserve(batch);
		batch_put(batch, KEYSPACE_BINDS, &i, sizeof(i), bytes, sizeof(bytes), REVISION_ANY);
		assert_int_equal(commit(fixture, batch).code, 0);
		batch = batch_new(fixture->store);
		batch_use_reserve(batch);
		batch_delete(batch, KEYSPACE_BINDS, &i, sizeof(i), REVISION_ANY);
		assert_int_equal(commit(fixture, batch).code, 0);
	}
	store_text(fixture, "key", "value");
}

/* ---- the disk ---- */

static void limit_files(struct rlimit *ret_before)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, ret_before), 0);
	limit = *ret_before;
	limit.rlim_cur = 4 * MIB + 1000;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void lift_limit(const struct rlimit *before)
{
	assert_int_equal(setrlimit(RLIMIT_FSIZE, before), 0);
	signal(SIGXFSZ, SIG_DFL);
}

static void test_file_size_limit(void **state)
{
	struct fixture *fixture = opened(state);
	struct rlimit before;
	struct outcome last;
	uint32_t count;

	limit_files(&before);
	count = fill(fixture, &last);
	assert_in_range(count, 8, 15);
	assert_int_equal(last.code, ERR_NO_SPACE);
	assert_non_null(strstr(last.error.text, "full"));
	assert_full_store_goes_on(fixture, count);
	lift_limit(&before);
}

/* What the journal has taken is not told as refused where the view cannot take it: the next active one has it. */
static void test_view_without_room(void **state)
{
	struct fixture *fixture = opened(state);
	struct rlimit before;
	struct outcome last;
	uint32_t count;

	limit_files(&before);
	count = fill(fixture, &last);
	assert_int_equal(last.code, ERR_UNAVAILABLE);
	await_role(fixture, STORE_DEPOSED);
	assert_false(store_broken(fixture->store));
	lift_limit(&before);
	store_stand_by(fixture->store);
	await_role(fixture, STORE_ACTIVE);
	assert_true(has_bulk(fixture, count));
	assert_int_equal(commit(fixture, bulk(fixture, count + 1, 1)).code, 0);
}

/* A child's beginning: a loop of its own, and a failed assertion ends it instead of going on to the next test. */
static void become_child(struct fixture *fixture)
{
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	assert_int_equal(event_reinit(fixture->base), 0);
}

static bool write_file(const char *path, const char *content)
{
	FILE *file = fopen(path, "w");
	bool written;

	if (file == NULL)
		return false;
	written = fputs(content, file) >= 0;
	return fclose(file) == 0 && written;
}

/* A disk of 4 MiB over the directory, in a mount namespace of its own; false where that is not allowed. */
static bool mount_small_disk(const struct fixture *fixture)
{
	char users[64], groups[64];

	snprintf(users, sizeof(users), "0 %u 1", (unsigned)geteuid());
	snprintf(groups, sizeof(groups), "0 %u 1", (unsigned)getegid());
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && write_file("/proc/self/setgroups", "deny") &&
	       write_file("/proc/self/uid_map", users) && write_file("/proc/self/gid_map", groups) &&
	       mount("none", fixture->directory, "tmpfs", 0, "size=4m") == 0;
}

static int fill_small_disk(struct fixture *fixture)
{
	struct outcome last;
	uint32_t count;

	if (!mount_small_disk(fixture))
		return 77;
	fixture_open(fixture, ROOMY);
	count = fill(fixture, &last);
	assert_in_range(count, 8, 15);
	assert_int_equal(last.code, ERR_NO_SPACE);
	assert_non_null(strstr(last.error.text, fixture->directory));
	assert_full_store_goes_on(fixture, count);
	fixture_close(fixture);
	return 0;
}

static void test_full_disk(void **state)
{
	struct fixture *fixture = *state;
	int status;
	const pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		become_child(fixture);
		_exit(fill_small_disk(fixture));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_failed_sync_ends_all(void **state)
{
	struct fixture *fixture = opened(state);
	struct outcome outcomes[2] = {0}, later = {0};

	store_text(fixture, "before", "kept");
	atomic_store(&sync_mode, SYNC_FAIL);
	hand_over(fixture, "lost", "1", &outcomes[0]);
	hand_over(fixture, "lost", "2", &outcomes[1]);
	await(fixture, &outcomes[1]);
	atomic_store(&sync_mode, SYNC_REAL);
	assert_int_equal(outcomes[0].code, ERR_INTERNAL);
	assert_int_equal(outcomes[1].code, ERR_INTERNAL);
	assert_non_null(strstr(outcomes[1].error.text, fixture->directory));
	assert_true(store_broken(fixture->store));

	/* The disk works again, but what it holds is not known. */
	hand_over(fixture, "later", "x", &later);
	await(fixture, &later);
	assert_int_equal(later.code, ERR_INTERNAL);
	assert_text(fixture, "before", "kept");
	assert_absent(fixture, "lost");

	fixture_close(fixture);
	fixture_open(fixture, ROOMY);
	assert_false(store_broken(fixture->store));
	assert_text(fixture, "before", "kept");
	store_text(fixture, "later", "y");
}

/* Nobody waits for it, but what is acknowledged does. */
static void test_failed_sync_of_the_directory_ends_all(void **state)
{
	struct fixture *fixture = *state;
	struct outcome outcome = {0};

	atomic_store(&sync_mode, SYNC_FAIL_DIRECTORY);
	fixture_open(fixture, ROOMY);
	assert_absent(fixture, "first");
	hand_over(fixture, "first", "x", &outcome);
	await(fixture, &outcome);
	atomic_store(&sync_mode, SYNC_REAL);
	assert_int_equal(outcome.code, ERR_INTERNAL);
	assert_true(store_broken(fixture->store));
}

/* A full disk is no harm while data is written; in the last write nobody knows what it left. */
static void test_failed_last_write_ends_all(void **state)
{
	struct fixture *fixture = opened(state);
	struct outcome outcome = {0}, later = {0};

	store_text(fixture, "before", "kept");
	atomic_store(&sync_mode, SYNC_FAIL_META);
	hand_over(fixture, "key", "x", &outcome);
	await(fixture, &outcome);
	atomic_store(&sync_mode, SYNC_REAL);
	assert_int_equal(outcome.code, ERR_INTERNAL);
	assert_true(store_broken(fixture->store));
	hand_over(fixture, "later", "x", &later);
	await(fixture, &later);
	assert_int_equal(later.code, ERR_INTERNAL);
	/* LMDB has given up, reads go on. */
	for (size_t turns = 0; turns < 3; turns++) {
		assert_text(fixture, "before", "kept");
		assert_absent(fixture, "key");
		run_turn(fixture);
	}

	fixture_close(fixture);
	fixture_open(fixture, ROOMY);
	assert_text(fixture, "before", "kept");
	store_text(fixture, "later", "y");
}

/* ---- sudden death ---- */

#define ROUNDS    8
#define IN_FLIGHT 16

struct writer {
	struct fixture *fixture;
	uint32_t next;
	int pipe;
};

struct acknowledgement {
	struct writer *writer;
	uint32_t number;
};

static void write_next(struct acknowledgement *acknowledgement);

static void on_durable(void *arg, int code, const struct error *error, uint64_t revision)
{
	struct acknowledgement *acknowledgement = arg;

	(void)error;
	(void)revision;
	if (code != 0 || write(acknowledgement->writer->pipe, &acknowledgement->number, sizeof(uint32_t)) < 0)
		_exit(1);
	write_next(acknowledgement);
}

/* Two records and a counter: after death all three are there, or none. */
static void write_next(struct acknowledgement *acknowledgement)
{
	struct writer *writer = acknowledgement->writer;
	struct batch *batch = batch_new(writer->fixture->store);

	acknowledgement->number = writer->next++;
	batch_put(batch, KEYSPACE_OPERATIONS, &acknowledgement->number, sizeof(uint32_t), "operation", 9,
	          REVISION_ABSENT);
	batch_put(batch, KEYSPACE_PENDING, &acknowledgement->number, sizeof(uint32_t), "pending", 7, REVISION_ABSENT);
	batch_add(batch, "operations", 1);
	batch_commit(batch, on_durable, acknowledgement);
}

/* The child's life: it ends by the parent's hand. */
static void write_for_ever(struct fixture *fixture, uint32_t first, int pipe)
{
	struct writer writer = {fixture, first, pipe};
	struct acknowledgement acknowledgements[IN_FLIGHT];

	fixture_open(fixture, ROOMY);
	for (size_t i = 0; i < IN_FLIGHT; i++) {
		acknowledgements[i].writer = &writer;
		write_next(&acknowledgements[i]);
	}
	event_base_dispatch(fixture->base);
	_exit(1);
}

static bool on_operation(void *arg, const void *key, size_t key_length, const struct store_value *value)
{
	struct chain *found = arg;
	struct store_value pending;

	(void)value;
	assert_int_equal(store_get(found->fixture->store, KEYSPACE_PENDING, key, key_length, &pending), 0);
	found->links++;
	return true;
}

/* Kills a writer after so many acknowledgements, and marks all that it gave until it died. */
static void kill_a_writer(struct fixture *fixture, uint32_t first, size_t after, bool *acknowledged, size_t size)
{
	int ends[2], status;
	uint32_t number;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		become_child(fixture);
		close(ends[0]);
		write_for_ever(fixture, first, ends[1]);
	}
	close(ends[1]);
	for (size_t count = 0; read(ends[0], &number, sizeof(number)) == (ssize_t)sizeof(number); count++) {
		assert_true(number < size);
		acknowledged[number] = true;
		if (count == after)
			kill(child, SIGKILL);
	}
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void test_kill_loses_nothing_acknowledged(void **state)
{
	static bool acknowledged[1000 * 1000];
	const size_t size = sizeof(acknowledged) / sizeof(acknowledged[0]);
	struct fixture *fixture = *state;
	uint32_t first = 0;

	fixture->shared.lease = 2000; /* each round waits for the end of one */
	for (uint32_t round = 0; round < ROUNDS; round++) {
		struct chain found = {fixture, 0};
		struct store_value value;

		kill_a_writer(fixture, first, 7 + 101 * round, acknowledged, size);
		fixture_open(fixture, ROOMY);
		for (uint32_t i = 0; i < size; i++)
			if (acknowledged[i])
				assert_int_equal(store_get(fixture->store, KEYSPACE_OPERATIONS, &i, sizeof(i), &value),
				                 0);
		assert_int_equal(
		    store_scan(fixture->store, KEYSPACE_OPERATIONS, NULL, 0, NULL, 0, on_operation, &found), 0);
		assert_int_equal(store_counter(fixture->store, "operations"), found.links);
		fixture_close(fixture);
		first = (round + 1) * (uint32_t)(size / ROUNDS);
	}
}

#define sync_case(name) cmocka_unit_test_setup_teardown(name, sync_setup, fixture_teardown)

/* What holds for a shared store as well: the others are about syncs, and about a file that cannot grow. A view grows
 * with what the journal has taken, over its limit if need be. */
static const struct CMUnitTest shared_tests[] = {
    sync_case(test_group_checks_in_order),
    sync_case(test_stale_alone_costs_no_commit),
    sync_case(test_completions_leave_turns_to_others),
    sync_case(test_completions_read_and_commit),
    sync_case(test_close_finishes_all),
    sync_case(test_growth_leaves_borrowed_bytes_alone),
    sync_case(test_close_grows_the_map),
    sync_case(test_size_max),
    sync_case(test_reserve),
    sync_case(test_dead_reader_costs_no_room),
    sync_case(test_view_without_room),
    sync_case(test_kill_loses_nothing_acknowledged),
};

int main(void)
{
	const struct CMUnitTest tests[] = {
	    sync_case(test_one_turn_shares_a_commit),
	    sync_case(test_arrivals_share_the_next_commit),
	    sync_case(test_commit_waits_for_who_was_served),
	    sync_case(test_completions_leave_turns_to_others),
	    sync_case(test_group_checks_in_order),
	    sync_case(test_stale_alone_costs_no_commit),
	    sync_case(test_completions_read_and_commit),
	    sync_case(test_close_finishes_all),
	    sync_case(test_growth_leaves_borrowed_bytes_alone),
	    sync_case(test_close_grows_the_map),
	    sync_case(test_size_max),
	    sync_case(test_full_to_the_brim),
	    sync_case(test_reserve),
	    sync_case(test_dead_reader_costs_no_room),
	    sync_case(test_file_size_limit),
	    sync_case(test_full_disk),
	    sync_case(test_failed_sync_ends_all),
	    sync_case(test_failed_sync_of_the_directory_ends_all),
	    sync_case(test_failed_last_write_ends_all),
	    sync_case(test_kill_loses_nothing_acknowledged),
	};

	if (getenv("STORE_URL") != NULL)
		return cmocka_run_group_tests(shared_tests, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
