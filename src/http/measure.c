/* Measures of requests, counted as they are replied to. */
#include "http/measure.h"

#define US 1e6

static const struct metric_family requests = {.name = "tsuru_broker_http_requests_total",
                                              .help = "Requests that were replied to.",
                                              .type = METRIC_COUNTER,
                                              .labels = {"listener", "route", "code"}};
static const struct metric_family durations = {.name = "tsuru_broker_http_request_duration_seconds",
                                               .help = "From a request's head to its reply, waits included.",
                                               .type = METRIC_HISTOGRAM,
                                               .labels = {"listener", "route"},
                                               .bounds = metric_seconds,
                                               .bound_count = METRIC_SECONDS_COUNT};
static const struct metric_family connections = {
    .name = "tsuru_broker_http_connections", .help = "Open connections.", .type = METRIC_GAUGE, .labels = {"listener"}};

static const struct metric_family strangers = {.name = "tsuru_broker_http_strangers",
                                               .help = "Open connections that have not logged in.",
                                               .type = METRIC_GAUGE,
                                               .labels = {"listener"}};
static const struct metric_family closed = {
    .name = "tsuru_broker_http_strangers_closed_total",
    .help = "Connections that had not logged in and were closed because there were too many.",
    .type = METRIC_COUNTER,
    .labels = {"listener"}};
static const struct metric_family logins = {
    .name = "tsuru_broker_http_logins_refused_total",
    .help = "Logins that were wrong, or came too early after wrong ones and were not compared.",
    .type = METRIC_COUNTER,
    .labels = {"listener", "reason"}};
static const struct metric_family waiting = {.name = "tsuru_broker_http_logins_waiting",
                                             .help = "Logins that wait after wrong ones.",
                                             .type = METRIC_GAUGE,
                                             .labels = {"listener"}};

void http_measures_init(struct http_measures *measures, struct metrics *metrics)
{
	measures->metrics = metrics;
	measures->requests = metrics_add(metrics, &requests);
	measures->durations = metrics_add(metrics, &durations);
	measures->connections = metrics_add(metrics, &connections);
	measures->strangers = metrics_add(metrics, &strangers);
	measures->closed = metrics_add(metrics, &closed);
	measures->logins = metrics_add(metrics, &logins);
	measures->waiting = metrics_add(metrics, &waiting);
}

void http_measures_count(const struct http_measures *measures, const char *listener, const char *route, int status,
                         int64_t duration_us)
{
	const char code[] = {(char)('0' + status / 100), (char)('0' + status / 10 % 10), (char)('0' + status % 10),
	                     '\0'};

	if (measures == NULL)
		return;
	metric_add(measures->requests, 1, (const char *[]){listener, route, code});
	metric_observe(measures->durations, (double)duration_us / US, (const char *[]){listener, route});
}

void http_measures_closed(const struct http_measures *measures, const char *listener)
{
	if (measures != NULL)
		metric_add(measures->closed, 1, (const char *[]){listener});
}

void http_measures_login(const struct http_measures *measures, const char *listener, const char *reason)
{
	if (measures != NULL)
		metric_add(measures->logins, 1, (const char *[]){listener, reason});
}
