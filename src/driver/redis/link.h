/* One connection to a Redis server or a sentinel: connecting, TLS, the greeting, and batches of commands, all on the
 * loop. The wire cannot take a command back: to give one up is to close the link. Neighbour: pool.c keeps links that
 * are idle. */
#ifndef DRIVER_REDIS_LINK_H
#define DRIVER_REDIS_LINK_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "command.h"
#include "driver/driver.h"
#include "target.h"

#define LINK_ANSWER_MAX (64 * 1024 * 1024) /* bytes of the answers to one batch */

struct link;

/* From the loop, once; on a failure the link may only be closed. */
typedef void link_opened(void *arg, int code, const struct error *error);
/* From the loop, once. replies are as many as the batch had commands, borrowed, errors of the server among them; on a
 * failure there are none. It may close the link. */
typedef void link_answered(void *arg, int code, const struct error *error, redisReply *const *replies, size_t count);
typedef void link_died(void *arg);

/* All is borrowed until the link is closed, but for host and port. NULL when memory is out. */
struct link *link_open(const struct driver_context *context, const struct redis_login *login, const char *host,
                       const char *port, link_opened *on_opened, void *arg);
/* In any state and in silence. Accepts NULL. */
void link_close(struct link *link);

/* Sends a batch of one command or more over an idle link; the batch may change afterwards. */
void link_ask(struct link *link, const struct redis_batch *batch, link_answered *on_answered, void *arg);
/* Whether a batch may be sent. */
bool link_is_idle(const struct link *link);
/* on_died is called when the idle link is lost; it has to close it. NULL: not any more. */
void link_watch(struct link *link, link_died *on_died, void *arg);

/* What it was opened to. */
bool link_is_to(const struct link *link, const char *host, const char *port);

#endif
