/* The metrics of relays. One set serves all of a program's. */
#ifndef RELAY_MEASURE_H
#define RELAY_MEASURE_H

#include "base/metrics.h"

struct relay_measures {
	struct metrics *metrics; /* may be NULL */
	struct metric *requests, *failures, *held;
};

/* Adds them; metrics may be NULL. */
void relay_measures_init(struct relay_measures *measures, struct metrics *metrics);

#endif
