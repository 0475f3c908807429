/* Counters of instances: those of the store, and what requests under way are about to add to them. */
#ifndef RECORDS_RESERVE_H
#define RECORDS_RESERVE_H

#include "records/records.h"

struct reservation;

/* A place that is taken between a decision and the outcome of its commit. */
struct taken {
	struct taken *next;
	struct reservation *reservation;
};

/* How many like it there are by the counter, those being accepted included; ret_reserved (or NULL): of them. */
int64_t reserve_count(const struct records *records, enum counter counter, const struct instance *like,
                      int64_t *ret_reserved);
/* Takes one more; it stands first in the list, in the arena. */
int reserve_take(struct records *records, struct arena *arena, enum counter counter, const struct instance *like,
                 struct taken **taken, struct error *error);
/* The places are in the store by now, or not wanted any more: the list is empty. */
void reserve_give_back(struct records *records, struct taken **taken);

#endif
