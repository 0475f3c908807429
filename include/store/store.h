/* Durable records in keyspaces, with atomic batches. The only folder that knows LMDB.
 *
 * Reads are answered at once from the local view, on the loop. Writes are batches: built, then handed over whole; a
 * helper thread commits a group of them in one transaction with one sync, and each batch's completion runs on the loop
 * once its outcome is on the disk. Every record carries the revision of the commit that wrote it; a put or delete says
 * the revision it was based on, and a batch with one stale item changes nothing and completes with ERR_STALE.
 *
 * The records are in LMDB alone, or in a journal that several brokers share (struct store_shared). One of those is the
 * active one, and writes; on the others, and on one that the journal does not answer, batches complete with
 * ERR_UNAVAILABLE. Callers may not assume that they are the only writer. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define STORE_KEY_MAX   480                /* bytes */
#define STORE_VALUE_MAX (256 * 1024)       /* bytes */
#define STORE_BATCH_MAX (64 * 1024 * 1024) /* bytes of one batch */

struct event_base;
struct store;
struct batch;

enum keyspace {
	KEYSPACE_NAMES,      /* service NUL name -> incarnation */
	KEYSPACE_INSTANCES,  /* incarnation -> instance */
	KEYSPACE_BINDS,      /* incarnation NUL kind NUL name -> bind */
	KEYSPACE_OPERATIONS, /* incarnation NUL id -> operation, finished ones too */
	KEYSPACE_PENDING,    /* id -> incarnation, of operations that have not finished */
	KEYSPACE_TOMBSTONES, /* service NUL name -> tombstone */
	KEYSPACE_UNBOUND,    /* incarnation NUL kind NUL name -> the bind that an unbind ended */
	KEYSPACE_RETAINED,   /* when its retention ends, incarnation -> nothing */
	KEYSPACE_AUDIT,      /* time and sequence -> what was done, by whom */
	KEYSPACE_COUNTERS,   /* text -> 8 bytes, only by batch_add */
	KEYSPACE_META,       /* what the store itself needs, and small settings */
	KEYSPACE_COUNT
};

#define REVISION_ABSENT ((uint64_t)0)  /* the key must not exist */
#define REVISION_ANY    (~(uint64_t)0) /* whatever is there */

/* The format of the records that this program writes, and the newest that it reads. It is raised with each field,
 * state, kind and keyspace that an earlier program would lose or not understand: that one then leaves the records
 * alone. */
#define STORE_FORMAT ((uint64_t)3) /* it knows by which forwarded requests things came about */

/* ---- several brokers on one journal ---- */

#define STORE_NAME_MAX    63  /* bytes */
#define STORE_ADDRESS_MAX 775 /* bytes of a text that is handed on to the others as it is */

/* Where the records are when brokers share them: in the schema "tsuru_broker" of a PostgreSQL database. */
struct store_shared {
	const char *url;      /* of the database; several hosts are tried in turn for the one that takes writes */
	const char *password; /* NULL: the url has it, or none is needed */
	const char *name;     /* this broker's, among those that share */
	const char *version;  /* of this program */
	const char *address;  /* where the others reach it; "": nowhere */
	int64_t lease;        /* ms without a sign of life after which another may become the active one */
	bool notify;          /* tell the others of each commit at once; false: they look each second */
	uint64_t format;      /* 0: STORE_FORMAT; another one is a test's, which plays another program */
};

enum store_role {
	STORE_ALONE,   /* the records are in LMDB alone */
	STORE_STANDBY, /* another broker may be the active one, or the journal does not answer */
	STORE_ACTIVE,
	STORE_DEPOSED, /* it was the active one, and may not be any more. It stays so until store_stand_by */
};

/* "standby", "active" or "deposed"; "" for one that is alone. */
const char *store_role_name(enum store_role role);

struct store_standing {
	enum store_role role;
	/* ms of timers_clock: of one that is not the active one, when its view last had all there was; 0: not yet */
	int64_t seen_at;
	uint64_t epoch;                      /* 0: not known yet */
	uint64_t losses;                     /* how often the journal lacked what this broker had seen in it */
	char active[STORE_NAME_MAX + 1];     /* the active one's name; "": none, or not known */
	char address[STORE_ADDRESS_MAX + 1]; /* and where it is reached, as it has said */
	struct error trouble;                /* why the journal cannot be asked; code 0: it can */
	/* A newer program has written the records: this broker never becomes the active one, and what it shows of them
	 * is as old as that. It says so in a sentence; code 0: none has. */
	struct error outdated;
};

#define STORE_NEVER INT64_MAX

#define STORE_MEMBERS_MAX       64 /* of more, those that have told last are listed */
#define STORE_VERSION_MAX       31 /* bytes */
#define STORE_CONFIGURATION_MAX 32 /* bytes */

