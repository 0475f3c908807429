/* The helper thread, which does nothing but commit one group of batches after the other, and its exchange with the
 * loop: batches go over and come back in lists; one eventfd calls the loop. */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "store_internal.h"

#define ANSWERS_A_TURN 16

/* ---- on the thread ---- */

static void call_loop(struct committer *committer)
{
	const uint64_t one = 1;

	pthread_cond_signal(&committer->answered);
	/* It fails only when the counter is full, and then the loop is called already. */
	(void)!write(committer->answer_fd, &one, sizeof(one));
}

int committer_grow(struct store *store)
{
	struct committer *committer = &store->committer;
	MDB_envinfo map;
	int dead = 0, code;

	/* A backup that was killed leaves its snapshot behind, and with it pages that nobody may reuse. */
	if (mdb_reader_check(store->env, &dead) == 0 && dead > 0)
		return 0;
	mdb_env_info(store->env, &map);
	if (map.me_mapsize >= store->size_max)
		return MDB_MAP_FULL;

	/* The map may move: only the loop knows when nothing borrowed points into it. */
	pthread_mutex_lock(&committer->mutex);
	committer->grow_to = map.me_mapsize > store->size_max / 2 ? store->size_max : map.me_mapsize * 2;
	call_loop(committer);
	while (committer->grow_to != 0)
		pthread_cond_wait(&committer->called, &committer->mutex);
	code = committer->grow_code;
	pthread_mutex_unlock(&committer->mutex);
	return code;
}

/* While several write at once, others are about to: a short wait saves them a commit of their own. */
static void gather(const struct committer *committer)
{
	const uint64_t pause_us = committer->usual_us / 5;
	const struct timespec pause = {.tv_sec = (time_t)(pause_us / 1000000),
	                               .tv_nsec = (long)(pause_us % 1000000) * 1000};

	if (committer->last_group > 1)
		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
}

/* Waits for batches and takes them all; false when there are none and the store closes. */
static bool take_group(struct committer *committer, struct batch_list *ret_group)
{
	bool any;

	pthread_mutex_lock(&committer->mutex);
	while (STAILQ_EMPTY(&committer->todo) && !committer->closing)
		pthread_cond_wait(&committer->called, &committer->mutex);
	any = !STAILQ_EMPTY(&committer->todo);
	pthread_mutex_unlock(&committer->mutex);
	if (!any)
		return false;

	gather(committer);
	STAILQ_INIT(ret_group);
	pthread_mutex_lock(&committer->mutex);
	STAILQ_CONCAT(ret_group, &committer->todo);
	pthread_mutex_unlock(&committer->mutex);
	return true;
}

static void note_group(struct committer *committer, const struct batch_list *group)
{
	const struct batch *batch;

	committer->last_group = 0;
	STAILQ_FOREACH(batch, group, entry)
	committer->last_group++;
	committer->usual_us = (committer->usual_us * 7 + committer->running_sum.sync_us_last) / 8;
}

static void *run(void *arg)
{
	struct store *store = arg;
	struct committer *committer = &store->committer;
	struct batch_list group;

	/* Before the first commit, for what it acknowledges; but reads need not wait for it. */
	committer->failed = store_sync_directory(store->directory, NULL) != 0;
	while (take_group(committer, &group)) {
		commit_group(store, &group);
		note_group(committer, &group);
		pthread_mutex_lock(&committer->mutex);
		STAILQ_CONCAT(&committer->done, &group);
		committer->broken = committer->failed;
		committer->sum = committer->running_sum;
		call_loop(committer);
		pthread_mutex_unlock(&committer->mutex);
	}
	return NULL;
}

/* ---- on the loop ---- */

static int start_thread(struct store *store)
{
	sigset_t all, before;
	int code;

	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	code = pthread_create(&store->committer.thread, NULL, run, store);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return code;
}

int committer_start(struct store *store, struct error *error)
{
	const int code = start_thread(store);

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
	pthread_cond_signal(&committer->called);
	pthread_mutex_unlock(&committer->mutex);
	pthread_join(committer->thread, NULL);
	committer->running = false;
}

void committer_hand_over(struct store *store)
{
	struct committer *committer = &store->committer;

	if (STAILQ_EMPTY(&store->handed))
		return;
	pthread_mutex_lock(&committer->mutex);
	STAILQ_CONCAT(&committer->todo, &store->handed);
	pthread_cond_signal(&committer->called);
	pthread_mutex_unlock(&committer->mutex);
}

/* Called with the mutex held and no snapshot taken. */
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

/* What a large group's completions do would keep the loop from those who only read: the rest of them waits for the
 * loop's next turn. */
static void answer_some(struct store *store)
{
	const uint64_t one = 1;
	struct batch *batch;

	for (int i = 0; i < ANSWERS_A_TURN && (batch = STAILQ_FIRST(&store->answers)) != NULL; i++) {
		STAILQ_REMOVE_HEAD(&store->answers, entry);
		store->outstanding--;
		tell_broken(store, &batch->error);
		batch->on_done(batch->arg, batch->error.code, &batch->error, batch->revision);
		batch_free(batch);
	}
	if (!STAILQ_EMPTY(&store->answers))
		(void)!write(store->committer.answer_fd, &one, sizeof(one));
}

void committer_answer(struct store *store)
{
	struct committer *committer = &store->committer;

	read_end(store);
	pthread_mutex_lock(&committer->mutex);
	STAILQ_CONCAT(&store->answers, &committer->done);
	store->broken = committer->broken;
	store->statistics = committer->sum;
	if (committer->grow_to != 0)
		grow_map(store);
	pthread_mutex_unlock(&committer->mutex);
	answer_some(store);
}

static void wait_for_answer(struct committer *committer)
{
	pthread_mutex_lock(&committer->mutex);
	while (STAILQ_EMPTY(&committer->done) && committer->grow_to == 0)
		pthread_cond_wait(&committer->answered, &committer->mutex);
	pthread_mutex_unlock(&committer->mutex);
}

void committer_drain(struct store *store)
{
	while (store->outstanding > 0) {
		committer_hand_over(store);
		if (STAILQ_EMPTY(&store->answers))
			wait_for_answer(&store->committer);
		committer_answer(store);
	}
}
