/* Metrics in memory and as text. A series is found by its label values, joined by a byte that no text holds. */
#include "base/metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define KEY_MAX    512 /* bytes of a series' label values together; longer ones are cut */
#define SEPARATOR  '\x1f'
#define COLLECTORS 8

const double metric_seconds[METRIC_SECONDS_COUNT] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                     0.25,  0.5,    1,     2.5,  10,    60,   300};

struct series {
	UT_hash_handle hh;
	double value; /* a histogram's sum */
	uint64_t counts[METRIC_BOUNDS_MAX + 1];
	char key[];
};

struct metric {
	STAILQ_ENTRY(metric) next;
	const struct metric_family *family;
	struct series *series;
};

struct metrics {
	STAILQ_HEAD(, metric) all;
	struct {
		void (*collect)(void *arg);
		void *arg;
	} collectors[COLLECTORS];
	size_t collector_count;
};

/* ---- life ---- */

struct metrics *metrics_new(void)
{
	struct metrics *metrics = calloc(1, sizeof(*metrics));

	if (metrics != NULL)
		STAILQ_INIT(&metrics->all);
	return metrics;
}

void metric_clear(struct metric *metric)
{
	struct series *series, *next;

	if (metric == NULL)
		return;
	HASH_ITER (hh, metric->series, series, next) {
		HASH_DEL(metric->series, series);
		free(series);
	}
}

void metrics_free(struct metrics *metrics)
{
	struct metric *metric;

	if (metrics == NULL)
		return;
	while ((metric = STAILQ_FIRST(&metrics->all)) != NULL) {
		STAILQ_REMOVE_HEAD(&metrics->all, next);
		metric_clear(metric);
		free(metric);
	}
	free(metrics);
}

struct metric *metrics_add(struct metrics *metrics, const struct metric_family *family)
{
	struct metric *metric = metrics != NULL ? calloc(1, sizeof(*metric)) : NULL;

	if (metric == NULL)
		return NULL;
	metric->family = family;
	STAILQ_INSERT_TAIL(&metrics->all, metric, next);
	if (family->labels[0] == NULL)
		metric_add(metric, 0, NULL); /* a metric without labels is shown as 0 from the beginning */
	return metric;
}

void metrics_on_render(struct metrics *metrics, void (*collect)(void *arg), void *arg)
{
	if (metrics == NULL || metrics->collector_count == COLLECTORS)
		return;
	metrics->collectors[metrics->collector_count].collect = collect;
	metrics->collectors[metrics->collector_count++].arg = arg;
}

void metrics_forget(struct metrics *metrics, const void *arg)
{
	for (size_t i = 0; metrics != NULL && i < metrics->collector_count; i++) {
		if (metrics->collectors[i].arg == arg)
			metrics->collectors[i] = metrics->collectors[--metrics->collector_count];
	}
}

/* ---- series ---- */

static void make_key(const struct metric_family *family, const char *const *labels, char *ret_key)
{
	size_t length = 0;

	for (size_t i = 0; family->labels[i] != NULL; i++) {
		const char *value = labels == NULL ? "other" : labels[i] != NULL ? labels[i] : "";

		while (*value != '\0' && length < KEY_MAX - 1)
			ret_key[length++] = *value++;
		if (length < KEY_MAX - 1)
			ret_key[length++] = SEPARATOR;
	}
	ret_key[length] = '\0';
}

static struct series *add_series(struct metric *metric, const char *key)
{
	const size_t size = strlen(key) + 1;
	struct series *series = calloc(1, sizeof(*series) + size);

	if (series == NULL)
		return NULL;
	memcpy(series->key, key, size);
	HASH_ADD_STR(metric->series, key, series);
	if (series->hh.tbl != NULL)
		return series;
	free(series);
	return NULL;
}

static struct series *find(struct metric *metric, const char *const *labels)
{
	struct series *series = NULL;
	char key[KEY_MAX];

	if (metric == NULL)
		return NULL;
	make_key(metric->family, labels, key);
	HASH_FIND_STR(metric->series, key, series);
	if (series != NULL)
		return series;
	if (labels != NULL && HASH_COUNT(metric->series) >= METRIC_SERIES_MAX)
		return find(metric, NULL);
	return add_series(metric, key);
}

