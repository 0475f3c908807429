/* Who syncs: the store's thread, which commits one group of batches after the other, and its exchange with the loop.
 *
 * The problem. What is acknowledged has to be on the disk, and a durable commit costs one or two syncs of the disk:
 * less than a millisecond on a good one, ten on a bad one, whether it holds one record or a thousand. A loop that syncs
 * by itself answers nobody meanwhile, not even those who only read; a loop that syncs for each request commits no more
 * than the disk can sync.
 *
 * The idea. The loop never syncs. It builds batches (batch.c) and hands over, at the end of a turn, all that the turn
 * has made. The thread takes the whole list, writes it in one transaction, syncs once (commit.c), and hands the list
 * back by one write to an eventfd; the loop then runs the completions. A batch belongs to the loop, then to the thread,
 * then to the loop again: nothing else is shared but the members that the mutex guards (store_internal.h), and neither
 * side calls the other with the mutex held. The loop signals the thread only when as many batches are there as it waits
 * for. Only the loop may move the map that reads lead into, so a thread that needs a larger one asks for it and waits.
 *
 * Whom a commit waits for. Those whom the last one has served are likely to write again at once. If the next commit
 * began before they are back, they would share the one after it, and each would wait for two. So the thread gathers: it
 * waits until as many batches are there as there were writers when the last commit ended, for half a usual commit while
 * at least half of the missing ones came the last time, and three sixteenths otherwise. A single writer never waits.
 *
 * What was tried. A fixed pause of a fifth of a commit split 64 writers into groups that took turns; to wait for those
 * who were served gave 64 writers 9 % more on a disk with a sync of 10 ms. To signal the thread only when enough
 * batches are there gave a single client 14 %. All completions of a group in one turn kept those waiting who only read;
 * with 16 a turn, and the 16 requests that they bring, the p99 of a read beside 64 writers was 3.7 ms; with 4 it is
 * about 2 ms, and the median a third of a millisecond.
 *
 * The limits. A request of a single client goes to the thread and back, two wake-ups of a sleeping thread: one client
 * gets 0.6 to 0.98 of what a loop with a commit a request gives it, on a fast disk the least. All writers share one
 * order, so one large batch delays everybody's. When a commit's last write or a growth of the map fails, LMDB gives its
 * environment up: the store is broken from then on, says so once, and still reads (view.c). docs/performance.md has the
 * figures. */
#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/thread.h"
#include "base/timer.h"
#include "store_internal.h"

#define ANSWERS_A_TURN 4 /* completions; with 16 the p99 of reads beside 64 writers was nearly twice as long */

/* How long a group waits for its last writers, in 16ths of the usual time of a commit. */
#define PATIENCE_LEAST 3
#define PATIENCE_MOST  8

/* ---- on the thread ---- */

void committer_call_loop(struct committer *committer)
{
	const uint64_t one = 1;

	pthread_cond_signal(&committer->answered);
	/* It fails only when the counter is full, and then the loop is called already. */
	(void)!write(committer->answer_fd, &one, sizeof(one));
}

static int grow(struct store *store, size_t limit)
{
	struct committer *committer = &store->committer;
	MDB_envinfo map;
	int dead = 0, code;

	/* A backup that was killed leaves its snapshot behind, and LMDB reuses no page that a snapshot may show. The
	 * check drops those of dead processes: that may be room enough. */
	if (mdb_reader_check(store->env, &dead) == 0 && dead > 0)
		return 0;
	mdb_env_info(store->env, &map);
	if (map.me_mapsize >= limit)
		return MDB_MAP_FULL;

	/* Growing may move the map, and only the loop knows when no borrowed pointer leads into it. So the loop grows
	 * it, while this thread waits. */
	pthread_mutex_lock(&committer->mutex);
	committer->grow_to = map.me_mapsize > limit / 2 ? limit : map.me_mapsize * 2;
	committer_call_loop(committer);
	while (committer->grow_to != 0 && !committer->closing)
		pthread_cond_wait(&committer->called, &committer->mutex);
	code = committer->grow_to != 0 ? MDB_MAP_FULL : committer->grow_code;
	pthread_mutex_unlock(&committer->mutex);
	return code;
}

