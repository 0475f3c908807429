/* Name resolution on the loop (evdns, and /etc/hosts as it was at the start). */
#ifndef DRIVER_RESOLVER_H
#define DRIVER_RESOLVER_H

#include "base/error.h"
#include "base/timer.h"

struct event_base;
struct resolver;
struct resolution;

#define RESOLVER_TIMEOUT   5000 /* ms for one name */
#define RESOLVER_ADDRESSES 8    /* at most, of one name */

/* base and timers are borrowed. */
int resolver_new(struct event_base *base, struct timers *timers, struct resolver **ret_resolver, struct error *error);
/* No resolution is under way. Accepts NULL. */
void resolver_free(struct resolver *resolver);

/* Called once, from the loop, never inside resolver_start. addresses are numeric, borrowed; on a failure code is
 * ERR_UNAVAILABLE and the error names the host. */
typedef void resolver_done(void *arg, int code, const struct error *error, const char *const *addresses, size_t count);
/* host may be a numeric address. NULL when memory is out (nothing will be called). */
struct resolution *resolver_start(struct resolver *resolver, const char *host, resolver_done *on_done, void *arg);
/* Gives it up in silence. Accepts NULL; not after on_done. */
void resolver_cancel(struct resolution *resolution);

#endif