/* A broker that shares the store, as it tells of itself in it. Times are milliseconds before the list was read, by the
 * store's clock. */
struct store_member {
	char name[STORE_NAME_MAX + 1];
	char version[STORE_VERSION_MAX + 1];             /* the program's */
	char configuration[STORE_CONFIGURATION_MAX + 1]; /* a hash of it; "": not told yet */
	enum store_role role;
	bool is_self;
	bool is_gone;      /* it has told nothing for 15 s */
	bool is_double;    /* another one that lives has its name */
	bool differs;      /* its configuration is not the active one's, and both are of the same version */
	uint64_t revision; /* of its view when it told */
	uint64_t behind;   /* how many the store had then that its view had not */
	int64_t since;     /* it has its role */
	int64_t began;     /* its first telling */
	int64_t told;      /* its last */
};

enum store_warning {
	STORE_WARNING_NAME,          /* another broker has this one's name */
	STORE_WARNING_CONFIGURATION, /* this one's configuration, or at the active one another's, differs */
	STORE_WARNING_ASYNCHRONOUS,  /* the active one's: the store has standbys, and no commit waits for any */
	STORE_WARNING_UNKNOWN,       /* nothing can be told or read */
	STORE_WARNING_COUNT
};

struct store_members {
	uint64_t looks; /* moves with each reading; 0: there was none */
	int64_t seen;   /* milliseconds of timers_clock at the last */
	size_t count;
	struct store_member items[STORE_MEMBERS_MAX]; /* by name */
	uint64_t checks;                              /* how often the store was asked for what follows */
	uint64_t standbys;                            /* of the store itself, that get what is committed */
	bool is_synchronous;                          /* commits wait for one or more of them */
	bool warns[STORE_WARNING_COUNT];
	struct error trouble; /* why nothing can be told or read; code 0: it can */
};

/* ---- opening ---- */

struct store_options {
	const char *directory;   /* made (0700) when it does not exist */
	int64_t size_max;        /* bytes the file may grow to; the map grows by itself up to it */
	struct event_base *base; /* completions run on it; borrowed for the store's life */
	/* Called once, from the loop, when the store breaks (store_broken); error is borrowed. NULL: nobody is told. */
	void (*on_broken)(void *arg, const struct error *error);
	const struct store_shared *shared; /* NULL: LMDB alone; borrowed for the store's life */
	/* Called from the loop when the role, the active broker or the trouble has changed; only with `shared`. */
	void (*on_standing)(void *arg, const struct store_standing *standing);
	/* Likewise when what the brokers have told of themselves was read anew (store/members.h). */
	void (*on_members)(void *arg);
	void *arg;
};

/* How many commits took at most 1, 2, 4, ... ms, and carried at most 1, 2, 4, ... batches; the last: more. */
#define STORE_BUCKETS 12

struct store_statistics {
	uint64_t commits;      /* transactions that were synced */
	uint64_t batches;      /* that took part in them */
	uint64_t sync_us_last; /* the last commit, begin to end */
	uint64_t sync_us_max;
	uint64_t sync_us_sum;
	uint64_t sync_counts[STORE_BUCKETS], batch_counts[STORE_BUCKETS];
	uint64_t bytes; /* in use by records */
};

/* ERR_BUSY when another process has the directory open (the text says so), ERR_NO_SPACE, ERR_CORRUPT, ERR_INTERNAL.
 * A store written by a newer program is refused. */
int store_open(const struct store_options *options, struct store **ret_store, struct error *error);
/* Commits what was handed over, runs the completions, commits what they hand over in turn, closes. Never from a
 * completion. Accepts NULL. */
void store_close(struct store *store);

/* What tells the store's file from a copy of it on the same or another machine, however alike: its inode and its birth.
 * Of a shared store, its journal's history. ret_text holds STORE_IDENTITY_MAX + 1. "" where the file system tells
 * nothing. */
#define STORE_IDENTITY_MAX 63
void store_identity(struct store *store, char *ret_text);

/* ---- reading; what is returned is borrowed until the next call that is not a read, or the return to the loop ---- */

struct store_value {
	const void *bytes;
	size_t length;
	uint64_t revision;
};

/* 0; ERR_NOT_FOUND (without a text: absence is often no error); ERR_INTERNAL. */
int store_get(struct store *store, enum keyspace keyspace, const void *key, size_t key_length,
              struct store_value *ret_value);

/* Called for each record of a scan, in order of keys; return false to stop. It may read, it may not commit. */
typedef bool store_visit(void *arg, const void *key, size_t key_length, const struct store_value *value);
/* Visits every key that begins with prefix and is greater than after (NULL: from the first). */
int store_scan(struct store *store, enum keyspace keyspace, const void *prefix, size_t prefix_length, const void *after,
               size_t after_length, store_visit *visit, void *arg);
