/* The broker's metrics. Label values come from the configuration and from fixed sets only. */
#ifndef BROKER_MEASURE_H
#define BROKER_MEASURE_H

#include "broker/internal.h"

/* Adds all of them; metrics (borrowed until measure_close) may be NULL. */
void measure_open(struct broker *broker, struct metrics *metrics, void (*collect)(void *arg));
#define MEASURE_MS 1000.0 /* in a second */
void measure_close(struct broker *broker);
/* An attempt has ended: outcome is "done", "may-pass", "locked" or "refused". */
void measure_attempt(const struct job *job, const char *outcome);
/* An operation has, age ms after its acceptance. */
void measure_operation(const struct broker *broker, const char *service, enum operation_kind kind, int64_t age,
                       const char *outcome);

#endif
