/* What the files of this folder share: a store's insides and how they are divided between loop and helper thread.
 * The loop owns everything but struct committer's guarded part, which belongs to whoever holds the mutex, and a batch
 * from the moment it stands in that part's `todo` until it is taken from `done`. */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include <lmdb.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/error.h"
#include "base/text.h"
#include "store/store.h"

#define SPARE_BATCHES 64 /* set aside for when memory is out */

enum item_kind { ITEM_PUT, ITEM_DELETE, ITEM_CHECK, ITEM_ADD };

/* One item of a batch; key and value point into the batch's bytes. */
struct item {
	enum item_kind kind;
	enum keyspace keyspace;
	uint64_t base;
	MDB_val key, value;
};

struct journal;

struct batch {
	STAILQ_ENTRY(batch) entry;
	struct store *store;
	struct text items; /* headers, keys and values, one behind the other; never changed once handed over */
	bool spare;        /* one of store->spares */
	bool reserve;      /* it may use the room that is kept for removals and results */
	bool refused;      /* it could not be built: error says why, and the thread writes nothing of it */
	batch_done *on_done;
	void *arg;
	struct error error;
	uint64_t revision;
};

STAILQ_HEAD(batch_list, batch);

/* What the thread has told the others of this broker, and read of them. */
struct membership {
	int64_t tell_at;        /* when to tell again what has not changed */
	int64_t changing_until; /* its role has changed a moment ago */
	uint64_t looks;         /* as of the list that the loop was given last */
	enum store_role role;
	char configuration[STORE_CONFIGURATION_MAX + 1];
};

/* The helper thread and what it exchanges with the loop. */
struct committer {
	pthread_t thread;
	bool running;                   /* only the loop uses it */
	int answer_fd;                  /* an eventfd: the thread calls the loop */
	int call_fd;                    /* another: the loop calls a thread that waits for a journal; -1: it does not */
	pthread_mutex_t mutex;          /* guards what is from here to `address` */
	pthread_cond_t called;          /* for the thread: as many as wanted, closing, or grow_to changed */
	pthread_cond_t answered;        /* for store_close: done or grow_to changed */
	struct batch_list todo;         /* handed over */
	size_t todo_count;              /* batches in it */
	size_t wanted;                  /* the thread waits for so many */
	struct batch_list done;         /* settled; the loop runs the completions */
	bool closing;                   /* the thread ends once todo is empty */
	size_t grow_to;                 /* the thread waits for a map of so many bytes; 0: it does not */
	int grow_code;                  /* what became of it, an LMDB code */
	bool broken;                    /* as of the last group */
	struct store_statistics sum;    /* as of the last group; without bytes */
	struct store_standing standing; /* as of the last look at the journal */
	bool step_down, stand_by;       /* the loop wants it; the thread takes it back */
	bool unreadable;                /* the loop could not read the view */
	struct store_members members;   /* as they were read last */
	char configuration[STORE_CONFIGURATION_MAX + 1]; /* to be told */
	char address[STORE_ADDRESS_MAX + 1];             /* to be said; "": nothing new, and the thread takes it back */
	/* from here on: only the thread uses them */
	void (*run)(struct store *store);
	/* Makes room in the map, outside a transaction. 0; MDB_MAP_FULL at the limit, in bytes; MDB_PANIC when the map
	 * is lost. */
	int (*grow)(struct store *store, size_t limit);
	bool failed;          /* a write failed so that nobody knows what is on the disk, or a view is damaged: nothing
	                       * more is written */
	struct error trouble; /* the journal's last */
	struct store_statistics running_sum;
	uint64_t usual_us;  /* the usual time of a commit: a mean in which the last one counts an eighth */
	size_t group_count; /* batches of the group that is being committed */
	size_t writers;     /* batches on their way when the last commit ended, its own included */
	struct membership membership;
	unsigned patience; /* how long it waits for as many, in 16ths of usual_us */
};

struct store {
	char *directory;
	size_t size_max;
	int lock_fd;
	MDB_env *env;
	MDB_dbi keyspaces[KEYSPACE_COUNT];
	MDB_txn *reader; /* one for all reads, reset between turns */
	bool reading;    /* reader stands on a snapshot */
	bool unmapped;   /* env has no map any more: growing it failed */
	MDB_env *view;   /* read in place of env once that is lost; NULL: it is not */
	struct event *turn_end;
	bool turn_end_waits; /* turn_end is active */
	struct event *answer;
	struct event *rest;       /* fires in the next turn when answers are left over */
	struct batch_list handed; /* in this turn; they go to the thread together */
	size_t handed_count;
	struct batch_list answers; /* settled; their completions run next */
	size_t outstanding;        /* batches handed over whose completion has not run */
	struct batch spares[SPARE_BATCHES];
	struct batch_list free_spares;
	bool broken;
	void (*on_broken)(void *arg, const struct error *error); /* NULL once it was told */
	void *arg;
	struct store_statistics statistics;
	const struct store_shared *shared; /* NULL: LMDB alone */
	struct journal *journal;           /* the thread's; the loop asks for its lease, and ends it */
	struct store_standing standing;    /* the loop's copy */
	void (*on_standing)(void *arg, const struct store_standing *standing);
	struct store_members members; /* the loop's copy */
	void (*on_members)(void *arg);
	struct committer committer;
};

