/* The end of an operation: its result is made durable, then those who wait are answered. */
#ifndef BROKER_FINISH_H
#define BROKER_FINISH_H

#include "broker/run.h"

/* The job's run has come to a verdict; it has released its host. Takes as many turns as the store needs. */
void finish_start(struct job *job, enum verdict verdict);
/* One line on the operation, with outcome "done", "failed", "canceled" or "retry". */
void finish_log(const struct job *job, const char *outcome);
/* The same for one that ended with its beginning, age ms after its acceptance. */
void finish_log_ended(const struct broker *broker, const struct operation *operation, const struct instance *instance,
                      int64_t age);

#endif