/* The mutex is held. False when the end came first. */
static bool wait_on(struct committer *committer, pthread_cond_t *condition, int64_t end)
{
	const int64_t left = end - timers_clock();
	struct timespec time;

	if (left <= 0)
		return false;
	/* Not by the clock of `end`, which conditions do not have. */
	clock_gettime(CLOCK_MONOTONIC, &time);
	time.tv_nsec += (long)(left % 1000000) * 1000;
	time.tv_sec += (time_t)(left / 1000000) + time.tv_nsec / 1000000000;
	time.tv_nsec %= 1000000000;
	return pthread_cond_timedwait(condition, &committer->mutex, &time) == 0;
}

static bool wait_for_call(struct store *store, int64_t end)
{
	return wait_on(&store->committer, &store->committer.called, end);
}

void committer_gather(struct store *store, committer_wait *wait)
{
	struct committer *committer = &store->committer;
	const int64_t end = timers_clock() + (int64_t)(committer->usual_us * committer->patience / 16);
	const size_t before = committer->todo_count;
	bool came;

	if (before >= committer->writers)
		return;
	committer->wanted = committer->writers;
	while (committer->todo_count < committer->wanted && !committer->closing && wait(store, end))
		;
	came = (committer->todo_count - before) * 2 >= committer->wanted - before;
	committer->patience = came ? PATIENCE_MOST : PATIENCE_LEAST;
}

/* Waits for batches and takes them all; false when there are none and the store closes. */
static bool take_group(struct store *store, struct batch_list *ret_group)
{
	struct committer *committer = &store->committer;
	bool any;

	STAILQ_INIT(ret_group);
	pthread_mutex_lock(&committer->mutex);
	committer->wanted = 1;
	while (committer->todo_count == 0 && !committer->closing)
		pthread_cond_wait(&committer->called, &committer->mutex);
	any = committer->todo_count > 0;
	if (any)
		committer_gather(store, wait_for_call);
	STAILQ_CONCAT(ret_group, &committer->todo);
	committer->group_count = committer->todo_count;
	committer->todo_count = 0;
	pthread_mutex_unlock(&committer->mutex);
	return any;
}

void committer_give_back(struct store *store, struct batch_list *group)
{
	struct committer *committer = &store->committer;

	pthread_mutex_lock(&committer->mutex);
	STAILQ_CONCAT(&committer->done, group);
	committer->writers = committer->group_count + committer->todo_count;
	committer->broken = committer->failed;
	committer->sum = committer->running_sum;
	pthread_mutex_unlock(&committer->mutex);
	committer_call_loop(committer);
}

void committer_learn(struct committer *committer)
{
	committer->usual_us = (committer->usual_us * 7 + committer->running_sum.sync_us_last) / 8;
}

void committer_run(struct store *store)
{
	struct batch_list group;

	while (take_group(store, &group)) {
		commit_group(store, &group);
		committer_learn(&store->committer);
		committer_give_back(store, &group);
	}
}

static void *run_thread(void *arg)
{
	struct store *store = arg;

	/* The names of the store's files must be durable before the first commit is acknowledged. This thread syncs the
	 * directory, so that the loop reads meanwhile. */
	store->committer.failed = file_sync_directory(store->directory, NULL) != 0;
	store->committer.run(store);
	return NULL;
}

/* ---- on the loop ---- */

void committer_call_thread(struct committer *committer)
{
	const uint64_t one = 1;

	pthread_cond_signal(&committer->called);
	if (committer->call_fd >= 0)
		(void)!write(committer->call_fd, &one, sizeof(one));
}

