/* Counters, gauges and histograms, and their rendering in Prometheus' text format (version 0.0.4,
 * https://prometheus.io/docs/instrumenting/exposition_formats/). Every call accepts a NULL metric and does nothing
 * then: a lack of memory costs figures, never work. */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

#define METRIC_LABELS_MAX 3
#define METRIC_BOUNDS_MAX 16
#define METRIC_SERIES_MAX 4096 /* of one metric; what comes later is counted under the label values "other" */

struct metrics;
struct metric;

enum metric_type {
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_HISTOGRAM,
};

/* What a metric is; borrowed for the life of the metrics. */
struct metric_family {
	const char *name, *help; /* the name in full, with its unit and "_total" where they belong */
	enum metric_type type;
	const char *labels[METRIC_LABELS_MAX + 1]; /* ends with NULL */
	const double *bounds;                      /* of a histogram's buckets, rising, without infinity */
	size_t bound_count;
};

/* NULL when memory is out. */
struct metrics *metrics_new(void);
/* Accepts NULL. */
void metrics_free(struct metrics *metrics);
/* NULL when memory is out, or metrics is NULL. family is borrowed; its name is new. */
struct metric *metrics_add(struct metrics *metrics, const struct metric_family *family);
/* Has collect called before each rendering, to set gauges. */
void metrics_on_render(struct metrics *metrics, void (*collect)(void *arg), void *arg);
/* At the end of arg's life. */
void metrics_forget(struct metrics *metrics, const void *arg);
/* Appends all of it. */
void metrics_render(struct metrics *metrics, struct text *ret_text);

/* labels: the values in the family's order; NULL when it has none. */
void metric_add(struct metric *metric, double delta, const char *const *labels);
void metric_set(struct metric *metric, double value, const char *const *labels);
/* Keeps the larger of the two. */
void metric_max(struct metric *metric, double value, const char *const *labels);
void metric_observe(struct metric *metric, double value, const char *const *labels);
/* Replaces a whole histogram: counts of each bucket by itself (bound_count + 1 of them), and the sum of all values. */
void metric_set_histogram(struct metric *metric, const uint64_t *counts, double sum, const char *const *labels);
/* Forgets every series: for gauges whose labels come and go. */
void metric_clear(struct metric *metric);

/* Bounds from a millisecond to minutes, for durations in seconds. */
extern const double metric_seconds[];
#define METRIC_SECONDS_COUNT 14

#endif