/* value.c */
extern const char *const keyspace_names[KEYSPACE_COUNT];
#define REVISION_BYTES 8
/* Bytes for LMDB to read, which it does only, though its type is one to write to as well. */
MDB_val value_of(const void *bytes, size_t length);
void number_encode(uint64_t number, void *ret_bytes);
uint64_t number_decode(const void *bytes);
/* 0, or MDB_CORRUPTED when it is too short to be one. */
int value_decode(const MDB_val *stored, struct store_value *ret_value);
/* 0, MDB_NOTFOUND or another LMDB code. */
int value_find(const struct store *store, MDB_txn *txn, enum keyspace keyspace, MDB_val *key,
               struct store_value *ret_value);
int value_write(const struct store *store, MDB_txn *txn, enum keyspace keyspace, MDB_val *key, const MDB_val *value,
                uint64_t revision);
/* Whether the code, LMDB's or errno, is of a disk, a quota or a file that is full. */
bool disk_refuses(int code);
/* Whether the LMDB code, of a write to the store, is of a disk that is full. */
bool disk_is_full(const struct store *store, int code);

/* read.c */
/* Sees to it that, at the end of this turn of the loop, the snapshot is left and `handed` goes to the thread. */
void store_expect_turn_end(struct store *store);
/* Whether the records have come to the reserve; a look at the last page tells in most cases. */
bool read_is_low(struct store *store);
/* Leaves the snapshot: what was borrowed is void. */
void read_end(struct store *store);

/* view.c */
/* An environment beside the one that writes, for reading alone; flags are more of mdb_env_open's. An LMDB code. */
int view_environment(const char *directory, unsigned flags, MDB_env **ret_env);
/* Once env is given up: replaces reader, which then stands on a snapshot, and the keyspaces by those of an environment
 * that only reads. */
bool view_open(struct store *store);

/* batch.c */
/* Reads the item at *position and moves on; false at the end. */
bool batch_next(const struct batch *batch, size_t *position, struct item *ret_item);

/* commit.c, on the thread */
/* Writes the group durably, in as few transactions as can be, and sets each batch's error and revision. */
void commit_group(struct store *store, struct batch_list *group);

/* committer.c, on the thread */
/* The thread's work of a store that is alone. */
void committer_run(struct store *store);
/* Lets the loop see what the guarded part has. */
void committer_call_loop(struct committer *committer);
/* With the mutex held and batches in todo: waits until as many are there as there were writers when the last commit
 * ended, or until the patience ends: 8 sixteenths of a usual commit if at least half of the missing ones came last
 * time, and 3 otherwise. wait waits until the loop calls, without the mutex, at most until end, in us of timers_clock;
 * false then. */
typedef bool committer_wait(struct store *store, int64_t end);
void committer_gather(struct store *store, committer_wait *wait);
/* A group was committed: how long that takes. */
void committer_learn(struct committer *committer);
/* Gives a settled group back to the loop. */
void committer_give_back(struct store *store, struct batch_list *group);

/* shared.c */
/* Opens the journal of a store that is shared; the thread is not there yet. Nothing for one that is alone. */
int shared_open(struct store *store, struct error *error);
/* Once the thread is gone. */
void shared_close(struct store *store);
/* The thread's work of a store that is shared. */
void shared_run(struct store *store);

/* tell.c, on the thread of a store that is shared */
/* Tells the others of this broker, when it is time to, and takes what they have told. */
void members_turn(struct store *store, enum store_role role);
/* On the loop, with the committer's mutex held: copies what is new. Whether anything is. */
bool members_take(struct store *store);

/* format.c */
/* Marks the store with the format of this program. An LMDB code. */
int format_write(const struct store *store, MDB_txn *txn);
/* Empties a view, which is then made afresh when its journal is looked at. An LMDB code. */
int format_empty(const struct store *store, MDB_txn *txn);
/* An LMDB code. A store that has none yet, or an earlier one, gets this program's, before records are
 * written that an earlier program cannot read. *ret_newer is set when it is a newer one, which nobody here can read.
 */
int format_check(const struct store *store, MDB_txn *txn, uint64_t *ret_newer);

/* committer.c, on the loop */
void committer_init(struct committer *committer);
void committer_release(struct committer *committer);
/* The thread does run until that returns. */
int committer_start(struct store *store, void (*run)(struct store *store), struct error *error);
/* Everything must have been drained. */
void committer_stop(struct store *store);
/* Passes `handed` to the thread. */
void committer_hand_over(struct store *store);
/* The thread has something else to do than what it was handed; with the mutex held. */
void committer_call_thread(struct committer *committer);
/* Does what the thread asks for: grows the map, runs completions. */
void committer_answer(struct store *store);
/* Waits until the thread has something for the loop, or that moment of timers_clock has come: false. */
bool committer_await(struct store *store, int64_t end);

#endif
