/* The addresses of a url's hosts by the system's resolver, which may hang for as long as it likes: a thread of its own
 * asks it, and ends with its answer whether anybody waits for that or not. */
#ifndef STORE_POSTGRES_LOOKUP_H
#define STORE_POSTGRES_LOOKUP_H

#include <stdbool.h>

#include "base/error.h"
#include "base/text.h"

#define LOOKUP_LIST_MAX ((size_t)16 << 10) /* bytes of one list */

/* As libpq has them: as many entries in each, with commas between. */
enum lookup_list {
	LOOKUP_HOSTS,
	LOOKUP_ADDRESSES, /* an entry is "" where the host is a socket's directory */
	LOOKUP_PORTS,
	LOOKUP_LISTS
};

struct lookup;

/* Whether any of the hosts is a name. */
bool lookup_is_needed(const char *hosts);
/* ports: one for each host, or one for all. NULL: no thread can be had. */
struct lookup *lookup_start(const char *hosts, const char *ports);
bool lookup_is_over(const struct lookup *lookup);
/* What it found, once it is over: each host as often as it has addresses; nothing of one that has none. Swapped with
 * what ret_lists hold. ERR_NOT_FOUND: none has any, and the resolver knows that; ERR_UNAVAILABLE: it does not answer.
 */
int lookup_take(struct lookup *lookup, struct text *ret_lists, struct error *error);
/* Whether it is over or not. Accepts NULL. */
void lookup_end(struct lookup *lookup);

#endif