void committer_init(struct committer *committer)
{
	pthread_condattr_t monotonic;

	*committer = (struct committer){.answer_fd = -1, .call_fd = -1, .grow = grow, .patience = PATIENCE_LEAST};
	STAILQ_INIT(&committer->todo);
	STAILQ_INIT(&committer->done);
	pthread_mutex_init(&committer->mutex, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&committer->called, &monotonic);
	pthread_cond_init(&committer->answered, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

void committer_release(struct committer *committer)
{
	pthread_cond_destroy(&committer->answered);
	pthread_cond_destroy(&committer->called);
	pthread_mutex_destroy(&committer->mutex);
}

int committer_start(struct store *store, void (*run)(struct store *store), struct error *error)
{
	int code;

	store->committer.run = run;
	code = thread_start(&store->committer.thread, run_thread, store);
	if (code != 0)
		return error_set(error, ERR_INTERNAL, "the store's thread for \"%s\" could not be started: %s",
		                 store->directory, strerror(code));
	store->committer.running = true;
	return 0;
}

void committer_stop(struct store *store)
{
	struct committer *committer = &store->committer;

	if (!committer->running)
		return;
	pthread_mutex_lock(&committer->mutex);
	committer->closing = true;
	committer_call_thread(committer);
	pthread_mutex_unlock(&committer->mutex);
	pthread_join(committer->thread, NULL);
	committer->running = false;
}

void committer_hand_over(struct store *store)
{
	struct committer *committer = &store->committer;
	bool enough;

	if (STAILQ_EMPTY(&store->handed))
		return;
	pthread_mutex_lock(&committer->mutex);
	STAILQ_CONCAT(&committer->todo, &store->handed);
	committer->todo_count += store->handed_count;
	enough = committer->todo_count >= committer->wanted;
	pthread_mutex_unlock(&committer->mutex);
	store->handed_count = 0;
	if (enough)
		committer_call_thread(committer);
}

/* Grows the map for the thread. The mutex is held, and the loop reads from no snapshot. */
static void grow_map(struct store *store)
{
	struct committer *committer = &store->committer;

	store->unmapped = mdb_env_set_mapsize(store->env, committer->grow_to) != 0;
	committer->grow_code = store->unmapped ? MDB_PANIC : 0;
	committer->grow_to = 0;
	pthread_cond_signal(&committer->called);
}

static void tell_broken(struct store *store, const struct error *error)
{
	void (*const on_broken)(void *arg, const struct error *error) = store->on_broken;

	if (on_broken == NULL || !store->broken || error->code != ERR_INTERNAL)
		return;
	store->on_broken = NULL;
	on_broken(store->arg, error);
}

/* Runs a few completions and leaves the rest of a large group to the next turns of the loop, so that requests that only
 * read come in between. */
static void answer_some(struct store *store)
{
	const struct timeval at_once = {0};
	struct batch *batch;

	for (int i = 0; i < ANSWERS_A_TURN && (batch = STAILQ_FIRST(&store->answers)) != NULL; i++) {
		STAILQ_REMOVE_HEAD(&store->answers, entry);
		store->outstanding--;
		tell_broken(store, &batch->error);
		batch->on_done(batch->arg, batch->error.code, &batch->error, batch->revision);
		batch_free(batch);
	}
	/* An event that is made active now would still run in this turn; a timer of 0 ms runs in the next. */
	if (!STAILQ_EMPTY(&store->answers))
		event_add(store->rest, &at_once);
}

static bool standing_differs(const struct store_standing *a, const struct store_standing *b)
{
	return a->role != b->role || a->epoch != b->epoch || a->losses != b->losses ||
	       strcmp(a->active, b->active) != 0 || strcmp(a->address, b->address) != 0 ||
	       a->trouble.code != b->trouble.code || strcmp(a->trouble.text, b->trouble.text) != 0 ||
	       a->outdated.code != b->outdated.code;
}

void committer_answer(struct store *store)
{
	struct committer *committer = &store->committer;
	bool changed, others_changed;

	read_end(store);
	pthread_mutex_lock(&committer->mutex);
	STAILQ_CONCAT(&store->answers, &committer->done);
	store->broken = committer->broken;
	store->statistics = committer->sum;
	changed = standing_differs(&store->standing, &committer->standing);
	store->standing = committer->standing;
	others_changed = members_take(store);
	if (committer->grow_to != 0)
		grow_map(store);
	pthread_mutex_unlock(&committer->mutex);
	if (changed && store->on_standing != NULL)
		store->on_standing(store->arg, &store->standing);
	if (others_changed && store->on_members != NULL)
		store->on_members(store->arg);
	answer_some(store);
}

bool committer_await(struct store *store, int64_t end)
{
	struct committer *committer = &store->committer;
	bool in_time = true;

	pthread_mutex_lock(&committer->mutex);
	while (STAILQ_EMPTY(&committer->done) && committer->grow_to == 0 && in_time)
		in_time = wait_on(committer, &committer->answered, end);
	pthread_mutex_unlock(&committer->mutex);
	return in_time;
}
