/* What the server has of the instance: work->facts. */
#ifndef DRIVER_POSTGRES_LOOK_H
#define DRIVER_POSTGRES_LOOK_H

#include "work.h"

/* Looks without the lock: for what must not wait for it. Fails when a role of the instance's name is another's. */
void step_peek(void *arg);
/* The same, once it has the instance's lock on the server. The lock is the session's: a session that was given up keeps
 * it until the server has done with its last statement, so no two calls ever work on one instance. */
void step_look(void *arg);

#endif
