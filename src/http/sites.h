/* A set of sites and its users: the server, while it is the present one, and the requests that came to one of them. */
#ifndef HTTP_SITES_H
#define HTTP_SITES_H

#include "base/arena.h"
#include "http/http.h"

struct sites {
	const struct http_site *items;
	size_t count;
	size_t users;
	void (*on_unused)(void *arg); /* may be NULL */
	void *arg;
	char *passed[]; /* for each, the Authorization that passed last; NULL: none yet */
};

/* A set with one user. NULL when memory is out. */
struct sites *sites_new(const struct http_site *items, size_t count, void (*on_unused)(void *arg), void *arg);
struct sites *sites_hold(struct sites *sites);
/* auth_check for one of the set, which need not decode what has passed before. Compares in constant time, too. */
bool sites_let_in(struct sites *sites, const struct http_site *site, const char *authorization, struct arena *arena);
/* Accepts NULL. */
void sites_drop(struct sites *sites);

#endif
