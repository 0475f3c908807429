/* Sets of sites: counted, so that another configuration can come while requests are under way. */
#include "http/sites.h"

#include <stdlib.h>

struct sites *sites_new(const struct http_site *items, size_t count, void (*on_unused)(void *arg), void *arg)
{
	struct sites *sites = calloc(1, sizeof(*sites));

	if (sites != NULL)
		*sites = (struct sites){.items = items, .count = count, .users = 1, .on_unused = on_unused, .arg = arg};
	return sites;
}

struct sites *sites_hold(struct sites *sites)
{
	sites->users++;
	return sites;
}

void sites_drop(struct sites *sites)
{
	if (sites == NULL || --sites->users > 0)
		return;
	if (sites->on_unused != NULL)
		sites->on_unused(sites->arg);
	free(sites);
}
