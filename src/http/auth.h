/* Basic authentication (RFC 7617). */
#ifndef HTTP_AUTH_H
#define HTTP_AUTH_H

#include <stdbool.h>

#include "base/arena.h"
#include "http/http.h"

/* Whether the Authorization header (NULL: absent) shows a password at all. */
bool auth_is_shown(const char *authorization);
/* Whether it carries the site's credentials. Compares in constant time. */
bool auth_check(const struct http_site *site, const char *authorization, struct arena *arena);

#endif
