/* What is done to accounts: what a plan gives them, their rights, and the way out of an instance's logins. */
#ifndef DRIVER_MYSQL_ACCOUNTS_H
#define DRIVER_MYSQL_ACCOUNTS_H

#include "work.h"

/* The plan's limits, as CREATE and ALTER USER take them. Not 0: the server has no such limit, and the step has failed.
 */
int maria_add_limits(struct mysql_work *work, struct sql *sql);
/* The expression that says of the account u whether it is locked. */
const char *maria_locked(const struct mysql_work *work);

/* These two fail when the server's mark is not the broker's. Finds the accounts of the call's login. */
void maria_step_find_login(void *arg);
/* Finds the accounts of the instance: those of call->binds, and those of the broker's that have rights in it. */
void maria_step_find_accounts(void *arg);
/* Of work->accounts: nobody logs in any more, and nothing that they defined runs by itself. */
void maria_step_shut_accounts(void *arg);
/* Ends the sessions of work->accounts, and goes on when they are gone. */
void maria_step_end_sessions(void *arg);
/* Drops work->accounts. */
void maria_step_drop_accounts(void *arg);

#endif
