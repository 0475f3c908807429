/* Ends, on the server, what was given up here: a session whose statement goes on although its call has timed out or was
 * cancelled. It does so by a session of its own beside the pool, whose places may all be taken by such calls. */
#ifndef DRIVER_MYSQL_REAPER_H
#define DRIVER_MYSQL_REAPER_H

#include <stdbool.h>

#include "driver/driver.h"
#include "target.h"

struct reaper;

/* context and target are borrowed. NULL: memory is out. */
struct reaper *reaper_new(const struct driver_context *context, const struct mysql_target *target);
/* What it has not ended yet is left to the limits that the server knows. Accepts NULL. */
void reaper_free(struct reaper *reaper);

/* Ends the server's session of that number, so long as it holds the lock `badge`. */
void reaper_add(struct reaper *reaper, unsigned long id, const char *badge);
/* Whether it has a session now. */
bool reaper_is_busy(const struct reaper *reaper);

#endif
