/* What the broker's own user has to be allowed, asked of the server beforehand by ACL DRYRUN: the calls that need a
 * right may come long after an operator has changed the user. */
#ifndef DRIVER_REDIS_RIGHTS_H
#define DRIVER_REDIS_RIGHTS_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "command.h"

/* Adds the questions to the batch; their count is that of the answers to give to rights_read. */
size_t rights_ask(struct redis_batch *batch, const char *user, bool dedicated, bool cluster);
/* The sentence for an operator, with the statement that mends it, when something is missing; empty otherwise. */
void rights_read(redisReply *const *replies, size_t count, const char *user, bool dedicated, bool cluster,
                 struct text *ret_sentence);

#endif
