/* Sites and routes: which prefix a path belongs to, which row of the table serves it. Pure. */
#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "http/http.h"

#define CAPTURES_MAX 8 /* in one pattern */

struct capture {
	const char *name, *value; /* neither ends in a NUL */
	size_t name_length, value_length;
};

struct route_match {
	const struct http_route *route; /* NULL: none */
	bool path_known;                /* some row has the path, for whatever method */
	struct capture captures[CAPTURES_MAX];
	size_t capture_count;
};

/* The site with the longest path that is path or a whole-segment prefix of it; *ret_below is what follows, at least
 * "/". NULL: none. */
const struct http_site *route_site(const struct http_site *sites, size_t count, const char *path,
                                   const char **ret_below);

/* The row of the first pattern that fits; a HEAD is served by GET's. */
void route_find(const struct http_route *routes, const char *method, const char *path, struct route_match *ret_match);

/* The methods path (NULL: any) is served for as "GET, HEAD, OPTIONS", into allow; what does not fit is left out. */
void route_allow(const struct http_route *routes, const char *path, char *allow, size_t size);

#endif
