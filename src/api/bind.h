/* What the three ways to bind share: whose bind it is, and the environment as the answer. */
#ifndef API_BIND_H
#define API_BIND_H

#include "api/exchange.h"

/* Fills the bind's kind, name and parameters in exchange->ask from app-name, or from an old client's app-host; or
 * exchange->error. */
int bind_read_app(struct exchange *exchange);
/* The same for the job that the path names. */
void bind_read_job(struct exchange *exchange);

/* Continuations of broker_bind and broker_unbind; arg is the exchange. */
void bind_on_bound(void *arg, const struct broker_reply *reply);
void bind_on_unbound(void *arg, const struct broker_reply *reply);

#endif
