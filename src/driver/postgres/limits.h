/* What the server itself ends, so that nothing of ours goes on there when the broker has given up, cannot be heard, or
 * was killed. A session begins with the limits of target.c, which no ALTER ROLE or ALTER DATABASE overrides; each
 * statement of a call gets what is left of its attempt. */
#ifndef DRIVER_POSTGRES_LIMITS_H
#define DRIVER_POSTGRES_LIMITS_H

#include <stdint.h>

#include "driver/sql.h"
#include "session.h"

#define LOCK_TIMEOUT_MS 1000 /* a statement's wait for a lock */

/* A query within limits. It belongs to one session at a time, and has nothing to stop. */
struct limited {
	struct pg_session *session; /* borrowed, as text, until it is answered */
	const char *text;
	session_answered *on_answered;
	void *arg;
	struct sql sql; /* what is sent */
};

void limited_init(struct limited *limited);
void limited_release(struct limited *limited);
/* As session_query; text is borrowed until the answer. What it asks for ends on the server before the call is given up,
 * in left ms. */
int limited_query(struct limited *limited, struct pg_session *session, const char *text, int64_t left,
                  session_answered *on_answered, void *arg, struct error *error);
/* Back to what a session begins with, for one that no call has. */
const char *limits_reset(const struct pg_session *session);

#endif
