/* Which store this is, among all that may meet at a server: an id that is made with it, a number that grows with each
 * start, and a word made anew at each start, which tells two starts of one number apart: those of a store and its copy.
 * As a text, "STORE-NUMBER-WORD", it is what servers carry. */
#ifndef RECORDS_MARK_H
#define RECORDS_MARK_H

#include "driver/driver.h"
#include "store/store.h"

#define STORE_ID_LENGTH   16                 /* hex digits */
#define STORE_SEAL_LENGTH 32                 /* hex digits */
#define MARK_NUMBER_MAX   ((int64_t)1 << 62) /* a mark with a greater number is none */

struct mark {
	struct store *kept_in; /* NULL: it was only read, see mark_parse */
	char store[STORE_ID_LENGTH + 1];
	char seal[STORE_SEAL_LENGTH + 1]; /* a secret that is made with the store; no server sees it */
	int64_t number;
	char text[MARK_MAX + 1];
	int saving;   /* commits of it that are under way */
	bool durable; /* the text is on the disk */
	bool raised;  /* since the servers were looked at: all but the claimed one carry an older text */
};

/* The latest start that a store's records were seen to have. A shared store's database may lose it, when it fails over,
 * while servers carry its mark. */
struct mark_seen {
	char store[STORE_ID_LENGTH + 1];
	int64_t number; /* 0: none */
	int64_t since;  /* monotonic ms: when it was first seen */
};
#define MARK_SEEN_FOR (10 * 60 * 1000) /* ms */

/* Reads the store's mark and seal, or makes its first, and has the next mark written; it is durable some time later. */
int mark_open(struct mark *mark, struct store *store, struct error *error);
/* Whether it is on the disk, so that servers may see it; one whose commit failed is committed again. */
bool mark_is_durable(struct mark *mark);
/* False for what is no mark. */
bool mark_parse(const char *text, struct mark *ret_mark);
/* Looks what the records have now, a greater number than before or none. */
void mark_look(struct mark_seen *seen, struct store *store, int64_t now);
/* Raises the store's own mark above one of the same store that was first seen within MARK_SEEN_FOR: as it would be
 * above it, had it not been lost. What was lost before that is no failover's: the store is an old backup, which
 * somebody has to look at. */
void mark_recall(struct mark *mark, const struct mark_seen *seen, int64_t now);
/* The store's own mark gets a number above the given one; it is durable some time later. It stays where that is over
 * half of MARK_NUMBER_MAX: so many starts there never are, and whoever may write on one server must not use up the
 * numbers for all. */
void mark_raise(struct mark *mark, int64_t number);

#endif
