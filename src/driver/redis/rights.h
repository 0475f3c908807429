/* What the broker's own user has to be allowed, asked of the server beforehand by ACL DRYRUN: the calls that need a
 * right may come long after an operator has changed the user. */
#ifndef DRIVER_REDIS_RIGHTS_H
#define DRIVER_REDIS_RIGHTS_H

#include "work.h"

/* Adds the questions to work->batch. */
void redis_add_rights_question(struct redis_work *work);
/* When the answers say that something is missing, adds a result of that name: a sentence for an operator, with the
 * statement that mends it. */
void redis_tell_missing(struct redis_work *work, redisReply *const *replies, size_t count, const char *result);

#endif
