/* Memory that a peak has left behind goes back to the system. free() alone keeps what lies below anything that is still
 * in use: after 10,000 connections that were closed at once, nearly all of it. */
#ifndef CLI_TRIM_H
#define CLI_TRIM_H

#include <stddef.h>

#include "base/error.h"
#include "base/timer.h"

#define TRIM_BEAT  2000                  /* ms between two looks */
#define TRIM_SLACK ((size_t)4 * 1048576) /* bytes that are resident and unused; more are given back */

struct trim {
	struct timers *timers;
	struct timer timer;
	size_t kept; /* bytes that could not be given back the last time */
};

/* Begins to look. timers are borrowed until trim_stop. */
int trim_start(struct trim *trim, struct timers *timers, struct error *error);
/* Harmless when it was not started, and all is zero. */
void trim_stop(struct trim *trim);

#endif
