/* What one comparison of the records with tsuru's list comes to: all differences, each with the time since which
 * comparisons have found it. */
#ifndef UPKEEP_COMPARISON_H
#define UPKEEP_COMPARISON_H

#include "catalog/generation.h"
#include "records/held.h"
#include "tsuru/listing.h"

#define DIFFERENCES_MAX 10000 /* that are kept; more are counted */

enum difference_kind {
	DIFFERENCE_ORPHAN,           /* a bind that tsuru does not know, of an instance that it knows */
	DIFFERENCE_INSTANCE,         /* an instance that tsuru does not know */
	DIFFERENCE_MISSING_INSTANCE, /* an instance of tsuru's that there is no record of */
	DIFFERENCE_MISSING_BIND,     /* a bind of tsuru's that there is no record of, of an instance that there is */
	DIFFERENCE_COUNT
};

struct difference {
	UT_hash_handle hh; /* in the order in which they were found */
	enum difference_kind kind;
	const char *service, *instance;
	const char *incarnation; /* "" where there is no record */
	enum bind_kind bind_kind;
	const char *bind;   /* "" of instances */
	int64_t updated_at; /* of an orphan: the bind's, wall ms */
	int64_t since;      /* monotonic ms: found so by every whole comparison from then on */
	int64_t since_wall;
};

struct comparison;

/* Takes the listing. NULL: memory is out, and the listing is freed. */
struct comparison *comparison_new(struct catalog *catalog, struct listing *listing);
/* Accepts NULL. */
void comparison_free(struct comparison *comparison);

/* Compares one instance's record with the list. False: the list cannot be right, and error says why. */
bool comparison_add(struct comparison *comparison, const struct instance *instance, struct error *error);
/* After all records: looks at the next part of the list for what has no record; true when it was the last one. */
bool comparison_look_back(struct comparison *comparison);
/* It is whole: what the one before (NULL: none) has found in the same way, it has found since then. */
void comparison_settle(struct comparison *comparison, const struct comparison *before);

/* The first difference; hh.next leads on. */
const struct difference *comparison_first(const struct comparison *comparison);
size_t comparison_count(const struct comparison *comparison, const char *service, enum difference_kind kind);
size_t comparison_total(const struct comparison *comparison);
/* Whether an orphan was one for as long, and its bind is older than that. */
bool comparison_is_due(const struct comparison *comparison, const struct difference *orphan, int64_t grace);
/* "orphaned-bind", ... */
const char *difference_name(enum difference_kind kind);

#endif
