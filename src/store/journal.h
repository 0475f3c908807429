/* A journal behind a store that several brokers share: where their records are, durable and in one order. The store's
 * own LMDB file is then a view of it. One broker, the active one, appends; the others follow.
 *
 * Only the store's thread calls a journal, which may block it, within the limits said here; while it waits it renews
 * the lease. Codes are LMDB's (of a visit) or those of base/error.h, with error filled. The design after which it is
 * made: etcd's and OpenBao's leases, with each write fenced by the epoch. */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include <lmdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "store/store.h"

#define POINT_ID_BYTES 16

/* A point in the journal. Two that are equal have the same records behind them: a group is appended only where its
 * appender's view is. */
struct point {
	unsigned char history[POINT_ID_BYTES]; /* of the journal, made once with it */
	unsigned char group[POINT_ID_BYTES];   /* the last group's, made anew for each */
	uint64_t revision;                     /* of the last group's last batch */
};

/* What one key of a group has become. */
struct key_change {
	enum keyspace keyspace;
	MDB_val key;
	struct store_value value; /* bytes NULL: it is deleted */
};

struct group {
	struct point before, after;
	const struct key_change *changes; /* one for each key, in no order */
	size_t count;
};

struct journal_head {
	struct point point;
	uint64_t format; /* the newest of those who have become the active one */
	uint64_t epoch;  /* how often a broker became the active one */
	uint64_t beat;   /* moves with each renewal */
	bool is_led;     /* false: the active one has left, or there was none yet */
	char active[STORE_NAME_MAX + 1];
	char address[STORE_ADDRESS_MAX + 1];
};

/* What a broker tells the others of itself. */
struct journal_self {
	char name[STORE_NAME_MAX + 1];
	char version[STORE_VERSION_MAX + 1];
	char configuration[STORE_CONFIGURATION_MAX + 1];
	enum store_role role;
	uint64_t revision; /* that its view has */
};

struct journal;

/* Called for each group, or record, in turn; anything but 0 ends the reading and is its result. Borrowed for the call.
 */
typedef int journal_visit_group(void *arg, const struct group *group);
typedef int journal_visit_change(void *arg, const struct key_change *change);
/* Called for what is not as it has to be. */
typedef void journal_report(void *arg, const char *finding);

struct journal_kind {
	/* Nothing is asked yet. ERR_INVALID for a url that is none. options is borrowed for the journal's life. */
	int (*open)(const struct store_shared *options, struct journal **ret_journal, struct error *error);
	void (*close)(struct journal *journal);

	/* Waits until fd can be read, others have appended, or until that moment of timers_clock. Whether others have.
	 */
	bool (*wait)(struct journal *journal, int fd, int64_t until);

	/* Its head, of any format; the first call also makes it where there is none. ERR_UNAVAILABLE when it does not
	 * answer. */
	int (*look)(struct journal *journal, struct journal_head *ret_head, struct error *error);
	/* Some of the groups that follow point, in their order; none is no error. ERR_STALE when point, or what follows
	 * it, is not there: only a snapshot helps. ERR_CORRUPT when the journal is of a newer format. */
	int (*read)(struct journal *journal, const struct point *point, journal_visit_group *visit, void *arg,
	            struct error *error);
	/* All records as of ret_point; likewise. */
	int (*snapshot)(struct journal *journal, journal_visit_change *visit, void *arg, struct point *ret_point,
	                struct error *error);

	/* Looks whether all is as it has to be, and changes nothing: reports what is not, then visits each record,
	 * unless that cannot be done for what was reported. A caller that does nothing else may call it. */
	int (*check)(struct journal *journal, journal_report *report, journal_visit_change *visit, void *arg,
	             struct error *error);

	/* Becomes the active one, unless anything has moved since head was seen, or the journal is of a newer format
	 * (ERR_STALE). From then on it is of this broker's: in the same step, so that no broker of an earlier format
	 * can follow upon what this one writes. */
	int (*claim)(struct journal *journal, const struct journal_head *head, struct error *error);
	/* Says another address than options->address, for the claims to come, and at once where this broker is the
	 * active one. An error: the others have the one before. */
	int (*say)(struct journal *journal, const char *address, struct error *error);
	/* Until when, by timers_clock, nobody else can have become the active one; moves with each append and renewal.
	 * 0 or less when this broker is not the active one, or has found out that another is. The loop asks, too, while
	 * another call is under way. */
	int64_t (*leased_until)(const struct journal *journal);
	/* Ends the lease on this side: an append under way ends soon, and nothing is renewed until the next claim. The
	 * loop may call it, too, while another call is under way. */
	void (*forsake)(struct journal *journal);
	/* Why the lease was not renewed the last time; code 0: it was, or nothing is known. Borrowed until the
	 * next call of any slot. */
	const struct error *(*trouble)(const struct journal *journal);
	/* 0: durable. ERR_UNAVAILABLE: it is not, or, where leased_until is over, nobody knows. ERR_NO_SPACE,
	 * ERR_NO_MEMORY: it is not. An answer that is lost is waited for, and asked for anew, until the lease is over.
	 */
	int (*append)(struct journal *journal, const struct group *group, struct error *error);
	/* Drops some of the groups that are older than ten minutes; who is that far behind needs a snapshot. */
	int (*trim)(struct journal *journal, struct error *error);
	/* Is not the active one any more, forsaken or not, and lets the others know: they need not wait for a lease. */
	void (*leave)(struct journal *journal);

	/* Tells the others of this broker, soon, while something else is waited for; nothing waits for it. What was
	 * told is taken back when the journal is closed, or forgotten in time. */
	void (*tell)(struct journal *journal, const struct journal_self *self);
	/* What they all have told last, as this broker has read it after its own telling; `looks` says whether it is
	 * another list than before. What members_judge fills in is left to the caller. Borrowed until the next call of
	 * any slot. */
	const struct store_members *(*members)(const struct journal *journal);
};

struct journal {
	const struct journal_kind *kind;
};

extern const struct journal_kind journal_postgres;

static inline uint64_t journal_format(const struct store_shared *options)
{
	return options->format != 0 ? options->format : STORE_FORMAT;
}

/* format.c: ERR_CORRUPT with a sentence when found is newer than what this broker reads. */
int format_accept(const struct store_shared *options, uint64_t found, struct error *error);

#endif