/* Visits every key that is less than before (NULL: from the last), the greatest first. */
int store_scan_back(struct store *store, enum keyspace keyspace, const void *before, size_t before_length,
                    store_visit *visit, void *arg);
/* The counter's committed value; 0 when it does not exist. */
int64_t store_counter(struct store *store, const char *name);

/* ---- writing ---- */

/* Never NULL: when memory is out it is one of 64 that were set aside, to which the calls below add nothing and whose
 * completion says ERR_NO_MEMORY. (With all of those in use, too, the program ends: the disk has what was promised.) */
struct batch *batch_new(struct store *store);
/* Drops a batch that was not committed. Accepts NULL. */
void batch_free(struct batch *batch);

/* Keys and values are copied. A failure (memory, a key or value over its limit) sticks and is reported by batch_commit.
 */
void batch_put(struct batch *batch, enum keyspace keyspace, const void *key, size_t key_length, const void *value,
               size_t length, uint64_t base);
/* Deleting what does not exist is fine under REVISION_ANY, stale under a revision. */
void batch_delete(struct batch *batch, enum keyspace keyspace, const void *key, size_t key_length, uint64_t base);
/* Demands that the key is at base, and writes nothing. */
void batch_check(struct batch *batch, enum keyspace keyspace, const void *key, size_t key_length, uint64_t base);
/* Adds to a counter; never stale. A counter that reaches 0 is deleted. */
void batch_add(struct batch *batch, const char *counter, int64_t delta);

/* The last part of size_max (STORE_RESERVE_SHARE of it) is kept for batches that say this: removals, which make room,
 * and results of work that was promised. Any other batch completes with ERR_NO_SPACE once the records have come so far.
 */
void batch_use_reserve(struct batch *batch);

#define STORE_RESERVE_SHARE 8 /* an eighth */

/* Called once, from the loop, never from inside batch_commit: code 0 and the revision all its puts now have, or
 * ERR_STALE, ERR_NO_SPACE, ERR_NO_MEMORY, ERR_TOO_LARGE, ERR_INTERNAL with error filled (borrowed). It may read, and
 * build and hand over further batches. Completions run in the order of the hand-over. */
typedef void batch_done(void *arg, int code, const struct error *error, uint64_t revision);
/* Hands the batch over; it is the store's from here, whatever happens. Batches commit in the order they are handed
 * over. */
void batch_commit(struct batch *batch, batch_done *on_done, void *arg);
/* The same, and waits for the outcome, with all that was handed over before: for the program's start and for what an
 * operator changes as a whole. Of a shared store, what has no outcome after a lease is forsaken (ERR_UNAVAILABLE, as
 * store_forsake has it). */
int batch_commit_now(struct batch *batch, struct error *error);

/* Blocks until everything handed over is committed, or forsaken, and its completions have run, those included that
 * completions hand over. Called from the loop's thread, outside completions; for the end of a caller's life. */
void store_flush(struct store *store);

/* Whether a write or sync failed in a way that leaves the disk's state unknown: nothing more is acknowledged then
 * (every commit completes with ERR_INTERNAL) until the program is started again. */
bool store_broken(const struct store *store);
/* How this broker stands among those that share the store; borrowed until the return to the loop. */
const struct store_standing *store_standing(const struct store *store);
/* How long ago the view had all there was, in ms; 0 at the active one, and of a store that is not shared; STORE_NEVER:
 * it never had. */
int64_t store_age(const struct store *store);
/* Until when, in microseconds of timers_clock, no other broker can have become the active one: INT64_MAX for a store
 * that is not shared, 0 or less when this one is not the active one. It moves with each commit and renewal. */
int64_t store_leased_until(struct store *store);
/* Hands over: the active one becomes STORE_DEPOSED, at once or after the commit that is under way. The others know by
 * store_stand_by, or when the store is closed. For a lease it then takes over from nobody. Nothing when it is not the
 * active one, or the store is not shared. */
void store_step_down(struct store *store);
/* The same, when the lease is over: a commit that is under way ends with ERR_UNAVAILABLE, and nobody knows its outcome.
 */
void store_forsake(struct store *store);
/* What was deposed lets the others know that they may take over, follows the active one again, and may become that.
 * Whoever calls has ended all that it did as the active one. */
void store_stand_by(struct store *store);
/* Those that share it, as of the last reading (store/members.h); empty of a store that is not shared. Borrowed until
 * the return to the loop. */
const struct store_members *store_members(const struct store *store);
/* Tells the others a hash of this broker's configuration; it is copied. */
void store_describe(struct store *store, const char *configuration);
/* Another address in place of store_shared's from here on: STORE_ADDRESS_MAX bytes at the most, copied. Where this
 * broker is the active one, the others learn of it soon. */
void store_say_address(struct store *store, const char *address);
void store_statistics(struct store *store, struct store_statistics *ret_statistics);

#endif
