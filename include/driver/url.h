/* Urls of servers, taken apart: scheme://user:password@host:port,host:port/path?query. Nothing of a url is ever shown:
 * it holds a password. */
#ifndef DRIVER_URL_H
#define DRIVER_URL_H

#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

#define URL_PLACES_MAX 16 /* hosts of one url */

struct place {
	const char *host; /* a name or an address, without brackets */
	const char *port;
};

struct url {
	const char *user, *password; /* decoded; user "" when it has none; the password is never empty */
	struct place places[URL_PLACES_MAX];
	size_t place_count; /* 0: nothing stands behind the @ */
	const char *rest;   /* what follows the hosts: "/path?query"; "" for nothing */
};

/* scheme is "redis://"; text begins with it. All in ret_url lives in the arena, which has to be wiped. ERR_INVALID says
 * "it ..." what is wrong. */
int url_parse(struct arena *arena, const char *text, const char *scheme, const char *default_port, struct url *ret_url,
              struct error *error);
/* host, host:port, [address] or [address]:port. */
int url_parse_place(struct arena *arena, const char *text, const char *default_port, struct place *ret_place,
                    struct error *error);

#endif