void metric_add(struct metric *metric, double delta, const char *const *labels)
{
	struct series *series = find(metric, labels);

	if (series != NULL)
		series->value += delta;
}

void metric_set(struct metric *metric, double value, const char *const *labels)
{
	struct series *series = find(metric, labels);

	if (series != NULL)
		series->value = value;
}

void metric_max(struct metric *metric, double value, const char *const *labels)
{
	struct series *series = find(metric, labels);

	if (series != NULL && value > series->value)
		series->value = value;
}

void metric_observe(struct metric *metric, double value, const char *const *labels)
{
	struct series *series = find(metric, labels);
	size_t i = 0;

	if (series == NULL)
		return;
	while (i < metric->family->bound_count && value > metric->family->bounds[i])
		i++;
	series->counts[i]++;
	series->value += value;
}

void metric_set_histogram(struct metric *metric, const uint64_t *counts, double sum, const char *const *labels)
{
	struct series *series = find(metric, labels);

	if (series == NULL)
		return;
	memcpy(series->counts, counts, (metric->family->bound_count + 1) * sizeof(*counts));
	series->value = sum;
}

/* ---- text ---- */

static void add_escaped(struct text *text, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '\n')
			text_add(text, "\\n");
		else if (bytes[i] == '"' || bytes[i] == '\\')
			text_add_format(text, "\\%c", bytes[i]);
		else
			text_add_bytes(text, &bytes[i], 1);
	}
}

/* {a="b",le="1"}: the series' labels, and the bucket's bound where one is given. */
static void add_labels(struct text *text, const struct metric_family *family, const char *key, const char *bound)
{
	const char *before = "{";

	for (size_t i = 0; family->labels[i] != NULL; i++) {
		const size_t length = strcspn(key, (const char[]){SEPARATOR, '\0'});

		text_add_format(text, "%s%s=\"", before, family->labels[i]);
		add_escaped(text, key, length);
		text_add(text, "\"");
		key += key[length] != '\0' ? length + 1 : length;
		before = ",";
	}
	if (bound != NULL) {
		text_add_format(text, "%sle=\"%s\"", before, bound);
		before = ",";
	}
	text_add(text, before[0] == ',' ? "}" : "");
}

static void add_number(struct text *text, double value)
{
	if (value == floor(value) && fabs(value) < 1e15)
		text_add_format(text, "%.0f", value);
	else
		text_add_format(text, "%.9g", value);
}

static void add_histogram(struct text *text, const struct metric_family *family, const struct series *series)
{
	uint64_t count = 0;
	char bound[32];

	for (size_t i = 0; i <= family->bound_count; i++) {
		count += series->counts[i];
		if (i < family->bound_count)
			snprintf(bound, sizeof(bound), "%g", family->bounds[i]);
		else
			strcpy(bound, "+Inf");
		text_add_format(text, "%s_bucket", family->name);
		add_labels(text, family, series->key, bound);
		text_add_format(text, " %llu\n", (unsigned long long)count);
	}
	text_add_format(text, "%s_sum", family->name);
	add_labels(text, family, series->key, NULL);
	text_add(text, " ");
	add_number(text, series->value);
	text_add_format(text, "\n%s_count", family->name);
	add_labels(text, family, series->key, NULL);
	text_add_format(text, " %llu\n", (unsigned long long)count);
}

static void add_family(struct text *text, const struct metric *metric)
{
	static const char *const types[] = {
	    [METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram"};
	const struct metric_family *family = metric->family;

	if (metric->series == NULL)
		return;
	text_add_format(text, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help, family->name,
	                types[family->type]);
	for (const struct series *series = metric->series; series != NULL; series = series->hh.next) {
		if (family->type == METRIC_HISTOGRAM) {
			add_histogram(text, family, series);
			continue;
		}
		text_add(text, family->name);
		add_labels(text, family, series->key, NULL);
		text_add(text, " ");
		add_number(text, series->value);
		text_add(text, "\n");
	}
}

void metrics_render(struct metrics *metrics, struct text *ret_text)
{
	const struct metric *metric;

	for (size_t i = 0; i < metrics->collector_count; i++)
		metrics->collectors[i].collect(metrics->collectors[i].arg);
	STAILQ_FOREACH(metric, &metrics->all, next)
	add_family(ret_text, metric);
}
