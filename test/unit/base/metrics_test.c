/* Metrics: counting, the text format, escaping, and the ceiling on series. */
#include "base/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const double bounds[] = {0.1, 1};
static const struct metric_family requests = {
    .name = "requests_total", .help = "Requests.", .type = METRIC_COUNTER, .labels = {"route", "code"}};
static const struct metric_family size = {.name = "size_bytes", .help = "Size.", .type = METRIC_GAUGE};
static const struct metric_family duration = {.name = "duration_seconds",
                                              .help = "Duration.",
                                              .type = METRIC_HISTOGRAM,
                                              .labels = {"route"},
                                              .bounds = bounds,
                                              .bound_count = 2};

static const char *render(struct metrics *metrics)
{
	static char shown[4096];
	struct text text;

	text_init(&text, 64 * 1024 * 1024);
	metrics_render(metrics, &text);
	snprintf(shown, sizeof(shown), "%s", text_string(&text));
	text_release(&text);
	return shown;
}

static void test_text(void **state)
{
	struct metrics *metrics = metrics_new();
	struct metric *counter = metrics_add(metrics, &requests);
	struct metric *gauge = metrics_add(metrics, &size);
	struct metric *histogram = metrics_add(metrics, &duration);

	(void)state;
	assert_non_null(metrics);
	metric_add(counter, 1, (const char *[]){"plans", "200"});
	metric_add(counter, 2, (const char *[]){"plans", "200"});
	metric_add(counter, 1, (const char *[]){"a\"b\\c\nd", NULL});
	metric_set(gauge, 1.5, NULL);
	metric_observe(histogram, 0.1, (const char *[]){"x"});
	metric_observe(histogram, 0.5, (const char *[]){"x"});
	metric_observe(histogram, 5, (const char *[]){"x"});
	assert_string_equal(render(metrics), "# HELP requests_total Requests.\n"
	                                     "# TYPE requests_total counter\n"
	                                     "requests_total{route=\"plans\",code=\"200\"} 3\n"
	                                     "requests_total{route=\"a\\\"b\\\\c\\nd\",code=\"\"} 1\n"
	                                     "# HELP size_bytes Size.\n"
	                                     "# TYPE size_bytes gauge\n"
	                                     "size_bytes 1.5\n"
	                                     "# HELP duration_seconds Duration.\n"
	                                     "# TYPE duration_seconds histogram\n"
	                                     "duration_seconds_bucket{route=\"x\",le=\"0.1\"} 1\n"
	                                     "duration_seconds_bucket{route=\"x\",le=\"1\"} 2\n"
	                                     "duration_seconds_bucket{route=\"x\",le=\"+Inf\"} 3\n"
	                                     "duration_seconds_sum{route=\"x\"} 5.6\n"
	                                     "duration_seconds_count{route=\"x\"} 3\n");
	metrics_free(metrics);
}

static void collect(void *arg)
{
	metric_set(arg, 7, NULL);
}

static void test_collected_and_cleared(void **state)
{
	struct metrics *metrics = metrics_new();
	struct metric *gauge = metrics_add(metrics, &size);
	struct metric *histogram = metrics_add(metrics, &duration);

	(void)state;
	assert_non_null(metrics);
	metrics_on_render(metrics, collect, gauge);
	assert_non_null(strstr(render(metrics), "size_bytes 7\n"));
	metrics_forget(metrics, gauge);
	metric_set(gauge, 8, NULL);
	assert_non_null(strstr(render(metrics), "size_bytes 8\n"));
	metric_clear(gauge);
	assert_string_equal(render(metrics), "");
	metric_set_histogram(histogram, (const uint64_t[]){1, 2, 3}, 9, (const char *[]){"y"});
	assert_non_null(strstr(render(metrics), "le=\"+Inf\"} 6\n"));
	assert_non_null(strstr(render(metrics), "_sum{route=\"y\"} 9\n"));
	metrics_free(metrics);
}

static void test_series_are_bounded(void **state)
{
	struct metrics *metrics = metrics_new();
	struct metric *counter = metrics_add(metrics, &requests);
	struct text text;
	size_t lines = 0;
	char route[32];

	(void)state;
	assert_non_null(metrics);
	for (int i = 0; i < METRIC_SERIES_MAX + 100; i++) {
		snprintf(route, sizeof(route), "%d", i);
		metric_add(counter, 1, (const char *[]){route, "200"});
	}
	text_init(&text, 64 * 1024 * 1024);
	metrics_render(metrics, &text);
	for (const char *c = text_string(&text); *c != '\0'; c++)
		lines += *c == '\n';
	assert_int_equal(lines, METRIC_SERIES_MAX + 1 + 2);
	assert_non_null(strstr(text_string(&text), "{route=\"other\",code=\"other\"} 100\n"));
	text_release(&text);
	metrics_free(metrics);
}

static void test_nothing_is_fine(void **state)
{
	(void)state;
	assert_null(metrics_add(NULL, &requests));
	metric_add(NULL, 1, NULL);
	metric_observe(NULL, 1, NULL);
	metric_clear(NULL);
	metrics_on_render(NULL, collect, NULL);
	metrics_forget(NULL, NULL);
	metrics_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_collected_and_cleared),
	    cmocka_unit_test(test_series_are_bounded),
	    cmocka_unit_test(test_nothing_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
