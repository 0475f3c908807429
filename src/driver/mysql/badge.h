/* What the broker's sessions are told by on a server: each holds a lock of a name (GET_LOCK) that only the broker can
 * compute, of its store and service, for as long as it lives. So they can be counted, and a session that was given up
 * can be ended without the danger that its number is another's by then. No right and no performance_schema is needed.
 */
#ifndef DRIVER_MYSQL_BADGE_H
#define DRIVER_MYSQL_BADGE_H

#include "work.h"

/* Gives the call's session a badge, unless it has one, and goes on with the next step. Without a free one it has none:
 * then it is not counted, and not ended from outside. */
void maria_badge_session(struct mysql_work *work);

/* A step of check: adds CHECK_SESSIONS and CHECK_STRAYS. */
void maria_step_count_sessions(void *arg);

#endif
