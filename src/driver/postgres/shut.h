/* Access is taken away before anything else is done, and before anything is waited for that an app can hold. */
#ifndef DRIVER_POSTGRES_SHUT_H
#define DRIVER_POSTGRES_SHUT_H

#include "work.h"

/* Of work->roles: nobody logs in any more (in a bind: not with an earlier password), their sessions are told to end,
 * and the broker's user may act for them. */
void step_shut_roles(void *arg);
/* Ends the sessions of work->roles and what they prepared to commit later, and goes on when all are gone. */
void step_end_sessions(void *arg);

#endif
