/* Sets of sites: counted, so that another configuration can come while requests are under way. */
#include "http/sites.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "http/auth.h"

struct sites *sites_new(const struct http_site *items, size_t count, void (*on_unused)(void *arg), void *arg)
{
	struct sites *sites = calloc(1, sizeof(*sites) + count * sizeof(sites->passed[0]));

	if (sites != NULL)
		*sites = (struct sites){.items = items, .count = count, .users = 1, .on_unused = on_unused, .arg = arg};
	return sites;
}

struct sites *sites_hold(struct sites *sites)
{
	sites->users++;
	return sites;
}

bool sites_let_in(struct sites *sites, const struct http_site *site, const char *authorization, struct arena *arena)
{
	char **passed = &sites->passed[site - sites->items];

	if (authorization != NULL && *passed != NULL && secret_equal(authorization, *passed))
		return true;
	if (!auth_check(site, authorization, arena))
		return false;
	secret_free(*passed);
	*passed = authorization != NULL ? strdup(authorization) : NULL; /* without memory, the next is decoded again */
	return true;
}

void sites_drop(struct sites *sites)
{
	if (sites == NULL || --sites->users > 0)
		return;
	for (size_t i = 0; i < sites->count; i++)
		secret_free(sites->passed[i]);
	if (sites->on_unused != NULL)
		sites->on_unused(sites->arg);
	free(sites);
}
