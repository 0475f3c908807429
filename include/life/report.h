/* Operations in the log. */
#ifndef LIFE_REPORT_H
#define LIFE_REPORT_H

#include "life/life.h"

/* One line on the operation, with outcome "done", "failed", "canceled" or "retry". */
void report_try(const struct job *job, const char *outcome);
/* The same for one that ended with its beginning, age ms after its acceptance. */
void report_ended(const struct life *life, const struct operation *operation, const struct instance *instance,
                  int64_t age);

#endif
