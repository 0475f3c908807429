/* The bytes of a link: a stream to one address, plain or through TLS, and why it failed. */
#ifndef DRIVER_REDIS_STREAM_H
#define DRIVER_REDIS_STREAM_H

#include <event2/bufferevent.h>
#include <stdbool.h>

#include "base/error.h"
#include "target.h"

/* Callbacks are deferred; the host is whose certificate is accepted, unless the login names another. NULL: memory is
 * out. */
struct bufferevent *redis_stream_new(struct event_base *base, const struct redis_login *login, const char *host);
/* Begins to connect, once the callbacks are set. False: the system cannot, or it is no address. */
bool redis_stream_connect(struct bufferevent *stream, const char *text, const char *port);
/* The sentence for an event that tells a failure: TLS's reason, or the socket's. */
void redis_stream_explain(struct bufferevent *stream, const struct redis_login *login, short what, struct error *error);

#endif
