/* Measures of what is passed on. */
#include "relay/measure.h"

static const struct metric_family requests = {
    .name = "tsuru_broker_forwarded_requests_total",
    .help = "Requests that this broker, standing by, passed on or held, by how that ended.",
    .type = METRIC_COUNTER,
    .labels = {"listener", "outcome"}};
static const struct metric_family failures = {
    .name = "tsuru_broker_forwarded_failures_total",
    .help = "Attempts to have the active broker answer a request that brought no answer.",
    .type = METRIC_COUNTER,
    .labels = {"listener"}};
static const struct metric_family held = {.name = "tsuru_broker_forwarded_held",
                                          .help = "Requests that wait for a broker to be the active one.",
                                          .type = METRIC_GAUGE,
                                          .labels = {"listener"}};

void relay_measures_init(struct relay_measures *measures, struct metrics *metrics)
{
	measures->metrics = metrics;
	measures->requests = metrics_add(metrics, &requests);
	measures->failures = metrics_add(metrics, &failures);
	measures->held = metrics_add(metrics, &held);
}
